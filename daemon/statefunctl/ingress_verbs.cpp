#include "statefunctl/ingress_verbs.hpp"

#include "http/base64.hpp"
#include "message/address.hpp"
#include "module/duration.hpp"
#include "statefunctl/format.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <ostream>
#include <sstream>
#include <utility>
#include <vector>

namespace statefunctl {

namespace message = statefund::message;
using nlohmann::json;

namespace {

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
    return misused(with, "'" + what.address + "' is no address <namespace>/<name>/<id>: " + std::string(target.fault));
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  if (what.has_text) {
    body = what.text;
    headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
  } else if (what.has_json) {
    if (!json::accept(what.json_value))
      return misused(with, "--json is not JSON: " + what.json_value);
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
    return misused(with,
                   "a value needs its type: --type <typename>, as in --type example/Order; a text has one by itself "
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
    return misused(with, "'" + what.egress + "' is no egress <namespace>/<name>: " + std::string(egress.fault));
  std::optional<clock::time_point> give_up;
  if (what.wait != "for ever") {
    auto const wait = statefund::module::parse_duration(what.wait);
    if (wait.has_error())
      return misused(with, "--wait is a duration, as in 5s: " + wait.error().detail);
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

} // namespace

action add_send(CLI::App& verb) {
  auto const what = std::make_shared<send_options>();
  verb.add_option("address", what->address, address_form)->required();
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

} // namespace statefunctl
