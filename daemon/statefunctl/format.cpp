#include "statefunctl/format.hpp"

#include "wire/utf8.hpp"

#include <algorithm>
#include <cstdio>

namespace statefunctl {

namespace {

std::size_t width_of(std::string_view text) {
  // Code points; good enough for names.
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

bool is_numeric(std::string_view text) {
  return !text.empty() && (text == "-" || (text[0] >= '0' && text[0] <= '9'));
}

// The text inside of a StringWrapper or StringValue: field 1, behind its length.
std::string_view text_inside(std::string_view bytes) {
  if (bytes.size() < 2 || bytes[0] != '\n')
    return bytes;
  std::size_t length = 0;
  std::size_t at = 1;
  for (unsigned shift = 0; at < bytes.size() && shift < 35; shift += 7) {
    auto const byte = static_cast<unsigned char>(bytes[at++]);
    length |= static_cast<std::size_t>(byte & 0x7FU) << shift;
    if ((byte & 0x80U) == 0)
      return bytes.size() - at == length ? bytes.substr(at) : bytes;
  }
  return bytes;
}

} // namespace

std::string table::text() const {
  std::vector<std::size_t> widths(rows_[0].size(), 0);
  std::vector<bool> right(rows_[0].size(), !empty());
  for (std::size_t r = 0; r < rows_.size(); ++r)
    for (std::size_t c = 0; c < widths.size(); ++c) {
      widths[c] = std::max(widths[c], width_of(rows_[r][c]));
      right[c] = right[c] && (r == 0 || is_numeric(rows_[r][c]));
    }
  std::string out;
  for (auto const& row : rows_) {
    std::string line;
    for (std::size_t c = 0; c < widths.size(); ++c) {
      std::string const padding(widths[c] - width_of(row[c]), ' ');
      line += c == 0 ? "" : "  ";
      line += right[c] ? padding + row[c] : row[c] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

std::string counted(std::uint64_t count, std::string const& what) {
  return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s");
}

std::string bytes_text(std::uint64_t bytes) {
  if (bytes < 1024)
    return std::to_string(bytes) + " B";
  auto amount = static_cast<double>(bytes);
  char const* unit = "";
  for (char const* const next : {"KiB", "MiB", "GiB", "TiB"}) {
    if (amount < 1024)
      break;
    amount /= 1024;
    unit = next;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", amount, unit);
  return text;
}

std::string seconds_text(std::uint64_t seconds) {
  struct unit {
    std::uint64_t size;
    char const* name;
  };
  constexpr unit units[] = {{86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}};
  for (std::size_t i = 0; i + 1 < std::size(units); ++i)
    if (seconds >= units[i].size)
      return std::to_string(seconds / units[i].size) + units[i].name + " " +
             std::to_string(seconds % units[i].size / units[i + 1].size) + units[i + 1].name;
  return std::to_string(seconds) + "s";
}

std::string shortened(std::string text, std::size_t width_max) {
  if (text.size() <= width_max)
    return text;
  std::size_t end = width_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end;
  return text.substr(0, end) + "...";
}

std::string value_text(std::string_view type_name, std::string_view bytes, std::size_t width_max) {
  bool const is_string = type_name == "io.statefun.types/string" || type_name.ends_with("google.protobuf.StringValue");
  std::string_view const shown = is_string ? text_inside(bytes) : bytes;
  bool const printable = statefund::wire::is_utf8(shown) && std::none_of(shown.begin(), shown.end(), [](char c) {
                           return static_cast<unsigned char>(c) < 0x20U || c == 0x7F;
                         });
  std::string text;
  if (printable) {
    text = shown;
  } else {
    text = "0x";
    for (char const c : shown.substr(0, width_max)) {
      char digits[3];
      std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned char>(c));
      text += digits;
    }
  }
  return shortened(std::move(text), width_max);
}

std::string nearest(std::string_view mistyped, std::vector<std::string> const& known) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, mistyped.size() / 3) + 1;
  for (std::string const& word : known) {
    std::vector<std::size_t> row(word.size() + 1);
    for (std::size_t i = 0; i < row.size(); ++i)
      row[i] = i;
    for (std::size_t i = 1; i <= mistyped.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j <= word.size(); ++j) {
        std::size_t const change = diagonal + (mistyped[i - 1] == word[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({change, row[j] + 1, row[j - 1] + 1});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = word;
    }
  }
  return best;
}

} // namespace statefunctl
