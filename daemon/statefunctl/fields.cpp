#include "statefunctl/fields.hpp"

#include "statefunctl/format.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace statefunctl {

using nlohmann::json;

namespace {

std::int64_t now_unix_ms() {
  auto const now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

} // namespace

std::string text_of(json const& object, char const* name) {
  auto const found = object.find(name);
  return found == object.end() || !found->is_string() ? std::string() : found->get<std::string>();
}

std::string count_of(json const& object, char const* name) {
  return std::to_string(object.value(name, std::uint64_t{0}));
}

std::string counted(json const& object, char const* name, std::string const& what) {
  return counted(object.value(name, std::uint64_t{0}), what);
}

std::string size_of(json const& object) {
  return bytes_text(object.value("bytes", std::uint64_t{0}));
}

std::string until_text(json const& object, char const* name) {
  auto const found = object.find(name);
  if (found == object.end() || !found->is_number())
    return "-";
  auto const left = found->get<std::int64_t>() - now_unix_ms();
  return left > 0 ? "in " + seconds_text(static_cast<std::uint64_t>((left + 999) / 1000)) : "now";
}

std::string since_text(json const& object, char const* name) {
  auto const past = now_unix_ms() - object.value(name, std::int64_t{0});
  return seconds_text(static_cast<std::uint64_t>(std::max<std::int64_t>(0, past) / 1000));
}

std::string short_text_of(json const& object, char const* name) {
  constexpr std::size_t width_max = 60;
  return shortened(text_of(object, name), width_max);
}

std::string caller_text(json const& object) {
  auto const caller = text_of(object, "caller");
  return caller.empty() ? "from outside" : "from " + caller;
}

std::string paused_text(json const& function) {
  auto const whole = function.find("paused");
  return whole != function.end() && whole->is_object() ? "all" : count_of(function, "addresses_paused_count");
}

std::string diagnostic_text(json const& one) {
  std::string text = one.value("file", "?");
  if (auto const line = one.value("line", 0U); line > 0)
    text += ':' + std::to_string(line) + ':' + std::to_string(one.value("column", 0U));
  text += ": " + one.value("message", "");
  if (auto const hint = one.value("hint", ""); !hint.empty())
    text += "; " + hint;
  return text;
}

} // namespace statefunctl
