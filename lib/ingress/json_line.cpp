// line  = ws "{" ws [ member *( ws "," ws member ) ] ws "}" ws
// member = name ws ":" ws ( string | any )     any only behind "json"
//
// Written by hand because the bytes of a "json" value are its source text, which parsers that build values forget.

#include "ingress/json_line.hpp"

#include "wire/utf8.hpp"

#include <array>
#include <cstdint>

namespace statefund::ingress {

namespace {

constexpr int nesting_max = 100;

class scanner {
 public:
  explicit scanner(std::string_view text) noexcept : rest_(text) {}

  void skip_space() noexcept {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\t' || rest_[0] == '\r' || rest_[0] == '\n'))
      rest_.remove_prefix(1);
  }
  bool take(char wanted) noexcept {
    if (rest_.empty() || rest_[0] != wanted)
      return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool at_end() const noexcept { return rest_.empty(); }
  std::string_view rest() const noexcept { return rest_; }

  // Behind the opening quote; `into` may be null.
  bool string(std::string* into);
  bool any(int depth);

 private:
  bool escape(std::string* into);
  bool hex4(std::uint32_t& into) noexcept;
  bool number() noexcept;
  bool one_or_more_digits() noexcept;
  bool word(std::string_view wanted) noexcept {
    if (!rest_.starts_with(wanted))
      return false;
    rest_.remove_prefix(wanted.size());
    return true;
  }

  std::string_view rest_;
};

void append_utf8(std::string& out, std::uint32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0U | point >> 6U);
    out += static_cast<char>(0x80U | (point & 63U));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0U | point >> 12U);
    out += static_cast<char>(0x80U | (point >> 6U & 63U));
    out += static_cast<char>(0x80U | (point & 63U));
  } else {
    out += static_cast<char>(0xF0U | point >> 18U);
    out += static_cast<char>(0x80U | (point >> 12U & 63U));
    out += static_cast<char>(0x80U | (point >> 6U & 63U));
    out += static_cast<char>(0x80U | (point & 63U));
  }
}

bool scanner::hex4(std::uint32_t& into) noexcept {
  if (rest_.size() < 4)
    return false;
  into = 0;
  for (int i = 0; i < 4; ++i) {
    char const c = rest_[static_cast<std::size_t>(i)];
    std::uint32_t digit = 0;
    if (c >= '0' && c <= '9')
      digit = static_cast<std::uint32_t>(c - '0');
    else if (c >= 'a' && c <= 'f')
      digit = static_cast<std::uint32_t>(c - 'a' + 10);
    else if (c >= 'A' && c <= 'F')
      digit = static_cast<std::uint32_t>(c - 'A' + 10);
    else
      return false;
    into = into << 4U | digit;
  }
  rest_.remove_prefix(4);
  return true;
}

bool scanner::escape(std::string* into) {
  if (rest_.empty())
    return false;
  char const which = rest_[0];
  rest_.remove_prefix(1);
  constexpr std::string_view names = "\"\\/bfnrt";
  constexpr std::string_view meant = "\"\\/\b\f\n\r\t";
  if (auto const at = names.find(which); at != std::string_view::npos) {
    if (into)
      *into += meant[at];
    return true;
  }
  std::uint32_t point = 0;
  if (which != 'u' || !hex4(point))
    return false;
  if (point >= 0xD800 && point < 0xE000) {
    std::uint32_t low = 0;
    if (point >= 0xDC00 || !word("\\u") || !hex4(low) || low < 0xDC00 || low >= 0xE000)
      return false;
    point = 0x10000U + ((point - 0xD800U) << 10U) + (low - 0xDC00U);
  }
  if (into)
    append_utf8(*into, point);
  return true;
}

bool scanner::string(std::string* into) {
  for (;;) {
    std::size_t plain = 0;
    while (plain < rest_.size() && rest_[plain] != '"' && rest_[plain] != '\\' &&
           static_cast<unsigned char>(rest_[plain]) >= 0x20U)
      ++plain;
    if (into)
      into->append(rest_.substr(0, plain));
    rest_.remove_prefix(plain);
    if (take('"'))
      return true;
    if (!take('\\') || !escape(into))
      return false;
  }
}

