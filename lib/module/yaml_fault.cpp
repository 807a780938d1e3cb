// The parser stops where a text cannot go on, which is often lines behind the slip: it names what it looked for, not
// what a person did. So the lines around are looked at, for the slips that people make. None of this decides whether a
// text is YAML; a guess that is wrong points at the wrong line of a text that is broken anyway.

#include "module/yaml_fault.hpp"

#include "module/source_text.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace statefund::module {
namespace {

constexpr auto npos = std::string_view::npos;
constexpr std::string_view blanks = " \t";
constexpr std::string_view line_ends = " \t\r\n";

bool is_blank(char c) noexcept {
  return line_ends.find(c) != npos;
}

std::size_t indent_of(std::string_view line) noexcept {
  return std::min(line.find_first_not_of(blanks), line.size());
}

std::string_view without_comment(std::string_view line) noexcept {
  auto const comment = line.starts_with('#') ? 0 : line.find(" #");
  line = line.substr(0, comment);
  return line.substr(0, line.find_last_not_of(blanks) + 1);
}

bool is_empty(std::string_view line) noexcept {
  auto const indent = indent_of(line);
  return indent == line.size() || line[indent] == '#';
}

bool is_dash(std::string_view content) noexcept {
  return content == "-" || content.starts_with("- ") || content.starts_with("-\t");
}

bool is_dash_without_space(std::string_view content) noexcept {
  return content.size() > 1 && content[0] == '-' && !is_dash(content) && !content.starts_with("--");
}

// The ':' that ends a key.
std::size_t separator_in(std::string_view content, std::size_t from = 0) noexcept {
  for (auto at = content.find(':', from); at != npos; at = content.find(':', at + 1))
    if (at + 1 == content.size() || is_blank(content[at + 1]))
      return at;
  return npos;
}

std::size_t content_begin(std::string_view line) noexcept {
  auto at = indent_of(line);
  while (is_dash(line.substr(at)))
    at = std::min(line.find_first_not_of(blanks, at + 1), line.size());
  return at;
}

// Quotes and brackets between two places of a text.
struct survey {
  struct extent {
    std::size_t begin;
    std::size_t end;
  };
  std::vector<std::size_t> open_brackets;
  std::optional<std::size_t> open_quote;
  std::optional<extent> last_quote;
  std::optional<extent> last_bracket; // with all that it holds
};

std::size_t behind_line(std::string_view text, std::size_t at) noexcept {
  return std::min(text.find('\n', at), text.size());
}

// Behind the block of text that a line with '|' or '>' begins: all lines that stand deeper.
std::size_t behind_block(std::string_view text, std::size_t at) noexcept {
  auto const begin = text.substr(0, at).rfind('\n') + 1;
  auto const indent = indent_of(text.substr(begin));
  auto end = behind_line(text, at);
  while (end < text.size()) {
    auto const line = text.substr(end + 1, behind_line(text, end + 1) - end - 1);
    if (line.find_first_not_of(line_ends) != npos && indent_of(line) <= indent)
      break;
    end += 1 + line.size();
  }
  return end;
}

survey look(std::string_view text, std::size_t begin, std::size_t end) {
  survey seen;
  bool at_start = true; // of a key or value
  for (std::size_t i = begin; i < end; ++i) {
    char const c = text[i];
    bool const in_brackets = !seen.open_brackets.empty();
    bool const is_last = i + 1 == text.size() || is_blank(text[i + 1]);
    if (c == '\n') {
      at_start = true;
    } else if (is_blank(c)) {
      continue;
    } else if (c == '#' && (i == begin || is_blank(text[i - 1]))) {
      i = behind_line(text, i) - 1;
    } else if (at_start && (c == '"' || c == '\'')) {
      auto const closed = quoted_end(text, i);
      if (closed > end) {
        seen.open_quote = i;
        break;
      }
      seen.last_quote = {i, closed};
      i = closed - 1;
      at_start = false;
    } else if ((at_start || in_brackets) && (c == '[' || c == '{')) {
      seen.open_brackets.push_back(i);
      at_start = true;
    } else if (in_brackets && (c == ']' || c == '}')) {
      seen.last_bracket = {seen.open_brackets.back(), i + 1};
      seen.open_brackets.pop_back();
      at_start = false;
    } else if (at_start && (c == '&' || c == '!')) {
      i = std::min(text.find_first_of(line_ends, i), text.size()) - 1;
    } else if (at_start && !in_brackets && (c == '|' || c == '>')) {
      i = behind_block(text, i) - 1;
    } else {
      at_start = (c == ',' && in_brackets) || (c == ':' && is_last) || (at_start && is_last && (c == '-' || c == '?'));
    }
  }
  return seen;
}

// One fault in one text.
class explanation {
 public:
  explanation(yaml_fault const& fault, std::string const& file, std::string_view text)
      : fault_(fault),
        file_(file),
        text_(text.substr(text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0)),
        lines_(text_),
        line_(lines_.line(fault.line)),
        at_(std::min<std::size_t>(fault.column - 1, line_.size())),
        offset_(offset_of(fault.line) + at_),
        begin_(document_begin()),
        seen_(look(text_, offset_of(begin_), offset_)) {}

