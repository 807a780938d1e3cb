#pragma once

#include "module/diagnostic.hpp"
#include "module/document.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace statefund::module {

// Reads configuration out of YAML key by key. What is wrong is collected and reading goes on, so that whoever writes
// a file sees all its errors at once; a value that could not be read is absent.

// Collects the errors of one file. Outlives the readers that hold it.
class error_list {
 public:
  // `text` is what the file holds, for the excerpts; borrowed.
  explicit error_list(std::string file, std::string_view text = {}) : file_(std::move(file)), text_(text) {}

  place place_of(node const& at) const { return {file_, at.line, at.column}; }
  void add(node const& at, std::string message, std::string hint = {});
  // The same was declared before, at `first`.
  void add_duplicate(node const& at, std::string message, node const& first);
  void add(diagnostics&& found);
  bool empty() const noexcept { return found_.empty(); }
  // In the order of their places, with excerpts; at most `shown_max`, the last of them saying how many more there are.
  diagnostics take();

  static constexpr std::size_t shown_max = 100;

 private:
  std::string file_;
  std::string_view text_;
  diagnostics found_;
};

// A scalar, and where it stands.
struct text_at {
  std::string_view text;
  node const* at;
};

enum class presence {
  optional, // absent is fine
  required, // absent is an error
};

// One map. The keys that are asked for are the keys that it may have: `finish` reports every other one, with the
// nearest known one as a hint. A key without a value is an error.
class map_reader {
 public:
  // `what` names the map in errors: "a function's spec". Borrows the node and the list.
  map_reader(node const& map, std::string what, error_list& errors);
  // Absent, and an error, if the node is no map.
  static std::optional<map_reader> open(node const& any, std::string what, error_list& errors);

  node const* find(std::string_view key, presence needed = presence::optional);
  std::optional<text_at> text(std::string_view key, presence needed = presence::optional);
  std::optional<map_reader> map(std::string_view key, std::string what, presence needed = presence::optional);
  // The items of a list; none if the key is absent.
  std::vector<node const*> list(std::string_view key, presence needed = presence::optional);
  // The key is known, and refused where it stands: "<key> <why>".
  void refuse(std::string_view key, std::string_view why, std::string const& hint = {});
  bool has(std::string_view key) const noexcept { return map_->find(key) != nullptr; }
  // Known, whatever its value.
  void accept(std::string_view key) { known_.emplace_back(key); }
  void finish();

  node const& self() const noexcept { return *map_; }
  error_list& errors() const noexcept { return *errors_; }

 private:
  node const* map_;
  std::string what_;
  error_list* errors_;
  std::vector<std::string> known_;
  std::vector<std::string> refused_; // known as well, and never offered as a hint
};

// Each adds an error and is absent if the node holds something else. `what` names the value: "maxNumBatchRequests".
std::optional<text_at> read_text(node const& any, std::string_view what, error_list& errors);
std::optional<std::int64_t> read_integer(node const& any, std::string_view what, error_list& errors);
std::optional<std::chrono::nanoseconds> read_duration(node const& any, std::string_view what, error_list& errors);
std::optional<std::uint64_t> read_size(node const& any, std::string_view what, error_list& errors);

// The candidate that `found` is likely a slip of; absent if none is near.
std::optional<std::string> nearest_of(std::string_view found, std::vector<std::string> const& candidates);
// "did you mean X?" with the candidate that is nearest, else "expected one of ..." with all of them.
std::string nearest_hint(std::string_view found, std::vector<std::string> const& candidates);

} // namespace statefund::module
