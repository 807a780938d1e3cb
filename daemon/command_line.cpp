#include "daemon/command_line.hpp"

#include "module/diagnostic.hpp"
#include "module/reader.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>

namespace statefund::daemon {

namespace {

struct setting_flag {
  char const* flag;
  char const* path;
  char const* value;
  char const* description;
};

// Flags that are another way to write --set.
constexpr std::array setting_flags{
    setting_flag{"--modules", "modules", "DIR", "where module files are read from"},
    setting_flag{"--ingress-socket", "ingress.socket", "PATH", "where messages are put in"},
    setting_flag{"--admin-socket", "admin.socket", "PATH", "where statefunctl asks"},
    setting_flag{"--admin-listen", "admin.listen", "HOST:PORT", "the admin door on TCP too, for scraping metrics"},
    setting_flag{"--store", "store.kind", "memory|rocksdb", "what keeps states and messages"},
    setting_flag{"--state-dir", "store.path", "DIR", "where a durable store lies"},
    setting_flag{"--shards", "shards", "N", "event loops; auto: as many as processors"},
    setting_flag{"--log-level", "log.level", "LEVEL", "debug, info, warning or error"},
};

struct action_flag {
  char const* flag;
  action asked;
  char const* description;
};

constexpr std::array action_flags{
    action_flag{"--check", action::check,
                "say what is wrong with settings and modules, and end: 0, or 78 if anything is"},
    action_flag{"--print-config", action::print_config,
                "print the settings in force and where each comes from, and end"},
    action_flag{"--version", action::version, "print the version, and end"},
    action_flag{"--help,-h", action::help, "print this, and end"},
};

struct reading {
  command_line result;
  std::vector<action_flag> asked;
  std::vector<std::string> errors;
};

void read_set(reading& into, std::string const& given) {
  std::size_t const equals = given.find('=');
  if (equals == std::string::npos || equals == 0) {
    into.errors.push_back("--set: error: " + module::quoted(given) + "; expected key.path=value");
    return;
  }
  std::string path = given.substr(0, equals);
  into.result.assignments.push_back({"--set " + path, std::move(path), given.substr(equals + 1)});
}

void describe(CLI::App& app, reading& into) {
  app.set_help_flag();
  app.allow_extras();
  app.add_option("--config", into.result.config,
                 "the settings file; without it " + std::string(default_file) + " if that exists")
      ->type_name("FILE")
      ->option_text("FILE")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  for (setting_flag const& each : setting_flags)
    app.add_option_function<std::string>(
           each.flag,
           [&into, each](std::string const& value) {
             into.result.assignments.push_back({each.flag, each.path, value});
           },
           each.description)
        ->option_text(each.value)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
        ->trigger_on_parse();
  app.add_option_function<std::string>(
         "--set", [&into](std::string const& given) { read_set(into, given); },
         "any setting, as in ingress.wait_max=5s; can be repeated")
      ->option_text("KEY.PATH=VALUE")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
      ->trigger_on_parse();
  for (action_flag const& each : action_flags)
    app.add_flag_callback(
        each.flag, [&into, each] { into.asked.push_back(each); }, each.description);
  app.add_flag_callback(
      "--json", [&into] { into.result.as = output::json; }, "with --check: say it as JSON, on standard output");
  app.footer("-- --key value ...   global configuration of embedded modules\n\n"
             "Flags win over the settings file, a later flag over an earlier one.\n"
             "Exit codes: 0 stopped as asked, 78 bad configuration, 1 anything else.");
}

std::string const& program_description() {
  static std::string const text = "statefund: runs Stateful Functions modules without Flink";
  return text;
}

void read_extras(std::vector<std::string> const& extras, reading& into) {
  std::vector<std::string> known{"--config", "--set", "--json", "--help"};
  for (setting_flag const& each : setting_flags)
    known.emplace_back(each.flag);
  for (action_flag const& each : action_flags)
    if (each.asked != action::help)
      known.emplace_back(each.flag);
  auto const is_flag = [](std::string const& text) { return text.starts_with('-'); };
  // What stands behind an unknown flag may be its value: the flag alone is worth a line.
  bool const flags_alone = std::any_of(extras.begin(), extras.end(), is_flag);
  for (std::string const& each : extras) {
    if (is_flag(each))
      into.errors.push_back("error: " + module::quoted(each) + " is not a flag; " + module::nearest_hint(each, known));
    else if (!flags_alone)
      into.errors.push_back("error: " + module::quoted(each) + " stands alone; expected a flag before it");
  }
}

void read_global_config(std::span<char const* const> rest, reading& into) {
  for (std::size_t at = 0; at < rest.size(); at += 2) {
    std::string const key = rest[at];
    if (!key.starts_with("--") || key.size() == 2) {
      into.errors.push_back("--: error: " + module::quoted(key) + "; expected --key value pairs");
      return;
    }
    if (at + 1 == rest.size() || std::string_view(rest[at + 1]).starts_with("--")) {
      into.errors.push_back("--: error: " + module::quoted(key) + " has no value; expected --key value pairs");
      return;
    }
    into.result.assignments.push_back({"-- " + key, "module.global-config." + key.substr(2), rest[at + 1]});
  }
}

} // namespace

boost::system::result<command_line, std::vector<std::string>>
parse_command_line(std::span<char const* const> arguments) {
  auto const is_end = [](std::string_view argument) { return argument == "--"; };
  auto const end = std::find_if(arguments.begin(), arguments.end(), is_end);
  auto const own = static_cast<std::size_t>(end - arguments.begin());
  reading into;
  CLI::App app(program_description(), "statefund");
  describe(app, into);
  try {
    // CLI11 takes the arguments from the back of the vector.
    std::vector<std::string> reversed(arguments.begin(), end);
    std::reverse(reversed.begin(), reversed.end());
    app.parse(std::move(reversed));
    read_extras(app.remaining(), into);
  } catch (CLI::ParseError const& wrong) {
    into.errors.push_back(std::string("error: ") + wrong.what());
  }
  if (end != arguments.end())
    read_global_config(arguments.subspan(own + 1), into);
  if (into.asked.size() > 1)
    into.errors.push_back(std::string("error: ") + into.asked[0].flag + " and " + into.asked[1].flag +
                          " exclude each other");
  if (!into.asked.empty())
    into.result.asked = into.asked.front().asked;
  if (into.result.as == output::json && into.result.asked != action::check)
    into.errors.push_back("error: --json stands alone; expected --check with it");
  if (!into.errors.empty())
    return std::move(into.errors);
  return std::move(into.result);
}

std::string help_text() {
  reading nowhere;
  CLI::App app(program_description(), "statefund");
  describe(app, nowhere);
  return app.help();
}

} // namespace statefund::daemon
