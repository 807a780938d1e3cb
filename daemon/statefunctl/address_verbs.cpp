#include "statefunctl/address_verbs.hpp"

#include "message/address.hpp"
#include "statefunctl/fields.hpp"
#include "statefunctl/format.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace statefunctl {

namespace message = statefund::message;
using nlohmann::json;

namespace {

std::string age_text(json const& object, char const* name) {
  auto const found = object.find(name);
  return found == object.end() || !found->is_number() ? "-" : seconds_text(found->get<std::uint64_t>() / 1000);
}

// "backing_off" as a person writes it.
std::string state_text(json const& object) {
  auto state = text_of(object, "state");
  std::replace(state.begin(), state.end(), '_', ' ');
  return state;
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
              short_text_of(one, "last_error")});
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

exit_code pause(environment const& with, subject_options const& what) {
  auto const path = address_or_type_path(with, what.subject);
  if (!path)
    return exit_code::usage;
  std::vector<std::string> parameters;
  if (!what.reason.empty())
    parameters.push_back(parameter("reason", what.reason));
  return post_admin(with, *path + "/pause" + query_of(parameters), what.subject + " is paused",
                    what.subject + " was paused before");
}

exit_code resume(environment const& with, subject_options const& what) {
  if (what.all == !what.subject.empty())
    return misused(with, "resume takes an address or a function type, or --all for a daemon that was started paused");
  if (what.all)
    return post_admin(with, "/v1/resume", "statefund is resumed; what was paused by itself stays so",
                      "statefund was not paused");
  auto const path = address_or_type_path(with, what.subject);
  if (!path)
    return exit_code::usage;
  return post_admin(with, *path + "/resume", what.subject + " is resumed", what.subject + " was not paused");
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
  return post_admin(with, *path + "/skip?" + parameter("message", what.message),
                    "the message " + what.message + " of " + what.subject + " is dropped");
}

constexpr char const* address_or_type_form = "<namespace>/<name>/<id>, or a whole type <namespace>/<name>";

} // namespace

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

} // namespace statefunctl