  diagnostic tell() {
    if (auto found = in_white_space())
      return *found;
    if (auto found = in_escape())
      return *found;
    if (auto found = around_marks())
      return *found;
    return by_what_was_said();
  }

 private:
  // Of a line's begin; of one that there is not, the text's end.
  std::size_t offset_of(unsigned line) const noexcept {
    auto const begin = lines_.line(line).data();
    return begin ? static_cast<std::size_t>(begin - text_.data()) : text_.size();
  }
  unsigned line_at(std::size_t offset) const noexcept {
    return static_cast<unsigned>(std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(offset), '\n')) +
           1;
  }
  unsigned document_begin() const noexcept {
    unsigned line = std::max(1U, std::min(fault_.line, lines_.lines_count()));
    while (line > 1 && !lines_.line(line - 1).starts_with("---"))
      --line;
    return line;
  }
  // The line above that says something; 0: none in the document.
  unsigned line_before(unsigned line) const noexcept {
    while (--line >= begin_)
      if (!is_empty(lines_.line(line)))
        return line;
    return 0;
  }

  diagnostic tell_at(unsigned line, std::size_t at, std::size_t width, std::string message,
                     std::string hint = {}) const {
    diagnostic out{{file_, line, static_cast<unsigned>(at) + 1}, std::move(message), std::move(hint)};
    out.source.width_bytes = static_cast<unsigned>(width);
    return out;
  }
  diagnostic tell_at(std::size_t offset, std::size_t width, std::string message, std::string hint = {}) const {
    unsigned const line = line_at(offset);
    return tell_at(line, offset - offset_of(line), width, std::move(message), std::move(hint));
  }

  std::optional<diagnostic> in_white_space() const {
    constexpr std::string_view indented = "; YAML is indented with spaces";
    auto const tab = line_.find('\t');
    if (tab < indent_of(line_) || fault_.said.find("illegal tab") != npos)
      return tell_at(fault_.line, std::min(tab, line_.size()), 1,
                     "a tab stands in the line's indentation" + std::string(indented));
    if (auto const dash = indent_of(line_); line_.substr(dash).starts_with("-\t"))
      return tell_at(fault_.line, dash + 1, 1, "a tab stands behind the '-'" + std::string(indented));
    for (unsigned const line : {fault_.line, fault_.line - 1})
      for (std::string_view const mark : {"<<<<<<<", "=======", ">>>>>>>"})
        if (lines_.line(line).starts_with(mark))
          return tell_at(line, 0, mark.size(), "a merge conflict stands here unresolved; expected one of its sides");
    return std::nullopt;
  }

  std::optional<diagnostic> in_escape() const {
    auto const at = text_.substr(0, offset_).rfind('\\');
    if (at == npos)
      return std::nullopt;
    std::string const escape = "the escape " + quoted(text_.substr(at, 2));
    if (is_said("unknown escape"))
      return tell_at(at, 2, escape + " is none that YAML knows; expected \"\\\\\" for a backslash",
                     "within '...' a backslash is itself");
    if (is_said("hex number") || is_said("invalid unicode"))
      return tell_at(at, 2, escape + " lacks its hexadecimal digits");
    return std::nullopt;
  }

  // What ends right before the place where the parser stopped: a quoted text, a map or a list.
  std::optional<diagnostic> around_marks() const {
    auto const end = text_.substr(0, offset_).find_last_not_of(blanks) + 1;
    if (seen_.open_quote)
      return not_closed(*seen_.open_quote);
    if (seen_.last_quote && seen_.last_quote->end == end) {
      auto const [begin, quote_end] = *seen_.last_quote;
      if (text_.substr(begin, quote_end - begin).find('\n') != npos)
        return not_closed(begin);
      return tell_at(fault_.line, at_, 0,
                     "text stands behind the closing quotation mark; expected the end of the value" +
                         std::string(seen_.open_brackets.empty() ? "" : ", or a ','"),
                     text_[begin] == '\'' ? "within '...' a ' is written ''" : "within \"...\" a \" is written \\\"");
    }
    if (seen_.last_bracket && seen_.last_bracket->end == end && seen_.open_brackets.empty() && !is_said("flow end") &&
        line_at(seen_.last_bracket->begin) == fault_.line) {
      auto const at = seen_.last_bracket->begin - offset_of(fault_.line);
      std::string const kind = line_[at] == '{' ? "a map" : "a list";
      return must_be_quoted(at, std::string("the value begins with '") + line_[at] + "', which makes it " + kind +
                                    ", and does not end with it; expected it in quotation marks");
    }
    return std::nullopt;
  }

