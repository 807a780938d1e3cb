#include "module/size.hpp"

#include "module/diagnostic.hpp"
#include "module/errc.hpp"
#include "module/number.hpp"

#include <array>
#include <limits>

namespace statefund::module {
namespace {

constexpr std::array<std::string_view, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};

} // namespace

result<std::uint64_t> parse_size(std::string_view text) {
  auto const fail = [text](std::string const& why) { return error{errc::size_invalid, quoted(text) + why}; };
  auto const [digits, unit_text] = split_number(text);
  if (digits.empty())
    return fail(text.find('-') == 0 ? " is negative; expected a whole number and a unit, as in 32MiB"
                                    : " does not begin with a number; expected a whole number and a unit, as in 32MiB");
  if (unit_text.starts_with('.') || unit_text.starts_with(','))
    return fail(" has a fraction; expected a whole number, in a smaller unit if need be, as in 1536KiB");
  unsigned shift = 0;
  if (!unit_text.empty()) {
    std::string const name = lower_case(unit_text);
    std::size_t i = 0;
    while (i < units.size() && name != lower_case(units[i]))
      ++i;
    if (i == units.size())
      return fail(" has the unknown unit " + quoted(unit_text) + "; expected one of B, KiB, MiB, GiB, TiB");
    shift = static_cast<unsigned>(i) * 10;
  }
  auto const count = whole_number(digits);
  if (!count || *count > std::numeric_limits<std::uint64_t>::max() >> shift)
    return fail(" is too large; expected less than 16777216TiB");
  return *count << shift;
}

std::string size_to_text(std::uint64_t bytes) {
  std::size_t i = 0;
  while (bytes != 0 && bytes % 1024 == 0 && i + 1 < units.size()) {
    bytes /= 1024;
    ++i;
  }
  return std::to_string(bytes) + std::string(units[i]);
}

} // namespace statefund::module
