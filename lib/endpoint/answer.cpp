#include "endpoint/answer.hpp"

#include "wire/utf8.hpp"

#include <algorithm>

namespace statefund::endpoint {

namespace {

constexpr std::size_t quoted_bytes_max = 200;
constexpr std::size_t beginning_bytes_max = 256;
constexpr std::size_t end_bytes_max = 768;

constexpr bool is_continuation(char byte) noexcept {
  return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80;
}

// The bytes of the character that `text` begins with: 1 for what is no UTF-8.
std::size_t character_bytes(std::string_view text) noexcept {
  for (std::size_t bytes = 1; bytes <= std::min<std::size_t>(4, text.size()); ++bytes)
    if (wire::is_utf8(text.substr(0, bytes)))
      return bytes;
  return 1;
}

bool is_printable(std::string_view character) noexcept {
  auto const first = static_cast<unsigned char>(character.front());
  if (character.size() == 1)
    return first >= 0x20 && first < 0x7f;
  return first != 0xc2 || static_cast<unsigned char>(character[1]) >= 0xa0; // U+0080 to U+009F are control characters
}

void append_escaped(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  while (!text.empty()) {
    auto const character = text.substr(0, character_bytes(text));
    text.remove_prefix(character.size());
    if (is_printable(character))
      out += character;
    else if (character == "\n")
      out += "\\n";
    else if (character == "\r")
      out += "\\r";
    else if (character == "\t")
      out += "\\t";
    else
      for (char const byte : character) {
        out += "\\x";
        out += digits[static_cast<unsigned char>(byte) >> 4U];
        out += digits[static_cast<unsigned char>(byte) & 15U];
      }
  }
}

// Neither cuts a character in two.
std::string_view first_of(std::string_view text, std::size_t bytes_max) noexcept {
  auto size = std::min(bytes_max, text.size());
  for (int i = 0; i < 3 && size > 0 && size < text.size() && is_continuation(text[size]); ++i)
    --size;
  return text.substr(0, size);
}
std::string_view last_of(std::string_view text, std::size_t bytes_max) noexcept {
  auto at = text.size() - std::min(bytes_max, text.size());
  for (int i = 0; i < 3 && at < text.size() && is_continuation(text[at]); ++i)
    ++at;
  return text.substr(at);
}

} // namespace

std::string quoted(std::string_view text) {
  std::string line = "\"";
  append_escaped(line, first_of(text, quoted_bytes_max));
  return line += text.size() > quoted_bytes_max ? "...\"" : "\"";
}

std::string quoted_body(std::string_view body) {
  std::string line = "\"";
  if (body.size() <= beginning_bytes_max + end_bytes_max) {
    append_escaped(line, body);
  } else {
    append_escaped(line, first_of(body, beginning_bytes_max));
    line += " ... ";
    append_escaped(line, last_of(body, end_bytes_max));
  }
  return line += '"';
}

} // namespace statefund::endpoint
