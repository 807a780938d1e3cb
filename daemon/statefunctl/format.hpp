#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace statefunctl {

// Rows under a head, in columns as wide as they need to be; numbers stand to the right.
class table {
 public:
  explicit table(std::vector<std::string> head) { rows_.push_back(std::move(head)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const noexcept { return rows_.size() == 1; }
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

std::string counted(std::uint64_t count, std::string const& what); // "1 file", "2 files"
std::string bytes_text(std::uint64_t bytes);                       // "12 B", "1.5 MiB"
std::string seconds_text(std::uint64_t seconds);                   // "3d 4h", "5m 1s"

// At most `width_max` bytes, and never a part of a letter; what was cut off is "...".
std::string shortened(std::string text, std::size_t width_max);

// A value as a person may read it: text as it is, anything else as hexadecimal digits; at most `width_max` wide.
std::string value_text(std::string_view type_name, std::string_view bytes, std::size_t width_max);

// The known word that is nearest to a mistyped one; empty when none is near.
std::string nearest(std::string_view mistyped, std::vector<std::string> const& known);

} // namespace statefunctl
