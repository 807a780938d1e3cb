#include "module/source_text.hpp"

#include <algorithm>

namespace statefund::module {
namespace {

constexpr std::string_view cut_mark = "...";

bool continues_character(char c) noexcept {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

// Byte for byte, so that columns stay: what no terminal should be sent, and what is no UTF-8, becomes '?'.
std::string shown(std::string_view line) {
  std::string out;
  out.reserve(line.size());
  for (std::size_t at = 0; at < line.size();) {
    std::size_t const size = character_bytes(line, at);
    auto const byte = static_cast<unsigned char>(line[at]);
    bool const is_control = (byte < 0x20 && byte != '\t') || byte == 0x7f ||
                            (byte == 0xc2 && size == 2 && static_cast<unsigned char>(line[at + 1]) < 0xa0);
    std::size_t const taken = std::max<std::size_t>(size, 1);
    if (size == 0 || is_control)
      out.append(taken, '?');
    else
      out.append(line.substr(at, taken));
    at += taken;
  }
  return out;
}

} // namespace

source_text::source_text(std::string_view text) {
  if (text.starts_with(byte_order_mark))
    text.remove_prefix(byte_order_mark.size());
  while (!text.empty()) {
    auto const end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    lines_.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::string_view source_text::line(unsigned number) const noexcept {
  return number == 0 || number > lines_.size() ? std::string_view{} : lines_[number - 1];
}

std::size_t quoted_end(std::string_view text, std::size_t at) noexcept {
  char const mark = text[at];
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (mark == '"' && text[i] == '\\')
      ++i;
    else if (mark == '\'' && text.substr(i, 2) == "''")
      ++i;
    else if (text[i] == mark)
      return i + 1;
  }
  return std::string_view::npos;
}

std::size_t token_bytes(std::string_view line, std::size_t at) noexcept {
  if (at >= line.size())
    return 1;
  char const first = line[at];
  if (first == '"' || first == '\'')
    return std::min(quoted_end(line, at), line.size()) - at;
  if (std::string_view("[]{},").find(first) != std::string_view::npos)
    return 1;
  bool const is_property = first == '&' || first == '*' || first == '!';
  auto const ends = [&](std::size_t i) {
    bool const is_last = i + 1 == line.size() || line[i + 1] == ' ' || line[i + 1] == '\t';
    return std::string_view(",[]{}").find(line[i]) != std::string_view::npos || (line[i] == ':' && is_last) ||
           ((line[i] == ' ' || line[i] == '\t') && (is_property || (i + 1 < line.size() && line[i + 1] == '#')));
  };
  if ((first == '-' || first == '?') && line.substr(at + 1).find_first_not_of(" \t") != 0)
    return 1;
  std::size_t end = at + 1;
  while (end < line.size() && !ends(end))
    ++end;
  auto const last = line.substr(0, end).find_last_not_of(" \t");
  return last == std::string_view::npos || last < at ? 1 : last - at + 1;
}

std::size_t character_bytes(std::string_view text, std::size_t at) noexcept {
  auto const byte = [&](std::size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U; };
  auto const follows = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  unsigned const lead = byte(0);
  if (lead < 0x80)
    return 1;
  if (lead >= 0xc2 && lead <= 0xdf)
    return follows(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    bool const odd = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f);
    return !odd && follows(1) && follows(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    bool const odd = (lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f);
    return !odd && follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

excerpt excerpt_of(source_text const& text, unsigned line, unsigned column, std::size_t width_bytes) {
  std::string_view const whole = text.line(line);
  if (whole.empty() || column == 0)
    return {};
  std::size_t const at = std::min<std::size_t>(column - 1, whole.size());
  // A value that is quoted, named or tagged is longer than its text, and one of several lines is cut at the first.
  bool const is_plain = at < whole.size() && std::string_view("\"'&!").find(whole[at]) == std::string_view::npos;
  std::size_t const width =
      width_bytes == 0 || !is_plain ? token_bytes(whole, at) : std::min(width_bytes, whole.size() - at);
  // A window over the line that begins and ends between characters, a third of it before the place.
  std::size_t begin = 0;
  std::size_t end = whole.size();
  if (whole.size() > excerpt::bytes_max) {
    begin = at > excerpt::bytes_max / 3 ? at - excerpt::bytes_max / 3 : 0;
    begin = std::min(begin, whole.size() - excerpt::bytes_max);
    end = begin + excerpt::bytes_max;
    while (begin < at && continues_character(whole[begin]))
      ++begin;
    while (end < whole.size() && end > at && continues_character(whole[end]))
      --end;
  }
  excerpt out;
  if (begin > 0)
    out.text = cut_mark;
  out.column = static_cast<unsigned>(out.text.size() + at - begin) + 1;
  out.width_bytes = static_cast<unsigned>(std::max<std::size_t>(1, std::min(width, end - std::min(at, end))));
  out.text += shown(whole.substr(begin, end - begin));
  if (end < whole.size())
    out.text += cut_mark;
  return out;
}

} // namespace statefund::module