  diagnostic not_closed(std::size_t quote) const {
    std::string const mark(1, text_[quote]);
    return tell_at(
        quote, 0, "the quotation mark is not closed on its line; expected another " + mark + " at the end of the text");
  }

  diagnostic must_be_quoted(std::size_t at, std::string message) const {
    auto rest = without_comment(line_.substr(at));
    if (!seen_.open_brackets.empty())
      rest = rest.substr(0, rest.find_first_of(",]}"));
    bool const is_simple = rest.size() <= 80 && rest.find_first_of("\"\\") == npos;
    return tell_at(fault_.line, at, rest.size(), std::move(message), is_simple ? "write " + quoted(rest) : "");
  }

  diagnostic by_what_was_said() const {
    if (is_said("map flow not found") || is_said("sequence flow not found"))
      return in_brackets();
    if (is_said("illegal map value"))
      return second_colon();
    if (is_said("map not found") || is_said("sequence not found") || is_said(second_document))
      return out_of_line();
    if (is_said("illegal block entry"))
      return tell_at(fault_.line, at_, 0,
                     "a list begins on the line of its key; expected each '-' on a line of its own");
    if (at_ < line_.size()) {
      if (is_said("illegal flow end"))
        return closing();
      if (is_said("unknown token") && line_.starts_with("```"))
        return tell_at(fault_.line, 0, line_.size(), "a Markdown fence stands here; expected the YAML alone");
      if (is_said("unknown token"))
        return cannot_begin(at_);
    }
    constexpr std::array anchors{"referenced anchor", "alias not found", "anchor not found", "while scanning a"};
    auto const sign = line_.substr(0, at_ + 1).find_last_of("*&");
    if (sign != npos && std::any_of(anchors.begin(), anchors.end(), [this](char const* part) { return is_said(part); }))
      return line_[sign] == '&' ? cannot_begin(sign)
                                : must_be_quoted(sign, "a text that begins with '*' stands for an anchor of that name, "
                                                       "and there is none; expected it in quotation marks");
    if (auto const block = line_.substr(0, at_).find_last_of("|>"); block != npos && is_said("block scalar"))
      return must_be_quoted(block, std::string("a text that begins with '") + line_[block] +
                                       "' stands on the lines below; expected it in quotation marks");
    return as_it_was_said();
  }

  bool is_said(std::string_view part) const noexcept { return fault_.said.find(part) != npos; }

  diagnostic as_it_was_said() const { return tell_at(fault_.line, at_, 0, "the file is not YAML: " + fault_.said); }

  diagnostic cannot_begin(std::size_t at) const {
    return must_be_quoted(at,
                          std::string("a text cannot begin with '") + line_[at] + "'; expected it in quotation marks");
  }

  diagnostic in_brackets() const {
    if (seen_.open_brackets.empty())
      return as_it_was_said();
    std::size_t const bracket = seen_.open_brackets.back();
    auto const whole = look(text_, bracket, text_.size());
    char const closes = text_[bracket] == '{' ? '}' : ']';
    if (!whole.open_brackets.empty() && whole.open_brackets.front() == bracket)
      return tell_at(bracket, 1,
                     std::string("the '") + text_[bracket] + "' is not closed; expected a '" + closes + '\'');
    auto const before = line_before(fault_.line);
    if (line_at(bracket) == fault_.line || before == 0 || separator_in(line_) != at_)
      return tell_at(fault_.line, at_, 1,
                     "a second ':' stands in one entry; expected a ',' between two, or quotation marks around a text");
    auto const above = without_comment(lines_.line(before));
    auto const at = indent_of(above);
    return tell_at(before, at, above.size() - at,
                   "there is no ',' behind this entry, and another follows; expected one");
  }

  diagnostic closing() const {
    std::string const found = std::string("the '") + line_[at_] + '\'';
    if (seen_.open_brackets.empty())
      return tell_at(fault_.line, at_, 1, found + " closes nothing that is open");
    std::size_t const bracket = seen_.open_brackets.back();
    return tell_at(fault_.line, at_, 1,
                   found + " closes the '" + text_[bracket] + "' of line " + std::to_string(line_at(bracket)) +
                       "; expected a '" + (text_[bracket] == '{' ? '}' : ']') + '\'');
  }

