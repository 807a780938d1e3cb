#include "statefunctl/verbs.hpp"

#include "daemon/check.hpp"
#include "http/base64.hpp"
#include "message/address.hpp"
#include "module/duration.hpp"
#include "statefunctl/environment.hpp"
#include "statefunctl/format.hpp"
#include "statefunctl/operator_verbs.hpp"
#include "statefunctl/store_verbs.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>

namespace statefunctl {

namespace message = statefund::message;
using nlohmann::json;

namespace {

// --- status

std::string failure_text(json const& failure) {
  if (!failure.is_object())
    return "";
  std::string text = failure.value("error", "");
  text += " (" + std::to_string(failure.value("attempts_count", 0)) + " in a row";
  if (failure.contains("next_attempt_unix_ms") && failure["next_attempt_unix_ms"].is_number()) {
    auto const now = std::chrono::system_clock::now().time_since_epoch();
    auto const left = failure["next_attempt_unix_ms"].get<std::int64_t>() -
                      std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    text += left > 0 ? ", next in " + std::to_string((left + 999) / 1000) + " s" : ", next now";
  }
  return text + ")";
}

std::string diagnostic_text(json const& one) {
  std::string text = one.value("file", "?");
  if (auto const line = one.value("line", 0U); line > 0)
    text += ':' + std::to_string(line) + ':' + std::to_string(one.value("column", 0U));
  text += ": " + one.value("message", "");
  if (auto const hint = one.value("hint", ""); !hint.empty())
    text += "; " + hint;
  return text;
}

void print_status(std::ostream& out, json const& status) {
  out << "statefund " << status.value("version", "?") << ", " << status.value("state", "?") << ", up "
      << seconds_text(status.value("uptime_seconds", std::uint64_t{0})) << '\n'
      << "  store " << status.value("store_kind", "?") << ", " << status.value("shards_count", 0) << " shards, "
      << count_of(status, "delayed_pending_count") << " delayed, "
      << bytes_text(status.value("buffered_bytes", std::uint64_t{0})) << " of "
      << bytes_text(status.value("buffered_bytes_max", std::uint64_t{0})) << " buffered, "
      << count_of(status, "ingress_connections_count") << " clients\n";
  if (auto const lost = status.value("store_may_lose", ""); !lost.empty())
    out << "  a crash may take " << lost << '\n';

  table functions({"FUNCTION", "PROTOCOL", "BACKLOG", "IN FLIGHT", "BACKED OFF", "HELD", "PAUSED", "ENDPOINT"});
  std::string failures;
  for (json const& one : status.value("functions", json::array())) {
    std::string const endpoint = one.value("endpoint", "");
    functions.add({one.value("type", "?"), one.value("generation", ""), count_of(one, "backlog_count"),
                   count_of(one, "calls_in_flight_count"), count_of(one, "addresses_in_backoff_count"),
                   count_of(one, "addresses_held_count"), paused_text(one),
                   endpoint.empty() ? "no module declares it" : endpoint});
    if (auto const text = failure_text(one.value("last_failure", json())); !text.empty())
      failures += "  " + one.value("type", "?") + ": " + text + '\n';
  }
  out << '\n' << (functions.empty() ? "No functions: no module declares one.\n" : functions.text());
  if (!failures.empty())
    out << "\nFailing\n" << failures;

  table egresses({"EGRESS", "KIND", "RECORDS", "SIZE"});
  for (json const& one : status.value("egresses", json::array()))
    egresses.add({one.value("egress", "?"), one.value("kind", ""), count_of(one, "records_count"),
                  bytes_text(one.value("bytes", std::uint64_t{0}))});
  if (!egresses.empty())
    out << '\n' << egresses.text();

  std::string refused_files;
  std::size_t files_count = 0;
  for (json const& one : status.value("modules", json::array())) {
    ++files_count;
    std::string const state = one.value("state", "");
    if (state == "loaded")
      continue;
    refused_files +=
        "  " + one.value("file", "?") + (state == "kept" ? ": its last good version is in force" : ": refused") + '\n';
    for (json const& wrong : one.value("diagnostics", json::array()))
      refused_files += "    " + diagnostic_text(wrong) + '\n';
  }
  std::string not_running;
  for (json const& one : status.value("declared_not_running", json::array()))
    not_running += "  " + one.value("what", "?") + ", " + one.value("where", "?") + ": " + one.value("why", "") + '\n';
  if (!not_running.empty())
    out << "\nDeclared, and not running in this version\n" << not_running;
  out << "\nModules: " << files_count << " files, generation " << count_of(status, "modules_generation") << '\n'
      << refused_files;
}

exit_code show_status(environment const& with) {
  auto const said = with.admin().ask("GET", "/v1/status");
  if (said.has_error())
    return fail(with, said.error().detail);
  if (!said->is_good())
    return refused(with, *said);
  if (with.as == output::json) {
    with.out << said->body;
    return exit_code::done;
  }
  auto const status = json::parse(said->body, nullptr, false);
  if (!status.is_object())
    return fail(with, with.admin_socket + " answered something that is no status");
  print_status(with.out, status);
  return exit_code::done;
}

action add_status(CLI::App&) {
  return show_status;
}

// --- send

struct send_options {
  std::string address;
  std::string type;
  std::string json_value;
  std::string text;
  std::string file;
  std::string key;
  std::string delay;
  bool has_json = false;
  bool has_text = false;
};

exit_code send(environment const& with, send_options const& what) {
  auto const target = message::parse_address(what.address);
  if (!target.value)
    return fail(with, "'" + what.address + "' is no address <namespace>/<name>/<id>: " + std::string(target.fault));
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  if (what.has_text) {
    body = what.text;
    headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
  } else if (what.has_json) {
    if (!json::accept(what.json_value))
      return fail(with, "--json is not JSON: " + what.json_value);
    body = what.json_value;
  } else if (what.file.empty() || what.file == "-") {
    body.assign(std::istreambuf_iterator<char>(with.in), {});
  } else {
    std::ifstream file(what.file, std::ios::binary);
    if (!file)
      return fail(with, what.file + " cannot be read");
    body.assign(std::istreambuf_iterator<char>(file), {});
  }
  if (!what.type.empty()) {
    headers.emplace_back("Statefun-Type", what.type);
  } else if (!what.has_text) {
    return fail(with, "a value needs its type: --type <typename>, as in --type example/Order; a text has one by itself "
                      "(--text)");
  }
  if (!what.key.empty())
    headers.emplace_back("Idempotency-Key", what.key);
  if (!what.delay.empty())
    headers.emplace_back("Statefun-Delay", what.delay);

  auto const said = with.ingress().ask("PUT", "/" + message::to_text(*target.value), headers, std::move(body));
  if (said.has_error())
    return fail(with, said.error().detail);
  if (!said->is_good())
    return refused(with, *said);
  bool const duplicate = said->header("statefun-duplicate") == "true";
  std::string const id = said->header("statefun-message-id");
  if (with.as == output::json)
    with.out << json{{"id", id}, {"duplicate", duplicate}}.dump() << '\n';
  else
    with.out << (duplicate ? "accepted before, as " : "accepted, ") << id << '\n';
  return exit_code::done;
}

action add_send(CLI::App& verb) {
  auto const what = std::make_shared<send_options>();
  verb.add_option("address", what->address, "<namespace>/<name>/<id>, each part percent-encoded")->required();
  verb.add_option("--type,-t", what->type, "The value's type name");
  auto* const as_json = verb.add_option("--json", what->json_value, "The value, as JSON text (with --type)");
  auto* const as_text = verb.add_option("--text", what->text, "The value, as a text");
  auto* const as_file =
      verb.add_option("--file,-f", what->file, "A file with the value's bytes; - or none: standard input");
  as_json->excludes(as_text)->excludes(as_file);
  as_text->excludes(as_file);
  verb.add_option("--key,-k", what->key, "Idempotency key: sent twice, it is accepted once");
  verb.add_option("--delay,-d", what->delay, "As in 10s or 250ms");
  return [what, as_json, as_text](environment const& with) {
    what->has_json = as_json->count() > 0;
    what->has_text = as_text->count() > 0;
    return send(with, *what);
  };
}

// --- egress tail

struct tail_options {
  std::string egress;
  bool peek = false;
  std::uint64_t count = 0; // 0: without end
  std::string wait = "for ever";
};

void print_record(environment const& with, json const& record) {
  if (with.as == output::json) {
    with.out << record.dump() << '\n';
    return;
  }
  std::string shown = "(no value)";
  if (record.contains("value")) {
    auto const bytes = statefund::http::base64_decode(record["value"].get<std::string>());
    shown = bytes ? value_text(record.value("type", ""), *bytes, 200) : "(not base64)";
  }
  with.out << record.value("seq", std::uint64_t{0}) << "  " << record.value("from", "") << "  "
           << record.value("type", "") << "  " << shown << '\n';
}

// Reads page by page; what was printed is acknowledged with the next read, so that an interrupted tail loses nothing.
exit_code tail(environment const& with, tail_options const& what) {
  using clock = std::chrono::steady_clock;
  auto const egress = message::parse_egress_id(what.egress);
  if (!egress.value)
    return fail(with, "'" + what.egress + "' is no egress <namespace>/<name>: " + std::string(egress.fault));
  std::optional<clock::time_point> give_up;
  if (what.wait != "for ever") {
    auto const wait = statefund::module::parse_duration(what.wait);
    if (wait.has_error())
      return fail(with, "--wait is a duration, as in 5s: " + wait.error().detail);
    give_up = clock::now() + *wait;
  }
  std::string const path = "/-/egress/" + message::to_text(*egress.value);
  std::optional<std::uint64_t> seen;
  std::uint64_t printed_count = 0;
  auto const query_of = [&](std::uint64_t records_max, std::chrono::milliseconds wait) {
    std::string query = "?max=" + std::to_string(records_max) + "&wait=" + std::to_string(wait.count()) + "ms";
    if (seen)
      query += "&after=" + std::to_string(*seen);
    if (what.peek)
      query += "&peek=true";
    return query;
  };
  for (;;) {
    bool const enough = what.count > 0 && printed_count >= what.count;
    if (enough && (what.peek || !seen))
      return exit_code::done;
    std::chrono::milliseconds wait{enough ? 0 : 10'000};
    if (give_up && !enough)
      wait = std::clamp(std::chrono::ceil<std::chrono::milliseconds>(*give_up - clock::now()),
                        std::chrono::milliseconds(0), wait);
    std::uint64_t const records_max = enough            ? 1
                                      : what.count == 0 ? 100
                                                        : std::min<std::uint64_t>(100, what.count - printed_count);
    auto const said = with.ingress().ask("GET", path + query_of(records_max, wait));
    if (said.has_error())
      return fail(with, said.error().detail);
    if (!said->is_good())
      return refused(with, *said);
    if (enough)
      return exit_code::done; // the last read was only for its acknowledgement
    std::istringstream lines(said->body);
    bool any = false;
    for (std::string line; std::getline(lines, line);) {
      auto const record = json::parse(line, nullptr, false);
      if (!record.is_object())
        return fail(with, with.ingress_socket + " answered something that is no record");
      print_record(with, record);
      seen = record.value("seq", std::uint64_t{0});
      ++printed_count;
      any = true;
    }
    with.out.flush();
    if (!any && give_up && clock::now() >= *give_up) {
      if (what.count > 0)
        return fail(with, "only " + std::to_string(printed_count) + " of " + std::to_string(what.count) +
                              " records came within " + what.wait);
      return exit_code::done;
    }
  }
}

action add_egress(CLI::App& verb) {
  auto const what = std::make_shared<tail_options>();
  auto* const tail_verb = verb.add_subcommand("tail", "Prints an egress's records, oldest first, and removes them");
  tail_verb->add_option("egress", what->egress, "<namespace>/<name>")->required();
  tail_verb->add_flag("--peek", what->peek, "Leaves the records there");
  tail_verb->add_option("--count,-n", what->count, "Ends after so many");
  tail_verb->add_option("--wait,-w", what->wait, "Ends when no more came by then, as in 5s");
  verb.require_subcommand(1);
  return [what](environment const& with) { return tail(with, *what); };
}

// --- validate

struct validate_options {
  std::string directory = "/etc/statefun.d";
  bool connect = false;
};

exit_code validate(environment const& with, validate_options const& what) {
  namespace daemon = statefund::daemon;
  daemon::checked judged = daemon::check_modules(what.directory);
  if (what.connect && judged.modules)
    judged.connections = daemon::reach_all(judged.modules->functions());
  if (with.as == output::json) {
    with.out << to_json(judged);
  } else {
    with.err << render(judged, with.use);
    if (!judged.has_errors())
      with.out << summary(judged);
    table connections({"FUNCTIONS", "ENDPOINT", "CONNECTION"});
    for (auto const& one : judged.connections.value_or(std::vector<daemon::reached>{}))
      connections.add({one.functions, one.endpoint,
                       std::string(to_string(one.state)) + (one.reason.empty() ? "" : ": " + one.reason)});
    if (!connections.empty())
      with.out << '\n' << connections.text();
  }
  if (judged.has_errors())
    return exit_code::invalid;
  return judged.is_good() ? exit_code::done : exit_code::failed;
}

action add_validate(CLI::App& verb) {
  auto const what = std::make_shared<validate_options>();
  verb.add_option("directory", what->directory, "Where the module files are; /etc/statefun.d")->option_text("DIR");
  verb.add_flag("--connect", what->connect, "Also connects to each endpoint, and says whether it can be reached");
  return [what](environment const& with) { return validate(with, *what); };
}

// --- reload

exit_code reload(environment const& with) {
  auto const said = with.admin().ask("POST", "/-/reload");
  if (said.has_error())
    return fail(with, said.error().detail);
  auto const report = json::parse(said->body, nullptr, false);
  if (!report.is_object())
    return refused(with, *said);
  if (!said->is_good()) {
    if (with.as == output::human)
      for (json const& wrong : report.value("diagnostics", json::array()))
        with.err << diagnostic_text(wrong) << '\n';
    return refused(with, *said);
  }
  if (with.as == output::json)
    with.out << said->body;
  else
    with.out << "generation " << count_of(report, "generation")
             << " is in force: " << counted(report, "functions_count", "function") << " from "
             << counted(report, "files_count", "module file") << '\n';
  return exit_code::done;
}

action add_reload(CLI::App&) {
  return reload;
}

// --- the table

struct verb {
  char const* name;
  char const* what;
  action (*add)(CLI::App&);
};

constexpr verb verbs[] = {
    {"validate", "Says what is wrong with the module files of a directory; asks no daemon", add_validate},
    {"status", "What the daemon is doing: functions, backlogs, failures, egresses, modules", add_status},
    {"send", "Sends one message to a function", add_send},
    {"functions", "Each function type: what waits, what is out, what is paused", add_functions},
    {"addresses", "The addresses for which something waits, the longest first", add_addresses},
    {"describe", "Everything about one address but its values", add_describe},
    {"pause", "An address, or a whole function type, takes no turns until it is resumed", add_pause},
    {"resume", "What was paused goes on; --all: a daemon that was started paused", add_resume},
    {"skip", "Drops the first message of an address; shows it first", add_skip},
    {"dead-letters", "Messages that were set aside: list, show, replay, drop", add_dead_letters},
    {"reload", "Reads the module files again, and says once they are in force", add_reload},
    {"egress", "Reads what functions sent to an egress", add_egress},
    {"backup", "The daemon copies its data directory, while it serves", add_backup},
    {"store", "check: reads a data directory that no daemon has open, and says what is wrong with it", add_store},
};

std::string from_environment(char const* name, char const* otherwise) {
  char const* const set = std::getenv(name);
  return set != nullptr && *set != '\0' ? set : otherwise;
}

// CLI11 says of a mistyped verb only that it did not expect it.
std::string mistyped_verb(int argc, char const* const* argv) {
  std::vector<std::string> names;
  for (verb const& one : verbs)
    names.emplace_back(one.name);
  for (int i = 1; i < argc; ++i) {
    std::string const word = argv[i];
    if (word == "--admin-socket" || word == "--ingress-socket") {
      ++i;
      continue;
    }
    if (word.starts_with("-"))
      continue;
    if (std::find(names.begin(), names.end(), word) != names.end())
      return {};
    std::string const near = nearest(word, names);
    return "'" + word + "' is no verb" + (near.empty() ? "; see statefunctl --help" : "; did you mean '" + near + "'?");
  }
  return {};
}

} // namespace

exit_code run(int argc, char const* const* argv, std::istream& in, std::ostream& out, std::ostream& err,
              statefund::module::colours use) {
  environment with{from_environment("STATEFUN_ADMIN_SOCKET", "/run/statefun/admin.sock"),
                   from_environment("STATEFUN_INGRESS_SOCKET", "/run/statefun/ingress.sock"),
                   output::human,
                   in,
                   out,
                   err,
                   use};
  if (auto const wrong = mistyped_verb(argc, argv); !wrong.empty()) {
    err << "statefunctl: " << wrong << '\n';
    return exit_code::usage;
  }
  CLI::App app{"Looks into a running statefund, sends it messages, and acts on what stands still.", "statefunctl"};
  bool as_json = false;
  app.add_option("--admin-socket", with.admin_socket, "STATEFUN_ADMIN_SOCKET; " + with.admin_socket);
  app.add_option("--ingress-socket", with.ingress_socket, "STATEFUN_INGRESS_SOCKET; " + with.ingress_socket);
  app.require_subcommand(1);
  app.fallthrough();
  std::vector<std::pair<CLI::App*, action>> known;
  for (verb const& one : verbs) {
    CLI::App* const added = app.add_subcommand(one.name, one.what);
    known.emplace_back(added, one.add(*added));
  }
  // `send --json VALUE` is the value; everywhere else --json is the form of the output.
  app.add_flag("--json", as_json, "Prints JSON; before the verb, or with any verb but send");
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& failure) {
    int const code = app.exit(failure, out, err);
    return code == 0 ? exit_code::done : exit_code::usage;
  }
  with.as = as_json ? output::json : output::human;
  for (auto const& [parsed, act] : known)
    if (parsed->parsed())
      return act(with);
  return exit_code::usage;
}

} // namespace statefunctl
