#include "module/errc.hpp"
#include "module/size.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <limits>

using namespace statefund::module;

TEST_CASE("sizes are read in bytes and in powers of 1024") {
  struct row {
    char const* text;
    std::uint64_t value;
  };
  for (auto const& [text, value] : std::array{
           row{"0", 0},
           row{"33554432", 33554432},
           row{"100B", 100},
           row{"1KiB", 1024},
           row{"32MiB", 33554432},
           row{"32 mib", 33554432},
           row{"2GiB", 2147483648},
           row{"1TiB", 1099511627776},
           row{"18446744073709551615", std::numeric_limits<std::uint64_t>::max()},
       }) {
    INFO(text);
    auto const read = parse_size(text);
    REQUIRE(read.has_value());
    CHECK(*read == value);
  }
}

TEST_CASE("what is no size is refused with its text") {
  struct row {
    char const* text;
    char const* detail;
  };
  for (auto const& [text, detail] : std::array{
           row{"", R"("" does not begin with a number; expected a whole number and a unit, as in 32MiB)"},
           row{"MiB", R"("MiB" does not begin with a number; expected a whole number and a unit, as in 32MiB)"},
           row{"-1", R"("-1" is negative; expected a whole number and a unit, as in 32MiB)"},
           row{"1.5MiB",
               R"("1.5MiB" has a fraction; expected a whole number, in a smaller unit if need be, as in 1536KiB)"},
           row{"32MB", R"("32MB" has the unknown unit "MB"; expected one of B, KiB, MiB, GiB, TiB)"},
           row{"32M", R"("32M" has the unknown unit "M"; expected one of B, KiB, MiB, GiB, TiB)"},
           row{"16777216TiB", R"("16777216TiB" is too large; expected less than 16777216TiB)"},
           row{"18446744073709551616", R"("18446744073709551616" is too large; expected less than 16777216TiB)"},
       }) {
    INFO(text);
    auto const read = parse_size(text);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code == errc::size_invalid);
    CHECK(read.error().detail == detail);
  }
}

TEST_CASE("a size is written in the largest unit that keeps it exact, and reads back") {
  for (std::uint64_t const value : {0UL, 1UL, 1000UL, 1024UL, 33554432UL, 1UL << 62U}) {
    auto const text = size_to_text(value);
    INFO(text);
    CHECK(*parse_size(text) == value);
  }
  CHECK(size_to_text(33554432) == "32MiB");
  CHECK(size_to_text(1000) == "1000B");
}
