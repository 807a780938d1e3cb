#include "module/date.hpp"

#include "module/diagnostic.hpp"
#include "module/errc.hpp"
#include "module/number.hpp"

#include <algorithm>
#include <optional>

namespace statefund::module {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// Takes the text apart from its front; after the first thing that does not fit, nothing does.
struct scanner {
  std::string_view rest;
  bool fits = true;

  unsigned number(std::size_t digits, unsigned max) {
    std::string_view const text = rest.substr(0, digits);
    auto const value = whole_number(text);
    fits = fits && text.size() == digits && value && *value <= max;
    rest.remove_prefix(text.size());
    return fits ? static_cast<unsigned>(*value) : 0;
  }

  void character(char expected) {
    fits = fits && rest.starts_with(expected);
    rest.remove_prefix(std::min<std::size_t>(1, rest.size()));
  }

  milliseconds fraction() {
    auto const digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    fits = fits && digits <= 3;
    unsigned value = number(std::max<std::size_t>(digits, 1), 999);
    for (std::size_t i = digits; i < 3; ++i)
      value *= 10;
    return milliseconds(value);
  }

  minutes zone() {
    if (rest.starts_with('Z')) {
      rest.remove_prefix(1);
      return minutes(0);
    }
    bool const is_west = rest.starts_with('-');
    character(is_west ? '-' : '+');
    auto const hour = hours(number(2, 18));
    auto const ahead = hour + minutes(number(2, 59));
    return is_west ? -ahead : ahead;
  }
};

std::optional<std::chrono::sys_time<milliseconds>> read_date(std::string_view text) {
  scanner from{text};
  std::chrono::year const year(static_cast<int>(from.number(4, 9999)));
  from.character('-');
  std::chrono::month const month(from.number(2, 12));
  from.character('-');
  std::chrono::day const day(from.number(2, 31));
  from.character(' ');
  auto const hour = hours(from.number(2, 23));
  from.character(':');
  auto const minute = minutes(from.number(2, 59));
  from.character(':');
  auto const second = seconds(from.number(2, 59));
  from.character('.');
  auto const fraction = from.fraction();
  from.character(' ');
  auto const ahead = from.zone();
  auto const date = year / month / day;
  if (!from.fits || !from.rest.empty() || !date.ok())
    return std::nullopt;
  return std::chrono::sys_days(date) + hour + minute + second + fraction - ahead;
}

} // namespace

result<std::chrono::sys_time<milliseconds>> parse_date(std::string_view text) {
  if (auto const read = read_date(text))
    return *read;
  return error{errc::date_invalid, quoted(text) + "; expected one as in 2020-02-01 04:15:00.000 +0000"};
}

} // namespace statefund::module
