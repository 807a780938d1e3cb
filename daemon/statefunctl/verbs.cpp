#include "statefunctl/verbs.hpp"

#include "statefunctl/address_verbs.hpp"
#include "statefunctl/dead_letter_verbs.hpp"
#include "statefunctl/environment.hpp"
#include "statefunctl/format.hpp"
#include "statefunctl/ingress_verbs.hpp"
#include "statefunctl/module_verbs.hpp"
#include "statefunctl/status_verbs.hpp"
#include "statefunctl/store_verbs.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace statefunctl {

namespace {

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
    if (word == "--json" || word.starts_with("--admin-socket=") || word.starts_with("--ingress-socket="))
      continue;
    if (word.starts_with("-")) // what follows may be its value
      return {};
    if (std::find(names.begin(), names.end(), word) != names.end())
      return {};
    std::string const near = nearest(word, names);
    return "'" + word + "' is no verb" + (near.empty() ? "; see statefunctl --help" : "; did you mean '" + near + "'?");
  }
  return {};
}

std::string listed(std::vector<std::string> const& words) {
  std::string text;
  for (std::string const& word : words)
    text += (text.empty() ? "" : &word == &words.back() ? " or " : ", ") + word;
  return text;
}

// CLI11 names neither the verb, nor what it could have been.
std::string misuse_of(CLI::App const& app, CLI::ParseError const& failure) {
  CLI::App const* verb = &app;
  std::string command = app.get_name();
  while (!verb->get_subcommands().empty()) {
    verb = verb->get_subcommands().front();
    command += ' ' + verb->get_name();
  }
  std::vector<std::string> below;
  for (CLI::App const* const one : verb->get_subcommands({}))
    below.push_back(one->get_name());
  std::vector<std::string> flags;
  for (CLI::App const* const one : {verb, &app})
    for (CLI::Option const* const option : one->get_options())
      flags.push_back(option->get_name());
  auto const unexpected = app.remaining(true);
  bool const is_flag = !unexpected.empty() && unexpected.front().starts_with('-');
  std::string why = failure.what();
  if (!is_flag && !below.empty() && failure.get_name() == "RequiredError") {
    why = verb == &app ? "a verb is missing" : "expected " + listed(below);
  } else if (!unexpected.empty()) {
    auto const near = nearest(unexpected.front(), flags);
    why = "'" + unexpected.front() + "' is not expected" + (near.empty() ? "" : ", perhaps '" + near + "'");
  }
  return command + ": " + why + "; see " + command + " --help";
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
    if (failure.get_exit_code() == 0) { // --help
      app.exit(failure, out, err);
      return exit_code::done;
    }
    err << misuse_of(app, failure) << '\n';
    return exit_code::usage;
  }
  with.as = as_json ? output::json : output::human;
  for (auto const& [parsed, act] : known)
    if (parsed->parsed())
      return act(with);
  return exit_code::usage;
}

} // namespace statefunctl
