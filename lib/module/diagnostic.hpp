#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace statefund::module {

// A place in a module file. Lines and columns count from 1, columns in bytes; line 0 means the file as a whole.
struct place {
  std::string file;
  unsigned line = 0;
  unsigned column = 0;

  bool operator==(place const&) const = default;
};

// One error of a module file. `message` says what was found and what is expected; `hint`, where there is one, what
// to write instead.
struct diagnostic {
  place where;
  std::string message;
  std::string hint;

  bool operator==(diagnostic const&) const = default;
};

// All errors of a file, in the order of their places.
using diagnostics = std::vector<diagnostic>;

// "file:line:column", "file" for the file as a whole.
std::string to_string(place const& value);
// "file:line:column: error: message; hint"
std::string to_string(diagnostic const& value);

// The text in quotation marks for a message: control bytes escaped, cut after 80 bytes.
std::string quoted(std::string_view text);

} // namespace statefund::module
