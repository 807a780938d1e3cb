#include "module/diagnostic.hpp"

#include "module/source_text.hpp"

#include <algorithm>
#include <array>

namespace statefund::module {
namespace {

// As GCC has them.
constexpr std::string_view bold = "\x1b[1m";
constexpr std::string_view red = "\x1b[1;31m";
constexpr std::string_view magenta = "\x1b[1;35m";
constexpr std::string_view cyan = "\x1b[1;36m";
constexpr std::string_view green = "\x1b[1;32m";
constexpr std::string_view plain = "\x1b[0m";

constexpr std::size_t number_width = 5;
constexpr std::string_view margin = "      | ";

std::string painted(std::string_view text, std::string_view colour, colours use) {
  return use == colours::none ? std::string(text) : std::string(colour) + std::string(text) + std::string(plain);
}

// How many columns of a terminal a character takes: none if it combines with the one before, two if it is wide.
std::size_t columns_count(std::string_view character) {
  struct range {
    char32_t first;
    char32_t last;
    std::size_t columns_count;
  };
  constexpr std::array ranges{
      range{0x0300, 0x036f, 0},   range{0x200b, 0x200f, 0},   range{0xfe00, 0xfe0f, 0},   range{0x1100, 0x115f, 2},
      range{0x2e80, 0xa4cf, 2},   range{0xac00, 0xd7a3, 2},   range{0xf900, 0xfaff, 2},   range{0xfe30, 0xfe6f, 2},
      range{0xff00, 0xff60, 2},   range{0xffe0, 0xffe6, 2},   range{0x1f300, 0x1f64f, 2}, range{0x1f680, 0x1f6ff, 2},
      range{0x1f900, 0x1f9ff, 2}, range{0x20000, 0x3fffd, 2},
  };
  constexpr std::array<unsigned char, 5> lead_bits{0, 0x7f, 0x1f, 0x0f, 0x07};
  char32_t code = static_cast<unsigned char>(character[0]) & lead_bits[character.size()];
  for (char const next : character.substr(1))
    code = code << 6 | (static_cast<unsigned char>(next) & 0x3f);
  auto const found = std::find_if(ranges.begin(), ranges.end(),
                                  [code](range const& each) { return code >= each.first && code <= each.last; });
  return found == ranges.end() ? 1 : found->columns_count;
}

std::string_view character_at(std::string_view text, std::size_t at) {
  return text.substr(at, std::max<std::size_t>(1, character_bytes(text, at)));
}

// The line with its number, and ^~~~ under the place.
std::string line_with_caret(excerpt const& source, unsigned line, std::string_view colour, colours use) {
  if (source.text.empty())
    return {};
  std::string const number = std::to_string(line);
  std::string out(number.size() < number_width ? number_width - number.size() : 0, ' ');
  out += number + " | " + source.text + '\n' + std::string(margin);
  std::string_view const before = std::string_view(source.text).substr(0, source.column - 1);
  for (std::size_t at = 0; at < before.size(); at += character_at(before, at).size())
    out.append(columns_count(character_at(before, at)), before[at] == '\t' ? '\t' : ' ');
  std::string_view const place = std::string_view(source.text).substr(before.size(), source.width_bytes);
  std::size_t width = 0;
  for (std::size_t at = 0; at < place.size(); at += character_at(place, at).size())
    width += columns_count(character_at(place, at));
  return out + painted('^' + std::string(std::max<std::size_t>(width, 1) - 1, '~'), colour, use) + '\n';
}

} // namespace

std::string_view to_string(severity value) noexcept {
  return value == severity::error ? "error" : "warning";
}

void add_excerpts(diagnostics& into, std::string_view text) {
  if (into.empty())
    return;
  source_text const lines(text);
  for (auto& each : into) {
    if (each.source.text.empty())
      each.source = excerpt_of(lines, each.where.line, each.where.column, each.source.width_bytes);
    if (each.first && each.first->file == each.where.file && each.first_source.text.empty())
      each.first_source = excerpt_of(lines, each.first->line, each.first->column, each.first_source.width_bytes);
  }
}

std::string to_string(place const& value) {
  if (value.line == 0)
    return value.file;
  return value.file + ':' + std::to_string(value.line) + ':' + std::to_string(value.column);
}

std::string to_string(diagnostic const& value) {
  std::string out = to_string(value.where) + ": " + std::string(to_string(value.level)) + ": " + value.message;
  if (!value.hint.empty())
    (out += "; ") += value.hint;
  return out;
}

std::string render(diagnostic const& value, colours use) {
  std::string_view const colour = value.level == severity::error ? red : magenta;
  std::string out = painted(to_string(value.where) + ": ", bold, use) +
                    painted(std::string(to_string(value.level)) + ": ", colour, use) + value.message + '\n' +
                    line_with_caret(value.source, value.where.line, colour, use);
  if (!value.hint.empty())
    out += std::string(number_width, ' ') + " = " + painted("hint: ", green, use) + value.hint + '\n';
  if (value.first)
    out += painted(to_string(*value.first) + ": ", bold, use) + painted("note: ", cyan, use) + "the first is here\n" +
           line_with_caret(value.first_source, value.first->line, cyan, use);
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
