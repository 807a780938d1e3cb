#include "wire/utf8.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace statefund::wire {
namespace {

// The well-formed byte sequences (Unicode, table 3-7): what may follow a first byte; later bytes are 80..BF.
struct lead {
  std::size_t follow_count;
  unsigned char second_min;
  unsigned char second_max;
};

constexpr lead none{0, 1, 0};

lead follows(unsigned char first) noexcept {
  if (first >= 0xC2 && first <= 0xDF)
    return {1, 0x80, 0xBF};
  if (first >= 0xE0 && first <= 0xEF)
    return {2, static_cast<unsigned char>(first == 0xE0 ? 0xA0 : 0x80),
            static_cast<unsigned char>(first == 0xED ? 0x9F : 0xBF)};
  if (first >= 0xF0 && first <= 0xF4)
    return {3, static_cast<unsigned char>(first == 0xF0 ? 0x90 : 0x80),
            static_cast<unsigned char>(first == 0xF4 ? 0x8F : 0xBF)};
  return none;
}

} // namespace

bool is_utf8(std::string_view text) noexcept {
  std::size_t at = 0;
  while (at < text.size()) {
    // Nearly every text is ASCII: eight bytes at a time.
    std::uint64_t eight = 0;
    if (text.size() - at >= sizeof eight) {
      std::memcpy(&eight, text.data() + at, sizeof eight);
      if ((eight & 0x8080808080808080U) == 0) {
        at += sizeof eight;
        continue;
      }
    }
    auto const first = static_cast<unsigned char>(text[at++]);
    if (first < 0x80)
      continue;
    lead const found = follows(first);
    if (found.follow_count == 0 || text.size() - at < found.follow_count)
      return false;
    auto const second = static_cast<unsigned char>(text[at]);
    if (second < found.second_min || second > found.second_max)
      return false;
    for (std::size_t i = 1; i < found.follow_count; ++i)
      if ((static_cast<unsigned char>(text[at + i]) & 0xC0) != 0x80)
        return false;
    at += found.follow_count;
  }
  return true;
}

} // namespace statefund::wire
