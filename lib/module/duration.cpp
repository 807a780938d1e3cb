#include "module/duration.hpp"

#include "module/diagnostic.hpp"
#include "module/errc.hpp"
#include "module/number.hpp"

#include <array>
#include <cstdint>
#include <limits>

namespace statefund::module {
namespace {

using std::chrono::nanoseconds;

struct unit {
  std::string_view name;
  std::int64_t ns;
};

constexpr std::int64_t us = 1000;
constexpr std::int64_t ms = 1000 * us;
constexpr std::int64_t s = 1000 * ms;
constexpr std::int64_t min = 60 * s;
constexpr std::int64_t h = 60 * min;
constexpr std::int64_t d = 24 * h;

// The micro sign (U+00B5) is in the reference; keyboards also give the Greek letter (U+03BC).
constexpr std::array symbols{unit{"d", d},   unit{"h", h},  unit{"m", min},      unit{"s", s},       unit{"ms", ms},
                             unit{"us", us}, unit{"ns", 1}, unit{"\u00b5s", us}, unit{"\u03bcs", us}};
constexpr std::array words{unit{"day", d},    unit{"hour", h},         unit{"min", min},  unit{"minute", min},
                           unit{"sec", s},    unit{"second", s},       unit{"milli", ms}, unit{"millisecond", ms},
                           unit{"micro", us}, unit{"microsecond", us}, unit{"nano", 1},   unit{"nanosecond", 1}};

// Zero: no such unit.
std::int64_t find_unit(std::string_view text) {
  std::string const name = lower_case(text);
  for (auto const& each : symbols)
    if (name == each.name)
      return each.ns;
  for (auto const& each : words)
    if (name == each.name || (name.size() == each.name.size() + 1 && name.starts_with(each.name) && name.back() == 's'))
      return each.ns;
  return 0;
}

} // namespace

result<nanoseconds> parse_duration(std::string_view text) {
  auto const fail = [text](std::string const& why) { return error{errc::duration_invalid, quoted(text) + why}; };
  auto const [digits, unit_text] = split_number(text);
  if (digits.empty())
    return fail(text.find('-') == 0 ? " is negative; expected a whole number and a unit, as in 30s"
                                    : " does not begin with a number; expected a whole number and a unit, as in 30s");
  if (unit_text.starts_with('.') || unit_text.starts_with(','))
    return fail(" has a fraction; expected a whole number, in a smaller unit if need be, as in 1500ms");
  std::int64_t const unit_ns = unit_text.empty() ? ms : find_unit(unit_text);
  if (unit_ns == 0)
    return fail(" has the unknown unit " + quoted(unit_text) + "; expected one of d, h, min, s, ms, us, ns");
  auto const count = whole_number(digits);
  if (!count || *count > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() / unit_ns))
    return fail(" is too large; the longest duration is 106751 days");
  return nanoseconds(static_cast<std::int64_t>(*count) * unit_ns);
}

std::string to_text(nanoseconds value) {
  constexpr std::array units{unit{"d", d}, unit{"h", h},   unit{"min", min},
                             unit{"s", s}, unit{"ms", ms}, unit{"us", us}};
  if (value == nanoseconds::zero())
    return "0s";
  for (auto const& each : units)
    if (value.count() % each.ns == 0)
      return std::to_string(value.count() / each.ns) + std::string(each.name);
  return std::to_string(value.count()) + "ns";
}

} // namespace statefund::module
