#include "log/rendering.hpp"

#include <sys/stat.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace statefund::log {

namespace {

struct code_point {
  char32_t value = 0;
  std::size_t length = 0; // bytes it takes; 0: the first byte does not begin valid UTF-8
};

code_point first_of(std::string_view text) noexcept {
  auto const byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  unsigned char const lead = byte(0);
  if (lead < 0x80)
    return {lead, 1};
  std::size_t const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length)
    return {};
  char32_t value = lead & (0xffU >> (length + 1));
  for (std::size_t at = 1; at < length; ++at) {
    if ((byte(at) & 0xc0) != 0x80)
      return {};
    value = (value << 6) | (byte(at) & 0x3fU);
  }
  bool const overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  if (overlong || (value >= 0xd800 && value <= 0xdfff) || value > 0x10ffff)
    return {};
  return {value, length};
}

// Characters that end a line, steer a terminal or reorder what stands around them.
bool deceives(char32_t value) noexcept {
  return value < 0x20 || (value >= 0x7f && value < 0xa0) || value == 0x2028 || value == 0x2029 || value == 0x200e ||
         value == 0x200f || (value >= 0x202a && value <= 0x202e) || (value >= 0x2066 && value <= 0x2069);
}

template <class... Values>
void append_format(std::string& to, char const* form, Values... values) {
  std::array<char, 32> made{};
  auto const length = std::snprintf(made.data(), made.size(), form, values...);
  to.append(made.data(), static_cast<std::size_t>(length));
}

enum class quotes { stay, escape };

void append_escaped(std::string& to, std::string_view text, quotes treatment) {
  while (!text.empty()) {
    auto const [value, length] = first_of(text);
    if (length == 0) {
      append_format(to, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(text.front())));
      text.remove_prefix(1);
      continue;
    }
    if (value == U'\n')
      to += "\\n";
    else if (value == U'\t')
      to += "\\t";
    else if (value == U'\r')
      to += "\\r";
    else if (deceives(value))
      append_format(to, "\\u{%x}", static_cast<unsigned>(value));
    else if (treatment == quotes::escape && (value == U'"' || value == U'\\'))
      to.append({'\\', static_cast<char>(value)});
    else
      to += text.substr(0, length);
    text.remove_prefix(length);
  }
}

void append_text_value(std::string& to, std::string_view text) {
  std::string escaped;
  append_escaped(escaped, text, quotes::escape);
  bool const plain = !text.empty() && escaped == text && text.find_first_of(" =") == std::string_view::npos;
  if (plain)
    to += text;
  else
    to.append("\"").append(escaped).append("\"");
}

std::string words_of(double amount) {
  std::array<char, 32> made{};
  auto const end = std::to_chars(made.data(), made.data() + made.size(), amount).ptr;
  return {made.data(), end};
}

void append_json_string(std::string& to, std::string_view text) {
  to += '"';
  while (!text.empty()) {
    auto const [value, length] = first_of(text);
    if (length == 0) {
      to += "\xef\xbf\xbd";
      text.remove_prefix(1);
      continue;
    }
    if (value == U'"' || value == U'\\')
      to.append({'\\', static_cast<char>(value)});
    else if (value == U'\n')
      to += "\\n";
    else if (value < 0x20 || value == 0x7f || (value >= 0x80 && value < 0xa0) || value == 0x2028 || value == 0x2029)
      append_format(to, "\\u%04x", static_cast<unsigned>(value));
    else
      to += text.substr(0, length);
    text.remove_prefix(length);
  }
  to += '"';
}

void append_json_value(std::string& to, field const& fact) {
  if (auto const* text = std::get_if<std::string_view>(&fact.value))
    append_json_string(to, *text);
  else if (auto const* amount = std::get_if<double>(&fact.value))
    to += std::isfinite(*amount) ? words_of(*amount) : "null";
  else
    to += words_of(fact);
}

std::string_view name_of(level severity) noexcept {
  switch (severity) {
  case level::debug:
    return "debug";
  case level::info:
    return "info";
  case level::warning:
    return "warning";
  case level::error:
    return "error";
  }
  return "error";
}

char priority_of(level severity) noexcept {
  switch (severity) {
  case level::debug:
    return '7';
  case level::info:
    return '6';
  case level::warning:
    return '4';
  case level::error:
    return '3';
  }
  return '3';
}

