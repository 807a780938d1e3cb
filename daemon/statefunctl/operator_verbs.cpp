#include "statefunctl/operator_verbs.hpp"

#include "http/base64.hpp"
#include "message/address.hpp"
#include "statefunctl/format.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <ostream>
#include <utility>
#include <vector>

namespace statefunctl {

namespace message = statefund::message;
using nlohmann::json;

namespace {

constexpr std::size_t error_width_max = 60;

std::int64_t now_unix_ms() {
  auto const now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

// "-" where there is no such moment.
std::string until_text(json const& object, char const* name) {
  auto const found = object.find(name);
  if (found == object.end() || !found->is_number())
    return "-";
  auto const left = found->get<std::int64_t>() - now_unix_ms();
  return left > 0 ? "in " + seconds_text(static_cast<std::uint64_t>((left + 999) / 1000)) : "now";
}

std::string since_text(json const& object, char const* name) {
  auto const past = now_unix_ms() - object.value(name, std::int64_t{0});
  return seconds_text(static_cast<std::uint64_t>(std::max<std::int64_t>(0, past) / 1000));
}

std::string age_text(json const& object, char const* name) {
  auto const found = object.find(name);
  return found == object.end() || !found->is_number() ? "-" : seconds_text(found->get<std::uint64_t>() / 1000);
}

std::string size_of(json const& object) {
  return bytes_text(object.value("bytes", std::uint64_t{0}));
}

std::string text_of(json const& object, char const* name) {
  auto const found = object.find(name);
  return found == object.end() || !found->is_string() ? std::string() : found->get<std::string>();
}

std::string caller_text(json const& object) {
  auto const caller = text_of(object, "caller");
  return caller.empty() ? "from outside" : "from " + caller;
}

// "backing_off" as a person writes it.
std::string state_text(json const& object) {
  auto state = text_of(object, "state");
  std::replace(state.begin(), state.end(), '_', ' ');
  return state;
}

std::string query_of(std::vector<std::string> const& parameters) {
  std::string text;
  for (auto const& one : parameters)
    (text += text.empty() ? '?' : '&') += one;
  return text;
}

// An operator names an address or a type; absent: what is wrong is told.
std::optional<std::string> address_path(environment const& with, std::string const& text) {
  auto const parsed = message::parse_address(text);
  if (!parsed.value) {
    fail(with, "'" + text + "' is no address <namespace>/<name>/<id>: " + std::string(parsed.fault));
    return std::nullopt;
  }
  return "/v1/addresses/" + message::to_text(*parsed.value);
}

std::optional<std::string> address_or_type_path(environment const& with, std::string const& text) {
  if (auto const type = message::parse_function_type(text); type.value)
    return "/v1/functions/" + message::to_text(*type.value);
  if (auto const self = message::parse_address(text); self.value)
    return "/v1/addresses/" + message::to_text(*self.value);
  fail(with, "'" + text + "' is neither an address <namespace>/<name>/<id> nor a function type <namespace>/<name>");
  return std::nullopt;
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

// --- addresses

struct addresses_options {
  std::string state;
  std::string type;
  std::size_t max = 100;
};

exit_code show_addresses(environment const& with, addresses_options const& what) {
  std::vector<std::string> parameters{"max=" + std::to_string(what.max)};
  auto state = what.state;
  std::replace(state.begin(), state.end(), '-', '_');
  if (!state.empty())
    parameters.push_back(parameter("state", state));
  if (!what.type.empty())
    parameters.push_back(parameter("type", what.type));
  auto const told = ask_admin(with, "GET", "/v1/addresses" + query_of(parameters));
  if (!told)
    return exit_code::failed;
  if (with.as == output::json)
    return exit_code::done;
  table rows({"ADDRESS", "STATE", "MESSAGES", "SIZE", "OLDEST", "FAILURES", "NEXT CALL", "LAST ERROR"});
  auto const listed = told->value("addresses", json::array());
  for (json const& one : listed)
    rows.add({text_of(one, "address"), state_text(one), count_of(one, "messages_count"), size_of(one),
              age_text(one, "oldest_age_ms"), count_of(one, "failures_count"), until_text(one, "next_attempt_unix_ms"),
              shortened(text_of(one, "last_error"), error_width_max)});
  auto const total_count = told->value("total_count", std::uint64_t{0});
  if (!rows.empty())
    with.out << rows.text();
  if (total_count == 0)
    with.out << (parameters.size() > 1 ? "No such address.\n" : "Nothing waits for any address.\n");
  else if (total_count > listed.size())
    with.out << "\nThe " << listed.size() << " that have waited longest, of " << total_count << "; --max shows more.\n";
  return exit_code::done;
}

// --- describe

void print_pause(std::ostream& out, json const& paused) {
  out << "  paused         for " << since_text(paused, "since_unix_ms") << ", "
      << (text_of(paused, "of") == "type" ? "with its whole type, " : "") << "by "
      << (text_of(paused, "by") == "operator" ? "an operator" : "a failure of its first message") << '\n'
      << "                 " << text_of(paused, "reason") << '\n';
}

void print_head(std::ostream& out, json const& head) {
  out << "  first message  " << text_of(head, "message") << ", " << text_of(head, "type") << ", " << size_of(head)
      << ", " << caller_text(head) << '\n';
}

void print_failures(std::ostream& out, json const& seen) {
  if (seen.value("failures_count", 0U) == 0)
    return;
  auto const next = until_text(seen, "next_attempt_unix_ms");
  out << "  failed calls   " << count_of(seen, "failures_count") << " in a row"
      << (next == "-" ? "" : ", the next call " + next) << '\n'
      << "  last error     " << text_of(seen, "last_error") << '\n';
}

void print_address(std::ostream& out, json const& seen) {
  auto const why = text_of(seen, "why");
  out << text_of(seen, "address") << ": " << state_text(seen) << (why.empty() ? "" : ", " + why) << '\n';
  if (seen.contains("paused") && seen["paused"].is_object())
    print_pause(out, seen["paused"]);
  if (seen.value("messages_count", std::uint64_t{0}) > 0)
    out << "  messages       " << count_of(seen, "messages_count") << ", " << size_of(seen) << ", the oldest for "
        << age_text(seen, "oldest_age_ms") << '\n';
  if (seen.contains("head") && seen["head"].is_object())
    print_head(out, seen["head"]);
  print_failures(out, seen);
  if (seen.value("delayed_count", std::uint64_t{0}) > 0)
    out << "  delayed        " << counted(seen, "delayed_count", "message") << ", the next due "
        << until_text(seen, "delayed_next_due_unix_ms") << '\n';
  if (!seen.value("durable", true))
    out << "  not durable    the disk is behind: a crash may still take some of this back\n";
  table states({"STATE", "TYPE", "SIZE", "EXPIRES"});
  for (json const& one : seen.value("states", json::array()))
    states.add({text_of(one, "name"), text_of(one, "type"), size_of(one), until_text(one, "expires_unix_ms")});
  if (!states.empty())
    out << '\n' << states.text();
}

exit_code describe(environment const& with, std::string const& address) {
  auto const path = address_path(with, address);
  if (!path)
    return exit_code::usage;
  auto const told = ask_admin(with, "GET", *path);
  if (!told)
    return exit_code::failed;
  if (with.as == output::human)
    print_address(with.out, *told);
  return exit_code::done;
}

// --- pause, resume, skip

struct subject_options {
  std::string subject;
  std::string reason;
  std::string message;
  bool all = false;
};

// Says what became of it: it was done, or was so before.
exit_code act(environment const& with, std::string const& target, std::string const& done, std::string const& was_so) {
  auto const told = ask_admin(with, "POST", target);
  if (!told)
    return exit_code::failed;
  if (with.as == output::human)
    with.out << (told->value("changed", true) ? done : was_so) << '\n';
  return exit_code::done;
}

exit_code pause(environment const& with, subject_options const& what) {
  auto const path = address_or_type_path(with, what.subject);
  if (!path)
    return exit_code::usage;
  std::vector<std::string> parameters;
  if (!what.reason.empty())
    parameters.push_back(parameter("reason", what.reason));
  return act(with, *path + "/pause" + query_of(parameters), what.subject + " is paused",
             what.subject + " was paused before");
}

exit_code resume(environment const& with, subject_options const& what) {
  if (what.all == !what.subject.empty()) {
    fail(with, "resume takes an address or a function type, or --all for a daemon that was started paused");
    return exit_code::usage;
  }
  if (what.all)
    return act(with, "/v1/resume", "statefund is resumed; what was paused by itself stays so",
               "statefund was not paused");
  auto const path = address_or_type_path(with, what.subject);
  if (!path)
    return exit_code::usage;
  return act(with, *path + "/resume", what.subject + " is resumed", what.subject + " was not paused");
}

// Never blindly: between a look and a skip the first message may have become another one.
exit_code show_what_is_skipped(environment const& with, std::string const& path) {
  auto const told = ask_admin(with, "GET", path);
  if (!told || with.as == output::json)
    return exit_code::failed;
  if (!told->contains("head") || !(*told)["head"].is_object())
    return fail(with, "nothing waits for " + text_of(*told, "address"));
  auto const& head = (*told)["head"];
  with.out << text_of(*told, "address") << ": " << state_text(*told) << '\n';
  print_head(with.out, head);
  print_failures(with.out, *told);
  with.out << "\nNothing was skipped. To drop this message for good:\n  statefunctl skip " << text_of(*told, "address")
           << " --message " << text_of(head, "message") << '\n';
  return exit_code::failed;
}

exit_code skip(environment const& with, subject_options const& what) {
  auto const path = address_path(with, what.subject);
  if (!path)
    return exit_code::usage;
  if (what.message.empty())
    return show_what_is_skipped(with, *path);
  return act(with, *path + "/skip?" + parameter("message", what.message),
             "the message " + what.message + " of " + what.subject + " is dropped", "");
}

// --- dead letters

struct dead_letter_options {
  std::string type;
  std::string address;
  std::string id;
  std::size_t max = 100;
  bool value = false;
};

constexpr char const* dead_letters_path = "/v1/dead-letters";

std::vector<std::string> filter_of(dead_letter_options const& what) {
  std::vector<std::string> parameters;
  if (!what.type.empty())
    parameters.push_back(parameter("type", what.type));
  if (!what.address.empty())
    parameters.push_back(parameter("address", what.address));
  return parameters;
}

exit_code list_dead_letters(environment const& with, dead_letter_options const& what) {
  auto parameters = filter_of(what);
  parameters.push_back("max=" + std::to_string(what.max));
  auto const told = ask_admin(with, "GET", dead_letters_path + query_of(parameters));
  if (!told)
    return exit_code::failed;
  if (with.as == output::json)
    return exit_code::done;
  table rows({"ID", "ADDRESS", "AGE", "TYPE", "SIZE", "REASON"});
  for (json const& one : told->value("dead_letters", json::array()))
    rows.add({text_of(one, "id"), text_of(one, "address"), since_text(one, "at_unix_ms"), text_of(one, "type"),
              size_of(one), shortened(text_of(one, "reason"), error_width_max)});
  with.out << (rows.empty() ? "No dead letters.\n" : rows.text());
  if (told->contains("next") && (*told)["next"].is_string())
    with.out << "\nThere are more, " << count_of(*told, "total_count") << " in all; --max shows more.\n";
  return exit_code::done;
}

exit_code show_dead_letter(environment const& with, dead_letter_options const& what) {
  auto const told = ask_admin(with, "GET",
                              std::string(dead_letters_path) + '/' + message::percent_encode(what.id) +
                                  "?value=" + (what.value || with.as == output::human ? "true" : "false"));
  if (!told)
    return exit_code::failed;
  if (with.as == output::json)
    return exit_code::done;
  auto const& one = *told;
  with.out << text_of(one, "id") << " to " << text_of(one, "address") << ", " << caller_text(one) << '\n'
           << "  set aside  " << since_text(one, "at_unix_ms") << " ago\n"
           << "  reason     " << text_of(one, "reason") << '\n'
           << "  type       " << text_of(one, "type") << '\n'
           << "  size       " << size_of(one) << '\n';
  auto const bytes = statefund::http::base64_decode(text_of(one, "value"));
  if (bytes && one.contains("value") && one["value"].is_string())
    with.out << "  value      " << value_text(text_of(one, "type"), *bytes, what.value ? bytes->size() * 2 + 2 : 200)
             << '\n';
  return exit_code::done;
}

exit_code replay_many(environment const& with, dead_letter_options const& what) {
  auto const told = ask_admin(with, "POST", std::string(dead_letters_path) + "/replay" + query_of(filter_of(what)));
  if (!told)
    return exit_code::failed;
  bool const is_whole = told->value("left_count", std::uint64_t{0}) == 0;
  if (with.as == output::human) {
    with.out << counted(*told, "replayed_count", "dead letter") << " replayed";
    if (!is_whole)
      with.out << ", " << count_of(*told, "left_count") << " left: " << text_of(*told, "stopped_by");
    with.out << '\n';
  }
  return is_whole ? exit_code::done : exit_code::failed;
}

exit_code replay(environment const& with, dead_letter_options const& what) {
  auto const named_count = (what.id.empty() ? 0 : 1) + (what.type.empty() ? 0 : 1) + (what.address.empty() ? 0 : 1);
  if (named_count != 1) {
    fail(with, "replay takes one of: a dead letter's id, --address, --type");
    return exit_code::usage;
  }
  if (what.id.empty())
    return replay_many(with, what);
  return act(with, std::string(dead_letters_path) + '/' + message::percent_encode(what.id) + "/replay",
             "the dead letter " + what.id + " is the last message of its address", "");
}

exit_code drop(environment const& with, dead_letter_options const& what) {
  return act(with, std::string(dead_letters_path) + '/' + message::percent_encode(what.id) + "/drop",
             "the dead letter " + what.id + " is dropped", "");
}

constexpr char const* address_form = "<namespace>/<name>/<id>, each part percent-encoded";
constexpr char const* address_or_type_form = "<namespace>/<name>/<id>, or a whole type <namespace>/<name>";

} // namespace

action add_functions(CLI::App&) {
  return show_functions;
}

action add_addresses(CLI::App& verb) {
  auto const what = std::make_shared<addresses_options>();
  verb.add_option("--state,-s", what->state, "Only in_flight, ready, backing_off, held, paused or unbound");
  verb.add_option("--type,-t", what->type, "Only of this function type, <namespace>/<name>");
  verb.add_option("--max,-n", what->max, "So many at most; 100");
  verb.footer("The one that has waited longest comes first. An address for which nothing waits is not listed.");
  return [what](environment const& with) { return show_addresses(with, *what); };
}

action add_describe(CLI::App& verb) {
  auto const what = std::make_shared<subject_options>();
  verb.add_option("address", what->subject, address_form)->required();
  return [what](environment const& with) { return describe(with, what->subject); };
}

action add_pause(CLI::App& verb) {
  auto const what = std::make_shared<subject_options>();
  verb.add_option("subject", what->subject, address_or_type_form)->option_text("ADDRESS|TYPE")->required();
  verb.add_option("--reason,-r", what->reason, "For whoever looks at it next");
  verb.footer("A call that is out ends first. Messages are taken as before, up to the mark of each mailbox.");
  return [what](environment const& with) { return pause(with, *what); };
}

action add_resume(CLI::App& verb) {
  auto const what = std::make_shared<subject_options>();
  verb.add_option("subject", what->subject, address_or_type_form)->option_text("ADDRESS|TYPE");
  verb.add_flag("--all", what->all, "A daemon that was started with start_paused: true begins to serve");
  verb.footer("What was paused by itself stays so with --all. An address of a paused type waits for its type.");
  return [what](environment const& with) { return resume(with, *what); };
}

action add_skip(CLI::App& verb) {
  auto const what = std::make_shared<subject_options>();
  verb.add_option("address", what->subject, address_form)->required();
  verb.add_option("message,--message,-m", what->message,
                  "The id of the message; without it, shows which one is the first");
  verb.footer("The message is gone for good. It is refused (409) when another message has become the first one.");
  return [what](environment const& with) { return skip(with, *what); };
}

action add_dead_letters(CLI::App& verb) {
  auto const what = std::make_shared<dead_letter_options>();
  auto const chosen = std::make_shared<exit_code (*)(environment const&, dead_letter_options const&)>(nullptr);
  auto const add = [&](char const* name, char const* help, auto act_on) {
    CLI::App* const added = verb.add_subcommand(name, help);
    added->callback([chosen, act_on] { *chosen = act_on; });
    return added;
  };
  auto const add_filter = [&](CLI::App& to) {
    to.add_option("--type,-t", what->type, "Only of this function type, <namespace>/<name>");
    to.add_option("--address,-a", what->address, std::string("Only of this address, ") + address_form);
  };
  auto* const list = add("list", "The oldest message first", list_dead_letters);
  add_filter(*list);
  list->add_option("--max,-n", what->max, "So many at most; 100");
  auto* const show = add("show", "One, with its reason and the beginning of its value", show_dead_letter);
  show->add_option("id", what->id, "As list shows it")->required();
  show->add_flag("--value", what->value, "The whole value; as base64 with --json");
  auto* const again = add("replay", "Puts one, or many, behind what waits for their addresses", replay);
  again->add_option("id", what->id, "As list shows it");
  add_filter(*again);
  again->footer("Those of one address keep their order among each other; later messages may have passed them.");
  auto* const gone = add("drop", "One is gone for good", drop);
  gone->add_option("id", what->id, "As list shows it")->required();
  verb.require_subcommand(1);
  return [what, chosen](environment const& with) { return (*chosen)(with, *what); };
}

} // namespace statefunctl
