#include "statefunctl/status_verbs.hpp"

#include "statefunctl/fields.hpp"
#include "statefunctl/format.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <ostream>

namespace statefunctl {

using nlohmann::json;

namespace {

// --- status

std::string failure_text(json const& failure) {
  if (!failure.is_object())
    return "";
  auto const next = until_text(failure, "next_attempt_unix_ms");
  return text_of(failure, "error") + " (" + count_of(failure, "attempts_count") + " in a row" +
         (next == "-" ? "" : ", next " + next) + ")";
}

void print_functions(std::ostream& out, json const& status) {
  table functions({"FUNCTION", "PROTOCOL", "BACKLOG", "IN FLIGHT", "BACKED OFF", "HELD", "PAUSED", "ENDPOINT"});
  std::string failures;
  for (json const& one : status.value("functions", json::array())) {
    auto const endpoint = text_of(one, "endpoint");
    functions.add({text_of(one, "type"), text_of(one, "generation"), count_of(one, "backlog_count"),
                   count_of(one, "calls_in_flight_count"), count_of(one, "addresses_in_backoff_count"),
                   count_of(one, "addresses_held_count"), paused_text(one),
                   endpoint.empty() ? "no module declares it" : endpoint});
    if (auto const text = failure_text(one.value("last_failure", json())); !text.empty())
      failures += "  " + text_of(one, "type") + ": " + text + '\n';
  }
  out << '\n' << (functions.empty() ? "No functions: no module declares one.\n" : functions.text());
  if (!failures.empty())
    out << "\nFailing\n" << failures;
}

void print_egresses(std::ostream& out, json const& status) {
  table egresses({"EGRESS", "KIND", "RECORDS", "SIZE"});
  for (json const& one : status.value("egresses", json::array()))
    egresses.add({text_of(one, "egress"), text_of(one, "kind"), count_of(one, "records_count"), size_of(one)});
  if (!egresses.empty())
    out << '\n' << egresses.text();
}

void print_modules(std::ostream& out, json const& status) {
  std::string not_running;
  for (json const& one : status.value("declared_not_running", json::array()))
    not_running += "  " + text_of(one, "what") + ", " + text_of(one, "where") + ": " + text_of(one, "why") + '\n';
  if (!not_running.empty())
    out << "\nDeclared, and not running in this version\n" << not_running;

  auto const files = status.value("modules", json::array());
  out << "\nModules: " << counted(files.size(), "file") << ", generation " << count_of(status, "modules_generation")
      << '\n';
  for (json const& one : files) {
    auto const state = text_of(one, "state");
    if (state == "loaded")
      continue;
    out << "  " << text_of(one, "file") << (state == "kept" ? ": its last good version is in force\n" : ": refused\n");
    for (json const& wrong : one.value("diagnostics", json::array()))
      out << "    " << diagnostic_text(wrong) << '\n';
  }
}

void print_status(std::ostream& out, json const& status) {
  out << "statefund " << text_of(status, "version") << ", " << text_of(status, "state") << ", up "
      << seconds_text(status.value("uptime_seconds", std::uint64_t{0})) << '\n'
      << "  store " << text_of(status, "store_kind") << ", " << counted(status, "shards_count", "shard") << ", "
      << count_of(status, "delayed_pending_count") << " delayed, "
      << bytes_text(status.value("buffered_bytes", std::uint64_t{0})) << " of "
      << bytes_text(status.value("buffered_bytes_max", std::uint64_t{0})) << " buffered, "
      << counted(status, "ingress_connections_count", "client") << '\n';
  if (auto const lost = text_of(status, "store_may_lose"); !lost.empty())
    out << "  may be lost: " << lost << '\n';
  if (auto const lack = text_of(status, "store_lacks_space"); !lack.empty())
    out << "  " << lack << ": messages are refused (SF0307)\n";
  print_functions(out, status);
  print_egresses(out, status);
  print_modules(out, status);
}

exit_code show_status(environment const& with) {
  auto const told = ask_admin(with, "GET", "/v1/status");
  if (!told)
    return exit_code::failed;
  if (with.as == output::human)
    print_status(with.out, *told);
  return exit_code::done;
}

// --- functions

exit_code show_functions(environment const& with) {
  auto const told = ask_admin(with, "GET", "/v1/functions");
  if (!told)
    return exit_code::failed;
  if (with.as == output::json)
    return exit_code::done;
  table rows({"FUNCTION", "BACKLOG", "ADDRESSES", "IN FLIGHT", "BACKED OFF", "HELD", "PAUSED", "ENDPOINT"});
  for (json const& one : told->value("functions", json::array())) {
    auto const endpoint = text_of(one, "endpoint");
    rows.add({text_of(one, "type"), count_of(one, "backlog_count"), count_of(one, "addresses_count"),
              count_of(one, "calls_in_flight_count"), count_of(one, "addresses_in_backoff_count"),
              count_of(one, "addresses_held_count"), paused_text(one),
              endpoint.empty() ? "no module declares it" : endpoint});
  }
  with.out << (rows.empty() ? "No functions: no module declares one.\n" : rows.text());
  return exit_code::done;
}

} // namespace

action add_status(CLI::App&) {
  return show_status;
}

action add_functions(CLI::App&) {
  return show_functions;
}

} // namespace statefunctl
