#include "admin/status_json.hpp"

#include "admin/json_writer.hpp"
#include "admin/pause_json.hpp"

#include <string_view>

namespace statefund::admin {

namespace {

void write(json_writer& to, function_status const& one) {
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
  to.key("paused");
  if (one.paused) {
    to.open('{');
    write_pause(to, *one.paused);
    to.close('}');
  } else {
    to.null();
  }
  to.key("last_failure");
  if (one.last_failure) {
    to.open('{');
    to.key("error").text(one.last_failure->error);
    to.key("attempts_count").number(one.last_failure->attempts_count);
    to.key("next_attempt_unix_ms").number(one.last_failure->next_attempt_unix_ms);
    to.close('}');
  } else {
    to.null();
  }
  to.close('}');
}

void write(json_writer& to, diagnostic const& one) {
  to.open('{');
  to.key("file").text(one.file);
  to.key("line").number(one.line);
  to.key("column").number(one.column);
  to.key("message").text(one.message);
  to.key("hint").text(one.hint);
  to.close('}');
}

void write(json_writer& to, not_running const& one) {
  to.open('{');
  to.key("what").text(one.what);
  to.key("where").text(one.where);
  to.key("why").text(one.why);
  to.close('}');
}

void write(json_writer& to, egress_status const& one) {
  to.open('{');
  to.key("egress").text(message::to_text(one.id));
  to.key("kind").text(one.kind);
  to.key("records_count").number(one.records_count);
  to.key("bytes").number(one.bytes);
  to.key("addresses_held_count").number(one.addresses_held_count);
  to.close('}');
}

void write(json_writer& to, held_status const& one) {
  to.open('{');
  to.key("waits_for").text(one.waits_for);
  to.key("addresses_count").number(one.addresses_count);
  to.close('}');
}
void write(json_writer& to, module_status const& one);

template <class List>
void write_list(json_writer& to, std::string_view name, List const& list) {
  to.key(name).open('[');
  for (auto const& one : list)
    write(to, one);
  to.close(']');
}

void write(json_writer& to, module_status const& one) {
  to.open('{');
  to.key("file").text(one.file);
  to.key("state").text(one.state);
  write_list(to, "diagnostics", one.diagnostics);
  to.close('}');
}

} // namespace

std::string to_json(status const& snapshot) {
  std::string text;
  json_writer to(text);
  to.open('{');
  to.key("version").text(snapshot.version);
  to.key("state").text(snapshot.state);
  to.key("uptime_seconds").number(snapshot.uptime.count());
  to.key("shards_count").number(snapshot.shards_count);
  to.key("partitions_count").number(snapshot.partitions_count);
  to.key("store_kind").text(snapshot.store_kind);
  to.key("store_may_lose").text(snapshot.store_may_lose);
  to.key("store_lacks_space").text(snapshot.store_lacks_space);
  to.key("unsynced_bytes").number(snapshot.unsynced_bytes);
  to.key("buffered_bytes").number(snapshot.buffered_bytes);
  to.key("buffered_bytes_max").number(snapshot.buffered_bytes_max);
  to.key("delayed_pending_count").number(snapshot.delayed_pending_count);
  to.key("ingress_connections_count").number(snapshot.ingress_connections_count);
  to.key("modules_generation").number(snapshot.modules_generation);
  write_list(to, "modules", snapshot.modules);
  write_list(to, "declared_not_running", snapshot.declared_not_running);
  write_list(to, "functions", snapshot.functions);
  write_list(to, "egresses", snapshot.egresses);
  write_list(to, "held", snapshot.held);
  to.close('}');
  text += '\n';
  return text;
}

std::string to_json(std::vector<function_status> const& functions) {
  std::string text;
  json_writer to(text);
  to.open('{');
  write_list(to, "functions", functions);
  to.close('}');
  text += '\n';
  return text;
}

std::string to_json(reload_report const& report) {
  std::string text;
  json_writer to(text);
  to.open('{');
  to.key("generation").number(report.generation);
  to.key("files_count").number(report.files_count);
  to.key("functions_count").number(report.functions_count);
  to.close('}');
  text += '\n';
  return text;
}

std::string problem_members(reload_report const& report) {
  std::string text;
  json_writer to(text);
  to.key("generation").number(report.generation);
  write_list(to, "diagnostics", report.diagnostics);
  return text;
}

} // namespace statefund::admin
