#include "admin/status_json.hpp"

#include "http/problem.hpp"

#include <concepts>
#include <string_view>

namespace statefund::admin {

namespace {

// Writes one object or list; commas are put where they belong.
class writer {
 public:
  explicit writer(std::string& out) noexcept : out_(out) {}

  writer& key(std::string_view name) {
    separate();
    http::append_json_string(out_, name);
    out_ += ':';
    after_key_ = true;
    return *this;
  }
  void text(std::string_view value) {
    separate();
    http::append_json_string(out_, value);
  }
  template <std::integral Integer>
  void number(Integer value) {
    separate();
    out_ += std::to_string(value);
  }
  void truth(bool value) {
    separate();
    out_ += value ? "true" : "false";
  }
  void null() {
    separate();
    out_ += "null";
  }
  void open(char bracket) {
    separate();
    out_ += bracket;
    first_ = true;
  }
  void close(char bracket) {
    out_ += bracket;
    first_ = false;
  }

 private:
  void separate() {
    if (!after_key_ && !first_)
      out_ += ',';
    after_key_ = false;
    first_ = false;
  }

  std::string& out_;
  bool first_ = true;
  bool after_key_ = false;
};

void write(writer& to, function_status const& one) {
  to.open('{');
  to.key("type").text(message::to_text(one.type));
  to.key("generation").text(one.generation);
  to.key("endpoint").text(one.endpoint);
  to.key("file").text(one.file);
  to.key("backlog_count").number(one.backlog_count);
  to.key("addresses_count").number(one.addresses_count);
  to.key("calls_in_flight_count").number(one.calls_in_flight_count);
  to.key("addresses_in_backoff_count").number(one.addresses_in_backoff_count);
  to.key("addresses_held_count").number(one.addresses_held_count);
  to.key("addresses_paused_count").number(one.addresses_paused_count);
  to.key("last_failure");
  if (one.last_failure) {
    to.open('{');
    to.key("error").text(one.last_failure->error);
    to.key("attempts_count").number(one.last_failure->attempts_count);
    to.key("next_attempt_unix_ms");
    if (one.last_failure->next_attempt_unix_ms)
      to.number(*one.last_failure->next_attempt_unix_ms);
    else
      to.null();
    to.close('}');
  } else {
    to.null();
  }
  to.close('}');
}

void write(writer& to, module_status const& one) {
  to.open('{');
  to.key("file").text(one.file);
  to.key("in_force").truth(one.in_force);
  to.key("diagnostics").open('[');
  for (std::string const& sentence : one.diagnostics)
    to.text(sentence);
  to.close(']');
  to.close('}');
}

void write(writer& to, egress_status const& one) {
  to.open('{');
  to.key("egress").text(message::to_text(one.id));
  to.key("kind").text(one.kind);
  to.key("records_count").number(one.records_count);
  to.key("bytes").number(one.bytes);
  to.key("addresses_held_count").number(one.addresses_held_count);
  to.close('}');
}

template <class List>
void write_list(writer& to, std::string_view name, List const& list) {
  to.key(name).open('[');
  for (auto const& one : list)
    write(to, one);
  to.close(']');
}

} // namespace

std::string to_json(status const& snapshot) {
  std::string text;
  writer to(text);
  to.open('{');
  to.key("version").text(snapshot.version);
  to.key("state").text(snapshot.state);
  to.key("uptime_seconds").number(snapshot.uptime.count());
  to.key("shards_count").number(snapshot.shards_count);
  to.key("partitions_count").number(snapshot.partitions_count);
  to.key("store_kind").text(snapshot.store_kind);
  to.key("buffered_bytes").number(snapshot.buffered_bytes);
  to.key("buffered_bytes_max").number(snapshot.buffered_bytes_max);
  to.key("delayed_pending_count").number(snapshot.delayed_pending_count);
  to.key("ingress_connections_count").number(snapshot.ingress_connections_count);
  to.key("modules_generation").number(snapshot.modules_generation);
  write_list(to, "modules", snapshot.modules);
  write_list(to, "functions", snapshot.functions);
  write_list(to, "egresses", snapshot.egresses);
  to.close('}');
  text += '\n';
  return text;
}

} // namespace statefund::admin
