#pragma once

#include "catalog/snapshot.hpp"
#include "daemon/reach.hpp"
#include "module/diagnostic.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace statefund::daemon {

// What is to be said of a module directory, by `statefund --check` and by `statefunctl validate`.
struct checked {
  std::string directory;
  module::diagnostics settings;                     // what is wrong before the directory is looked at
  std::shared_ptr<catalog::snapshot const> modules; // null: the directory cannot be read, or was not
  module::diagnostics found;                        // in the order of files and places, warnings among the errors
  std::optional<std::vector<reached>> connections;  // absent: nobody asked

  bool has_errors() const noexcept;
  bool is_good() const noexcept; // without errors, and without an endpoint that cannot be reached
};

// Reads the directory, and the TLS files that it names, and judges what stands in them. Blocks on the disk.
checked check_modules(std::string const& directory);

// All that was found, as compilers print it, and a last line that counts; nothing if nothing was found.
std::string render(checked const& value, module::colours use);

// What the directory holds, in a line: "/etc/statefun.d: 2 files, 3 functions, 1 egress: all good". Requires modules.
std::string summary(checked const& value);

// The same as one JSON document in a line.
std::string to_json(checked const& value);

// What a terminal behind this descriptor takes: no colours if it is none, or with NO_COLOR or TERM=dumb.
module::colours colours_of(int descriptor);

} // namespace statefund::daemon
