#include "message/address.hpp"
#include "message/batch.hpp"

#include <array>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <functional>
#include <ostream>

namespace statefund::message {
namespace {

constexpr std::string_view kept = "-._~!$&'()*+,;=:@";

bool stays(unsigned char byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         kept.find(static_cast<char>(byte)) != std::string_view::npos;
}

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9')
    return digit - '0';
  if (digit >= 'a' && digit <= 'f')
    return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F')
    return digit - 'A' + 10;
  return -1;
}

template <std::size_t Count>
std::string_view split(std::string_view text, std::array<std::string, Count>& segments) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i < Count; ++i) {
    std::size_t const end = i + 1 < Count ? text.find('/', begin) : text.size();
    if (end == std::string_view::npos)
      return Count == 3 ? "has too few segments; expected namespace/name/id"
                        : "has too few segments; expected namespace/name";
    std::string_view const segment = text.substr(begin, end - begin);
    if (segment.empty())
      return "has an empty segment; each must hold at least one character";
    if (segment.find('/') != std::string_view::npos)
      return Count == 3 ? "has too many segments; expected namespace/name/id, with '/' inside one written as %2F"
                        : "has too many segments; expected namespace/name, with '/' inside one written as %2F";
    for (char const c : segment)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
        return "has a control character, which must be percent-encoded";
    auto decoded = percent_decode(segment);
    if (!decoded)
      return "has a '%' that two hexadecimal digits do not follow; '%' itself is written as %25";
    segments[i] = std::move(*decoded);
    begin = end + 1;
  }
  return {};
}

std::uint64_t fnv(std::uint64_t hash, std::string_view bytes) noexcept {
  for (char const c : bytes)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash * 0x100000001b3U; // the zero byte behind each part: x ^ 0 = x
}

std::uint32_t fold(std::uint64_t hash, std::uint32_t partition_count) noexcept {
  return static_cast<std::uint32_t>((hash ^ (hash >> 32)) % partition_count);
}

constexpr std::uint64_t fnv_basis = 0xcbf29ce484222325U;

std::size_t mix(std::size_t seed, std::string_view bytes) noexcept {
  return seed * 0x9e3779b97f4a7c15U ^ std::hash<std::string_view>{}(bytes);
}

} // namespace

std::string percent_encode(std::string_view segment) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(segment.size());
  for (char const c : segment) {
    auto const byte = static_cast<unsigned char>(c);
    if (stays(byte))
      out += c;
    else
      (out += '%') += {digits[byte >> 4], digits[byte & 15]};
  }
  return out;
}

std::optional<std::string> percent_decode(std::string_view segment) {
  std::string out;
  out.reserve(segment.size());
  for (std::size_t i = 0; i < segment.size(); ++i) {
    if (segment[i] != '%') {
      out += segment[i];
      continue;
    }
    if (i + 2 >= segment.size())
      return std::nullopt;
    int const high = hex_value(segment[i + 1]);
    int const low = hex_value(segment[i + 2]);
    if (high < 0 || low < 0)
      return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string to_text(function_type const& value) {
  return percent_encode(value.name_space) + '/' + percent_encode(value.name);
}

std::string to_text(address const& value) {
  return to_text(value.type) + '/' + percent_encode(value.id);
}

std::string to_text(egress_id const& value) {
  return percent_encode(value.name_space) + '/' + percent_encode(value.name);
}

parsed<address> parse_address(std::string_view text) {
  std::array<std::string, 3> part;
  if (auto const fault = split(text, part); !fault.empty())
    return {std::nullopt, fault};
  return {address{{std::move(part[0]), std::move(part[1])}, std::move(part[2])}, {}};
}

parsed<function_type> parse_function_type(std::string_view text) {
  std::array<std::string, 2> part;
  if (auto const fault = split(text, part); !fault.empty())
    return {std::nullopt, fault};
  return {function_type{std::move(part[0]), std::move(part[1])}, {}};
}

parsed<egress_id> parse_egress_id(std::string_view text) {
  std::array<std::string, 2> part;
  if (auto const fault = split(text, part); !fault.empty())
    return {std::nullopt, fault};
  return {egress_id{std::move(part[0]), std::move(part[1])}, {}};
}

std::uint32_t partition_of(address const& value, std::uint32_t partition_count) noexcept {
  return fold(fnv(fnv(fnv(fnv_basis, value.type.name_space), value.type.name), value.id), partition_count);
}

std::uint32_t partition_of(egress_id const& value, std::uint32_t partition_count) noexcept {
  return fold(fnv(fnv(fnv_basis, value.name_space), value.name), partition_count);
}

std::string to_text(entry_key const& key) {
  std::array<char, 32> text{};
  int const size = std::snprintf(text.data(), text.size(), "%" PRIx64 "-%" PRIx32, key.number, key.index);
  return {text.data(), static_cast<std::size_t>(size)};
}

std::optional<entry_key> parse_entry_key(std::string_view text) {
  entry_key key;
  auto const* const end = text.data() + text.size();
  auto const number = std::from_chars(text.data(), end, key.number, 16);
  if (number.ec != std::errc{} || number.ptr == end || *number.ptr != '-')
    return std::nullopt;
  auto const index = std::from_chars(number.ptr + 1, end, key.index, 16);
  if (index.ec != std::errc{} || index.ptr != end)
    return std::nullopt;
  return key;
}

std::ostream& operator<<(std::ostream& out, address const& value) {
  return out << to_text(value);
}
std::ostream& operator<<(std::ostream& out, function_type const& value) {
  return out << to_text(value);
}
std::ostream& operator<<(std::ostream& out, egress_id const& value) {
  return out << to_text(value);
}

} // namespace statefund::message

std::size_t std::hash<statefund::message::function_type>::operator()(
    statefund::message::function_type const& value) const noexcept {
  return statefund::message::mix(std::hash<std::string_view>{}(value.name_space), value.name);
}

std::size_t std::hash<statefund::message::address>::operator()(statefund::message::address const& value) const {
  return statefund::message::mix(std::hash<statefund::message::function_type>{}(value.type), value.id);
}

std::size_t
std::hash<statefund::message::egress_id>::operator()(statefund::message::egress_id const& value) const noexcept {
  return statefund::message::mix(std::hash<std::string_view>{}(value.name_space), value.name);
}