  // A ':' that cannot end a key: the key is not where a key can be, or has no end above.
  diagnostic second_colon() const {
    auto const begin = content_begin(line_);
    if (auto const first = separator_in(line_, begin); first < at_) {
      auto const value = std::min(line_.find_first_not_of(blanks, first + 1), line_.size());
      return must_be_quoted(value, "a ':' with a space behind it stands within the value; expected the value in "
                                   "quotation marks");
    }
    unsigned const above = line_before(fault_.line);
    if (above == 0)
      return as_it_was_said();
    auto const line = without_comment(lines_.line(above));
    auto const at = content_begin(line);
    auto const content = line.substr(at);
    if (separator_in(content) != npos)
      return tell_at(fault_.line, indent_of(line_), 0,
                     "the line stands deeper than line " + std::to_string(above) +
                         ", whose key has a value already; expected it at column " + std::to_string(at + 1));
    auto const word = std::min(content.find_first_of(blanks), content.size());
    if (auto const colon = content.find(':'); colon < word && content.substr(colon, 3) != "://")
      return tell_at(
          above, at, content.size(), quoted(content) + " has no space behind its ':'; expected one",
          "write " + quoted(std::string(content.substr(0, colon + 1)) + ' ' + std::string(content.substr(colon + 1))));
    auto const value = std::min(content.find_first_not_of(blanks, word), content.size());
    return tell_at(above, at, content.size(), quoted(content) + " has no ':'; expected one behind the key",
                   "write " + quoted(std::string(content.substr(0, word)) + (value < content.size() ? ": " : ":") +
                                     std::string(content.substr(value))));
  }

  // A column in which something above begins, so that the next line may begin there.
  struct level {
    std::size_t at;
    unsigned line;
    bool is_dash;
  };
  std::vector<level> levels_above() const {
    std::vector<level> out;
    std::size_t left_of = npos;
    for (unsigned line = line_before(fault_.line); line != 0 && left_of > 0; line = line_before(line)) {
      auto const text = lines_.line(line);
      auto at = indent_of(text);
      if (at >= left_of)
        continue;
      auto const indent = at;
      for (; is_dash(text.substr(at)); at = std::min(text.find_first_not_of(blanks, at + 1), text.size()))
        out.push_back({at, line, true});
      if (at < left_of && separator_in(text.substr(at)) != npos)
        out.push_back({at, line, false});
      left_of = indent;
    }
    return out;
  }

  // A line that fits nothing above it.
  diagnostic out_of_line() const {
    auto const indent = indent_of(line_);
    auto const content = line_.substr(indent);
    if (at_ != indent)
      return line_.substr(at_).starts_with(',') ? cannot_begin(at_) : as_it_was_said();
    if (is_dash_without_space(content))
      return dash_without_space(fault_.line);
    for (unsigned line = line_before(fault_.line); line != 0 && indent_of(lines_.line(line)) >= indent;
         line = line_before(line))
      if (indent_of(lines_.line(line)) == indent && is_dash_without_space(lines_.line(line).substr(indent)))
        return dash_without_space(line);

    bool const here_is_dash = is_dash(content);
    level const* nearest_right = nullptr;
    level const* nearest_left = nullptr;
    auto const levels = levels_above();
    for (auto const& each : levels) {
      if (each.at == indent && each.is_dash == here_is_dash)
        return as_it_was_said();
      if (each.at == indent)
        return tell_at(fault_.line, at_, 0,
                       here_is_dash ? "a list item stands among the keys of a map; expected a key"
                                    : "a line without '-' stands among the items of a list; expected '- ' before it");
      if (each.is_dash != here_is_dash)
        continue;
      if (each.at > indent)
        nearest_right = &each;
      else if (!nearest_left)
        nearest_left = &each;
    }
    std::string expected;
    for (level const* const each : {nearest_right, nearest_left})
      if (each)
        expected += (expected.empty() ? "; expected column " : ", or column ") + std::to_string(each->at + 1) +
                    " as in line " + std::to_string(each->line);
    if (expected.empty())
      return is_said(second_document)
                 ? tell_at(fault_.line, at_, 0, "a second document begins here; expected \"---\" before it")
                 : as_it_was_said();
    return tell_at(fault_.line, at_, 0,
                   "the line begins at column " + std::to_string(indent + 1) + ", where nothing above begins" +
                       expected);
  }

  diagnostic dash_without_space(unsigned line) const {
    auto const text = without_comment(lines_.line(line));
    auto const at = indent_of(text);
    return tell_at(line, at, text.size() - at, "there is no space behind the '-'; expected one",
                   "write " + quoted("- " + std::string(text.substr(at + 1))));
  }

  yaml_fault const& fault_;
  std::string const& file_;
  std::string_view text_;
  source_text lines_;
  std::string_view line_; // of the fault
  std::size_t at_;        // in `line_`
  std::size_t offset_;    // in `text_`
  unsigned begin_;        // the document's first line
  survey seen_;
};

} // namespace

diagnostic explain(yaml_fault const& fault, std::string const& file, std::string_view text) {
  if (fault.line == 0)
    return {{file, 0, 0}, "the file is not YAML: " + fault.said, {}};
  return explanation(fault, file, text).tell();
}

} // namespace statefund::module
