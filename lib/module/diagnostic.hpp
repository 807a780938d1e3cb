#pragma once

#include <cstddef>
#include <optional>
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

enum class severity {
  error,   // the file is not taken, or a function in it cannot be called
  warning, // it is, and somebody should look at it
};

std::string_view to_string(severity value) noexcept; // "error", "warning"

// The line of a place as it can be shown: UTF-8 without control bytes but tabs, cut around the place with "..." at
// either end where it is longer than `bytes_max`.
struct excerpt {
  std::string text;         // empty: there is none
  unsigned column = 0;      // of the place in `text`; from 1, in bytes
  unsigned width_bytes = 0; // of what stands there: a key, a value; at least 1 where there is a text

  bool operator==(excerpt const&) const = default;

  static constexpr std::size_t bytes_max = 160;
};

// One mistake in a module file. `message` says what was found and what is expected; `hint`, where there is one, what
// to write instead.
struct diagnostic {
  place where;
  std::string message;
  std::string hint;
  severity level = severity::error;
  excerpt source{};             // of `where`
  std::optional<place> first{}; // of a duplicate: where the same was declared before
  excerpt first_source{};       // of `first`, if that is in the same file

  bool operator==(diagnostic const&) const = default;
};

// All errors of a file, in the order of their places.
using diagnostics = std::vector<diagnostic>;

// Fills in the excerpts out of the file's text, of those whose place is within it and that have none. A width that is
// set is kept; else it is that of the key, value or sign at the place.
void add_excerpts(diagnostics& into, std::string_view text);

// "file:line:column", "file" for the file as a whole.
std::string to_string(place const& value);
// One line, for a log: "file:line:column: error: message; hint"
std::string to_string(diagnostic const& value);

enum class colours {
  none,
  terminal, // ANSI escapes
};

// Several lines, for people: the place and the message, the line with a caret under the place, the hint, and for a
// duplicate a note with the first place. Ends in a line break.
std::string render(diagnostic const& value, colours use);

// The text in quotation marks for a message: control bytes escaped, cut after 80 bytes.
std::string quoted(std::string_view text);

} // namespace statefund::module
