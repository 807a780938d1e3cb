#include "admin/operations_json.hpp"

#include "admin/json_writer.hpp"
#include "admin/pause_json.hpp"
#include "clock/clock.hpp"
#include "http/base64.hpp"

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

void write(json_writer& to, dispatch::pause_summary const& one) {
  to.open('{');
  to.key("of").text(one.with == dispatch::paused_with::itself ? "address" : "type");
  write_pause(to, one.why);
  to.close('}');
}

void write_members(json_writer& to, dispatch::dead_letter_summary const& one) {
  to.key("id").text(to_text(one.message.id));
  to.key("address").text(to_text(one.self));
  text_or_null(to.key("caller"), one.message.caller);
  to.key("type").text(one.message.type_name);
  to.key("bytes").number(one.message.bytes);
  to.key("reason").text(one.reason);
  to.key("at_unix_ms").number(one.at_ms);
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

template <class T>
void write_or_null(json_writer& to, std::optional<T> const& value) {
  if (value)
    write(to, *value);
  else
    to.null();
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
  write_or_null(to.key("paused"), seen.paused);
  write_or_null(to.key("head"), seen.head);
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

std::string to_json(dispatch::dead_letter_page const& listed) {
  std::string text;
  json_writer to(text);
  to.open('{');
  to.key("dead_letters").open('[');
  for (auto const& one : listed.letters) {
    to.open('{');
    write_members(to, one);
    to.close('}');
  }
  to.close(']');
  to.key("next");
  if (listed.next)
    to.text(to_text(*listed.next));
  else
    to.null();
  to.key("total_count").number(listed.total_count);
  to.key("durable").truth(listed.durable);
  to.close('}');
  text += '\n';
  return text;
}

std::string to_json(store::dead_letter_row const& one, with_value shown) {
  std::string text;
  json_writer to(text);
  to.open('{');
  write_members(to, dispatch::summary_of(one));
  if (shown == with_value::yes) {
    std::string value;
    http::append_base64(value, one.letter.message.value.bytes);
    to.key("value").text(value);
  }
  to.close('}');
  text += '\n';
  return text;
}

std::string to_json(dispatch::acted const& done) {
  return done.changed ? "{\"changed\":true}\n" : "{\"changed\":false}\n";
}

std::string to_json(dispatch::replayed const& done) {
  std::string text;
  json_writer to(text);
  to.open('{');
  to.key("replayed_count").number(done.replayed_count);
  to.key("left_count").number(done.left_count);
  to.key("stopped_by");
  if (done.first_refusal)
    to.text(done.first_refusal->detail);
  else
    to.null();
  to.close('}');
  text += '\n';
  return text;
}

std::string to_json(std::string const& directory, store::backup_report const& made) {
  std::string text;
  json_writer to(text);
  to.open('{');
  to.key("directory").text(directory);
  to.key("number").number(made.number);
  to.key("bytes").number(made.bytes);
  to.key("took_ms").number(made.took.count());
  to.close('}');
  text += '\n';
  return text;
}

} // namespace statefund::admin