void append_time(std::string& to, std::chrono::system_clock::time_point at) {
  auto const second = std::chrono::floor<std::chrono::seconds>(at);
  auto const millisecond = std::chrono::floor<std::chrono::milliseconds>(at - second).count();
  std::time_t const whole = std::chrono::system_clock::to_time_t(second);
  std::tm parts{};
  gmtime_r(&whole, &parts);
  std::array<char, 32> made{};
  to.append(made.data(), std::strftime(made.data(), made.size(), "%Y-%m-%dT%H:%M:%S", &parts));
  append_format(to, ".%03dZ", static_cast<int>(millisecond));
}

// The journal takes upper-case letters, digits and underscores in names, and drops an entry's field otherwise.
std::string journal_name_of(std::string_view name) {
  std::string upper = "STATEFUND_";
  for (char const letter : name) {
    if (letter >= 'a' && letter <= 'z')
      upper += static_cast<char>(letter - 'a' + 'A');
    else
      upper += (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ? letter : '_';
  }
  return upper;
}

} // namespace

std::string words_of(field const& fact) {
  if (auto const* text = std::get_if<std::string_view>(&fact.value))
    return std::string(*text);
  if (auto const* count = std::get_if<std::int64_t>(&fact.value))
    return std::to_string(*count);
  if (auto const* amount = std::get_if<double>(&fact.value))
    return words_of(*amount);
  return std::get<bool>(fact.value) ? "true" : "false";
}

std::string text_of(record const& happened) {
  std::string line;
  if (happened.what)
    line.append(to_string(*happened.what)).append(" ");
  else
    line.append(happened.room).append(": ");
  append_escaped(line, happened.sentence, quotes::stay);
  for (field const& fact : happened.fields) {
    line.append(" ").append(fact.name).append("=");
    append_text_value(line, words_of(fact));
  }
  return line;
}

std::string json_of(record const& happened) {
  std::string line = R"({"time":")";
  append_time(line, happened.at);
  line.append(R"(","level":")").append(name_of(happened.severity)).append("\"");
  if (happened.what)
    line.append(R"(,"number":")").append(to_string(*happened.what)).append("\"");
  line += R"(,"room":)";
  append_json_string(line, happened.room);
  line += R"(,"message":)";
  append_json_string(line, happened.sentence);
  line += R"(,"fields":{)";
  char const* separator = "";
  for (field const& fact : happened.fields) {
    line += separator;
    append_json_string(line, fact.name);
    line += ':';
    append_json_value(line, fact);
    separator = ",";
  }
  return line += "}}";
}

std::vector<std::string> journal_fields_of(record const& happened) {
  std::vector<std::string> entry;
  entry.reserve(6 + happened.fields.size());
  entry.push_back("MESSAGE=" + text_of(happened));
  entry.push_back(std::string("PRIORITY=") + priority_of(happened.severity));
  entry.emplace_back("SYSLOG_IDENTIFIER=statefund");
  entry.push_back("STATEFUND_ROOM=" + std::string(happened.room));
  if (happened.what) {
    // A journal message id is 128 bits, chosen once; its last 16 are the number.
    std::string id = "MESSAGE_ID=7d1c3f0e5b2a4c6f9e8d0a4b3c2d";
    append_format(id, "%04x", static_cast<unsigned>(*happened.what));
    entry.push_back(std::move(id));
    entry.push_back("STATEFUND_NUMBER=" + to_string(*happened.what));
  }
  for (field const& fact : happened.fields)
    entry.push_back(journal_name_of(fact.name) + "=" + words_of(fact));
  return entry;
}

bool is_journal(int descriptor, char const* journal_stream) noexcept {
  if (!journal_stream)
    return false;
  std::string_view const announced = journal_stream;
  std::size_t const colon = announced.find(':');
  if (colon == std::string_view::npos)
    return false;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  char const* const end = announced.data() + announced.size();
  auto const read_device = std::from_chars(announced.data(), announced.data() + colon, device);
  auto const read_inode = std::from_chars(announced.data() + colon + 1, end, inode);
  if (read_device.ec != std::errc{} || read_device.ptr != announced.data() + colon || read_inode.ec != std::errc{} ||
      read_inode.ptr != end)
    return false;
  struct stat found {};
  return fstat(descriptor, &found) == 0 && found.st_dev == device && found.st_ino == inode;
}

} // namespace statefund::log
