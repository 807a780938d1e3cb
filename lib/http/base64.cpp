#include "http/base64.hpp"

#include <array>
#include <cstdint>

namespace statefund::http {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t no_digit = 0xFF;

constexpr std::array<std::uint8_t, 256> make_digits() {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(no_digit);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    digits[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  return digits;
}
constexpr std::array<std::uint8_t, 256> digits = make_digits();

std::uint32_t digit(char c) noexcept {
  return digits[static_cast<unsigned char>(c)];
}

} // namespace

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0)
    return std::nullopt;
  std::size_t padding = 0;
  if (text.ends_with("=="))
    padding = 2;
  else if (text.ends_with("="))
    padding = 1;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    bool const last = i + 4 == text.size();
    std::size_t const missing = last ? padding : 0;
    std::uint32_t const a = digit(text[i]);
    std::uint32_t const b = digit(text[i + 1]);
    std::uint32_t const c = missing == 2 ? 0 : digit(text[i + 2]);
    std::uint32_t const d = missing >= 1 ? 0 : digit(text[i + 3]);
    if (a == no_digit || b == no_digit || c == no_digit || d == no_digit)
      return std::nullopt;
    std::uint32_t const three = a << 18U | b << 12U | c << 6U | d;
    bytes += static_cast<char>(three >> 16U);
    if (missing < 2)
      bytes += static_cast<char>(three >> 8U);
    if (missing < 1)
      bytes += static_cast<char>(three);
    if ((missing == 2 && (three & 0xFFFFU) != 0) || (missing == 1 && (three & 0xFFU) != 0))
      return std::nullopt;
  }
  return bytes;
}

void append_base64(std::string& out, std::string_view bytes) {
  out.reserve(out.size() + (bytes.size() + 2) / 3 * 4);
  while (!bytes.empty()) {
    auto const at = [&](std::size_t i) -> std::uint32_t {
      return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U;
    };
    std::uint32_t const three = at(0) << 16U | at(1) << 8U | at(2);
    out += alphabet[three >> 18U];
    out += alphabet[three >> 12U & 63U];
    out += bytes.size() > 1 ? alphabet[three >> 6U & 63U] : '=';
    out += bytes.size() > 2 ? alphabet[three & 63U] : '=';
    bytes.remove_prefix(bytes.size() < 3 ? bytes.size() : 3);
  }
}

} // namespace statefund::http
