#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// Bytes written by hand. For the tags: number << 3 | wire type (0 varint, 2 length); 100 is A2 06, 101 is AA 06.
namespace statefund::wire::test {

// "0A 01 6e" -> three bytes; blanks are skipped.
inline std::string hex(std::string_view digits) {
  std::string bytes;
  int high = -1;
  for (char const digit : digits) {
    if (digit == ' ')
      continue;
    int const value = digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
    if (high < 0) {
      high = value;
    } else {
      bytes.push_back(static_cast<char>(high << 4 | value));
      high = -1;
    }
  }
  return bytes;
}

// A field: its tag in hex, its length (less than 16384), its content.
inline std::string box(std::string_view tag, std::string const& content) {
  std::string bytes = hex(tag);
  if (content.size() < 128)
    bytes += static_cast<char>(content.size());
  else
    bytes.append({static_cast<char>(content.size() | 0x80), static_cast<char>(content.size() >> 7)});
  return bytes + content;
}

} // namespace statefund::wire::test
