#include "daemon/check.hpp"

#include "catalog/read_directory.hpp"
#include "daemon/tls_contexts.hpp"
#include "error/number.hpp"
#include "module/not_running.hpp"

#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

namespace statefund::daemon {

using json = nlohmann::ordered_json;
using module::diagnostic;
using module::diagnostics;
using module::severity;

namespace {

std::string count_of(std::size_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + ' ' + std::string(count == 1 ? one : many);
}

std::size_t count(diagnostics const& all, severity level) {
  auto const matching =
      std::count_if(all.begin(), all.end(), [&](diagnostic const& each) { return each.level == level; });
  return static_cast<std::size_t>(matching);
}

std::size_t files_with_errors(diagnostics const& all) {
  std::set<std::string_view> files;
  for (auto const& each : all)
    if (each.level == severity::error)
      files.insert(each.where.file);
  return files.size();
}

diagnostic diagnostic_of(tls_finding const& found) {
  bool const is_error = found.problem.severity == endpoint::tls_severity::error;
  auto const which = is_error ? number::tls_files_unusable : number::tls_files_expiring;
  return {found.where,
          found.problem.text + " (" + to_string(which) + ')',
          {},
          is_error ? severity::error : severity::warning};
}

// What a file declares that this version does not do, and what is wrong with the TLS files that it names.
diagnostics faults_in_force(catalog::file const& from, tls_contexts const& tls) {
  diagnostics found;
  for (auto& each : module::not_running_of(from.in_force->declared))
    found.push_back({std::move(each.where), each.what + " does not run: " + each.why, {}, severity::warning});
  for (auto const& each : tls.findings())
    if (each.where.file == from.path)
      found.push_back(diagnostic_of(each));
  std::stable_sort(found.begin(), found.end(), [](diagnostic const& left, diagnostic const& right) {
    return std::pair(left.where.line, left.where.column) < std::pair(right.where.line, right.where.column);
  });
  if (from.in_force->text)
    module::add_excerpts(found, *from.in_force->text);
  return found;
}

json place_json(module::place const& value) {
  json made{{"file", value.file}, {"line", nullptr}, {"column", nullptr}};
  if (value.line != 0) {
    made["line"] = value.line;
    made["column"] = value.column;
  }
  return made;
}

json text_or_null(std::string const& text) {
  return text.empty() ? json() : json(text);
}

json diagnostic_json(diagnostic const& value) {
  json made = place_json(value.where);
  made["severity"] = to_string(value.level);
  made["message"] = value.message;
  made["hint"] = text_or_null(value.hint);
  made["first"] = value.first ? place_json(*value.first) : json();
  made["source"] = text_or_null(value.source.text);
  return made;
}

json connection_json(reached const& value) {
  return {{"functions", value.functions},
          {"endpoint", value.endpoint},
          {"state", to_string(value.state)},
          {"reason", text_or_null(value.reason)}};
}

json file_json(catalog::file const& value) {
  bool const is_in_force = value.in_force != nullptr;
  return {{"file", value.path},
          {"state", to_string(value.state)},
          {"functions", is_in_force ? value.in_force->declared.functions.size() : 0},
          {"egresses", is_in_force ? value.in_force->declared.egresses.size() : 0}};
}

} // namespace

bool checked::has_errors() const noexcept {
  return count(settings, severity::error) + count(found, severity::error) > 0;
}

bool checked::is_good() const noexcept {
  auto const is_unreachable = [](reached const& each) { return each.state == reachability::unreachable; };
  return !has_errors() && (!connections || std::none_of(connections->begin(), connections->end(), is_unreachable));
}

checked check_modules(std::string const& directory) {
  checked made;
  made.directory = directory;
  auto files = catalog::read_directory(directory);
  if (!files) {
    std::error_code ignored;
    bool const is_file = std::filesystem::is_regular_file(directory, ignored);
    made.found.push_back({{directory, 0, 0},
                          to_string(number::modules_directory_missing) + ": " + files.error().to_string(),
                          is_file ? "it is a file; name the directory that it is in" : ""});
    return made;
  }
  made.modules = catalog::snapshot::make(std::move(*files), 1);
  auto const tls = tls_contexts::load(*made.modules, nullptr);
  for (auto const& file : made.modules->files()) {
    auto const& said = file.in_force ? faults_in_force(file, *tls) : file.errors;
    made.found.insert(made.found.end(), said.begin(), said.end());
  }
  if (made.modules->files().empty())
    made.found.push_back({{directory, 0, 0},
                          "the directory holds no module file",
                          "files are read whose names end in .yaml or .yml",
                          severity::warning});
  return made;
}

std::string render(checked const& value, module::colours use) {
  std::string out;
  for (auto const* const part : {&value.settings, &value.found})
    for (auto const& each : *part)
      out += render(each, use);
  if (out.empty())
    return out;
  std::string counted;
  auto const add = [&](std::string const& more) { counted += (counted.empty() ? "" : ", ") + more; };
  if (auto const errors = count(value.settings, severity::error); errors > 0)
    add(count_of(errors, "error", "errors") + " in the settings");
  if (auto const errors = count(value.found, severity::error); errors > 0) {
    std::string of_files;
    if (value.modules)
      of_files = " in " + std::to_string(files_with_errors(value.found)) + " of " +
                 count_of(value.modules->files().size(), "file", "files");
    add(count_of(errors, "error", "errors") + of_files);
  }
  if (auto const warnings = count(value.found, severity::warning); warnings > 0)
    add(count_of(warnings, "warning", "warnings"));
  return out + counted + '\n';
}

std::string summary(checked const& value) {
  std::string const holds = value.directory + ": " + count_of(value.modules->files().size(), "file", "files") + ", " +
                            count_of(value.modules->functions().size(), "function", "functions") + ", " +
                            count_of(value.modules->egresses().size(), "egress", "egresses");
  return holds + (value.found.empty() && value.is_good() ? ": all good\n" : "\n");
}

std::string to_json(checked const& value) {
  json made{{"directory", value.directory},
            {"ok", value.is_good()},
            {"files", json::array()},
            {"diagnostics", json::array()}};
  if (value.modules)
    for (auto const& each : value.modules->files())
      made["files"].push_back(file_json(each));
  for (auto const* const part : {&value.settings, &value.found})
    for (auto const& each : *part)
      made["diagnostics"].push_back(diagnostic_json(each));
  if (value.connections) {
    made["connections"] = json::array();
    for (auto const& each : *value.connections)
      made["connections"].push_back(connection_json(each));
  }
  return made.dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
}

module::colours colours_of(int descriptor) {
  auto const is_set = [](char const* name) {
    char const* const value = std::getenv(name);
    return value != nullptr && *value != '\0';
  };
  char const* const terminal = std::getenv("TERM");
  bool const is_dumb = terminal != nullptr && std::string_view(terminal) == "dumb";
  bool const has_colours = ::isatty(descriptor) == 1 && !is_dumb && !is_set("NO_COLOR");
  return has_colours ? module::colours::terminal : module::colours::none;
}

} // namespace statefund::daemon
