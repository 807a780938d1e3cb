#include "admin/operations_json.hpp"

#include "admin/json_writer.hpp"
#include "clock/clock.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

namespace statefund::admin {

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

std::optional<std::int64_t> age_ms(std::optional<clock::steady::time_point> const& since) {
  if (!since)
    return std::nullopt;
  return std::max<std::int64_t>(0, duration_cast<milliseconds>(clock::steady::now() - *since).count());
}

std::optional<std::int64_t> unix_ms_of(std::optional<clock::steady::time_point> const& at) {
  if (!at)
    return std::nullopt;
  return clock::unix_ms() + duration_cast<milliseconds>(*at - clock::steady::now()).count();
}

void text_or_null(json_writer& to, std::optional<message::address> const& value) {
  if (value)
    to.text(to_text(*value));
  else
    to.null();
}

void write_members(json_writer& to, dispatch::address_summary const& one) {
  to.key("address").text(to_text(one.self));
  to.key("state").text(dispatch::to_string(one.stands));
  to.key("messages_count").number(one.messages_count);
  to.key("bytes").number(one.bytes);
  to.key("oldest_age_ms").number(age_ms(one.oldest_since));
  to.key("failures_count").number(one.failures_count);
  to.key("last_error").text(one.last_error);
  to.key("next_attempt_unix_ms").number(unix_ms_of(one.next_attempt));
}

void write(json_writer& to, dispatch::message_summary const& one) {
  to.open('{');
  to.key("message").text(to_text(one.id));
  to.key("type").text(one.type_name);
  to.key("bytes").number(one.bytes);
  text_or_null(to.key("caller"), one.caller);
  to.close('}');
}

void write(json_writer& to, store::state_summary const& one) {
  to.open('{');
  to.key("name").text(one.name);
  to.key("type").text(one.type_name);
  to.key("bytes").number(one.bytes);
  to.key("expires_unix_ms");
  if (one.expires_at_ms != 0)
    to.number(one.expires_at_ms);
  else
    to.null();
  to.close('}');
}

} // namespace

std::string to_json(dispatch::address_list const& listed) {
  std::string text;
  json_writer to(text);
  to.open('{');
  to.key("addresses").open('[');
  for (auto const& one : listed.addresses) {
    to.open('{');
    write_members(to, one);
    to.close('}');
  }
  to.close(']');
  to.key("total_count").number(listed.total_count);
  to.key("durable").truth(listed.durable);
  to.close('}');
  text += '\n';
  return text;
}

std::string to_json(dispatch::address_detail const& seen) {
  std::string text;
  json_writer to(text);
  to.open('{');
  write_members(to, seen.summary);
  to.key("why").text(seen.why);
  to.key("head");
  if (seen.head)
    write(to, *seen.head);
  else
    to.null();
  to.key("delayed_count").number(seen.delayed_count);
  to.key("delayed_next_due_unix_ms").number(seen.delayed_next_due_ms);
  to.key("states").open('[');
  for (auto const& one : seen.states)
    write(to, one);
  to.close(']');
  to.key("durable").truth(seen.durable);
  to.close('}');
  text += '\n';
  return text;
}

} // namespace statefund::admin
