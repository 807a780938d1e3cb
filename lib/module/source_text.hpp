#pragma once

#include "module/diagnostic.hpp"

#include <cstddef>
#include <string_view>
#include <vector>

namespace statefund::module {

inline constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

// Private to the room: a text by its lines. Borrows the text.
class source_text {
 public:
  // A byte order mark is no part of the first line.
  explicit source_text(std::string_view text);

  unsigned lines_count() const noexcept { return static_cast<unsigned>(lines_.size()); }
  // From 1, without its end; empty where there is none.
  std::string_view line(unsigned number) const noexcept;

 private:
  std::vector<std::string_view> lines_;
};

// Behind the quoted text that begins at `at`: behind its closing mark, which may be on a later line. npos: not closed.
std::size_t quoted_end(std::string_view text, std::size_t at) noexcept;

// How many bytes of `line` the key, value or sign at `at` has; at least 1.
std::size_t token_bytes(std::string_view line, std::size_t at) noexcept;

// The size of the UTF-8 character at `at`; 0: there is none (RFC 3629: no overlong forms, no surrogates).
std::size_t character_bytes(std::string_view text, std::size_t at) noexcept;

// `width_bytes` 0: that of the token. Empty where there is no such line.
excerpt excerpt_of(source_text const& text, unsigned line, unsigned column, std::size_t width_bytes);

} // namespace statefund::module
