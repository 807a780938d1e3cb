#pragma once

#include "daemon/settings.hpp"

#include <boost/system/result.hpp>

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace statefund::daemon {

enum class action {
  serve,        // no flag says otherwise
  check,        // --check: read settings and modules, say what is wrong, end
  print_config, // --print-config: the settings in force, as YAML
  version,      // --version
  help,         // --help
};

enum class output {
  human,
  json, // --json: one document on standard output
};

struct command_line {
  action asked = action::serve;
  output as = output::human;           // of --check
  std::optional<std::string> config;   // --config
  std::vector<assignment> assignments; // flags, --set, and what follows --, in the order given
};

// Reads what stands behind the program's name. Settings are not judged here (load_settings does, all at once); flags
// that are unknown, incomplete or exclude each other are, a line each. Pure.
boost::system::result<command_line, std::vector<std::string>>
parse_command_line(std::span<char const* const> arguments);

// What --help prints.
std::string help_text();

} // namespace statefund::daemon