bool scanner::one_or_more_digits() noexcept {
  std::size_t count = 0;
  while (count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9')
    ++count;
  rest_.remove_prefix(count);
  return count > 0;
}

bool scanner::number() noexcept {
  take('-');
  if (!take('0') && !one_or_more_digits())
    return false;
  if (take('.') && !one_or_more_digits())
    return false;
  if (take('e') || take('E')) {
    if (!take('+'))
      take('-');
    return one_or_more_digits();
  }
  return true;
}

bool scanner::any(int depth) {
  if (depth > nesting_max || rest_.empty())
    return false;
  switch (rest_[0]) {
  case '"':
    take('"');
    return string(nullptr);
  case '{':
    take('{');
    skip_space();
    if (take('}'))
      return true;
    do {
      skip_space();
      if (!take('"') || !string(nullptr))
        return false;
      skip_space();
      if (!take(':'))
        return false;
      skip_space();
      if (!any(depth + 1))
        return false;
      skip_space();
    } while (take(','));
    return take('}');
  case '[':
    take('[');
    skip_space();
    if (take(']'))
      return true;
    do {
      skip_space();
      if (!any(depth + 1))
        return false;
      skip_space();
    } while (take(','));
    return take(']');
  case 't':
    return word("true");
  case 'f':
    return word("false");
  case 'n':
    return word("null");
  default:
    return number();
  }
}

enum member { target, type, value, json, text, key, delay, members_count };
constexpr std::array<std::string_view, members_count> names = {"target", "type", "value", "json",
                                                               "text",   "key",  "delay"};

constexpr std::string_view not_json = "the line is not one JSON object";

} // namespace

std::variant<json_line, std::string> read_json_line(std::string_view line) {
  if (!wire::is_utf8(line))
    return std::string("the line is not UTF-8");
  json_line read;
  std::array<bool, members_count> seen{};
  std::string name;
  scanner in(line);
  in.skip_space();
  if (!in.take('{'))
    return std::string(not_json);
  in.skip_space();
  bool more = !in.take('}');
  while (more) {
    in.skip_space();
    name.clear();
    if (!in.take('"') || !in.string(&name))
      return std::string(not_json);
    in.skip_space();
    if (!in.take(':'))
      return std::string(not_json);
    in.skip_space();
    std::size_t which = 0;
    while (which < members_count && names[which] != name)
      ++which;
    if (which == members_count)
      return "'" + name + "' is not known; known: target, type, value, json, text, key, delay";
    if (seen[which])
      return "'" + name + "' comes twice";
    seen[which] = true;
    if (which == json) {
      std::string_view const from = in.rest();
      if (!in.any(1))
        return std::string("the value of 'json' is not JSON");
      read.is = json_line::kind::json;
      read.content = from.substr(0, from.size() - in.rest().size());
    } else {
      std::string content;
      if (!in.take('"'))
        return "'" + name + "' is a string";
      if (!in.string(&content))
        return std::string(not_json);
      switch (which) {
      case target:
        read.target = std::move(content);
        break;
      case type:
        read.type = std::move(content);
        break;
      case key:
        read.key = std::move(content);
        break;
      case delay:
        read.delay = std::move(content);
        break;
      default:
        read.is = which == text ? json_line::kind::text : json_line::kind::value;
        read.content = std::move(content);
      }
    }
    in.skip_space();
    more = in.take(',');
    if (!more && !in.take('}'))
      return std::string(not_json);
  }
  in.skip_space();
  if (!in.at_end())
    return std::string("there is something behind the line's JSON object");
  if (!seen[target])
    return std::string("'target' is missing: <namespace>/<name>/<id>");
  if (int(seen[value]) + int(seen[json]) + int(seen[text]) != 1)
    return std::string("one of 'value' (base64), 'json' and 'text' is needed, and only one");
  if (seen[text] && seen[type])
    return std::string("a 'text' has its type by itself; leave 'type' out, or send the bytes as 'value'");
  return read;
}

} // namespace statefund::ingress
