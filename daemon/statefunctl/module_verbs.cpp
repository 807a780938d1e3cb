#include "statefunctl/module_verbs.hpp"

#include "daemon/check.hpp"
#include "statefunctl/fields.hpp"
#include "statefunctl/format.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <memory>
#include <ostream>

namespace statefunctl {

using nlohmann::json;

namespace {

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

} // namespace

action add_validate(CLI::App& verb) {
  auto const what = std::make_shared<validate_options>();
  verb.add_option("directory", what->directory, "Where the module files are; /etc/statefun.d")->option_text("DIR");
  verb.add_flag("--connect", what->connect, "Also connects to each endpoint, and says whether it can be reached");
  return [what](environment const& with) { return validate(with, *what); };
}

action add_reload(CLI::App&) {
  return reload;
}

} // namespace statefunctl
