#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace statefund::module {

// Private to the room: what durations and sizes have in common.

struct number_and_unit {
  std::string_view digits;
  std::string_view unit;
};

// "10 sec" -> "10", "sec". Spaces around and between do not count.
inline number_and_unit split_number(std::string_view text) {
  auto const trim = [](std::string_view part) {
    auto const begin = part.find_first_not_of(" \t");
    return begin == std::string_view::npos ? std::string_view{}
                                           : part.substr(begin, part.find_last_not_of(" \t") - begin + 1);
  };
  std::string_view const whole = trim(text);
  auto const end = std::min(whole.find_first_not_of("0123456789"), whole.size());
  return {whole.substr(0, end), trim(whole.substr(end))};
}

inline std::optional<std::uint64_t> whole_number(std::string_view digits) {
  std::uint64_t value = 0;
  auto const [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (fault != std::errc{} || end != digits.data() + digits.size())
    return std::nullopt;
  return value;
}

// ASCII letters alone; other bytes stay.
inline std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return out;
}

} // namespace statefund::module
