#include "module/diagnostic.hpp"

namespace statefund::module {

std::string to_string(place const& value) {
  if (value.line == 0)
    return value.file;
  return value.file + ':' + std::to_string(value.line) + ':' + std::to_string(value.column);
}

std::string to_string(diagnostic const& value) {
  std::string out = to_string(value.where) + ": error: " + value.message;
  if (!value.hint.empty())
    (out += "; ") += value.hint;
  return out;
}

std::string quoted(std::string_view text) {
  constexpr std::size_t shown_bytes_max = 80;
  constexpr char digits[] = "0123456789abcdef";
  std::size_t shown = text.size();
  if (shown > shown_bytes_max) {
    shown = shown_bytes_max;
    while (shown > 0 && (static_cast<unsigned char>(text[shown]) & 0xc0) == 0x80) // not within a UTF-8 character
      --shown;
  }
  std::string out = "\"";
  for (char const c : text.substr(0, shown)) {
    auto const byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f)
      (out += "\\x") += {digits[byte >> 4], digits[byte & 15]};
    else
      out += c;
  }
  out += shown < text.size() ? "...\"" : "\"";
  return out;
}

} // namespace statefund::module
