#pragma once

#include "daemon/settings.hpp"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace statefund::daemon {

enum class setting_shape {
  text, // one value
  list, // any number of values
  map,  // any number of keys, each with a value
};

// Why a value cannot be: what was found and what is expected, to stand behind the setting's path. Absent: it can.
using fault = std::optional<std::string>;

struct printed {
  std::string key;
  std::string yaml;
};

// One row of the table from which settings are read (file and command line) and printed. To add a setting: a member of
// `settings`, a row, and its lines in config/statefund.yaml.
struct setting {
  std::string path; // "ingress.socket": at most one section deep
  setting_shape shape;
  // Takes the value of a text, the whole of a list, or key and value of a map's entry, whichever its shape is.
  std::function<fault(settings&, std::span<std::string const>)> set;
  // The value as YAML, with an empty key; of a map one such pair an entry.
  std::function<std::vector<printed>(settings const&)> print;
};

// The text as YAML: plain where nothing can be misread, else in double quotes.
std::string yaml_text(std::string_view text);

// In the order in which they are printed; the settings of a section stand together.
std::vector<setting> const& setting_table();

} // namespace statefund::daemon
