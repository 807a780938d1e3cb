#include "module/duration.hpp"
#include "module/errc.hpp"

#include <catch2/catch.hpp>

#include <array>

using namespace statefund::module;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;

TEST_CASE("durations are read in every spelling of their units") {
  struct row {
    char const* text;
    nanoseconds value;
  };
  for (auto const& [text, value] : std::array{
           row{"0", 0ns},
           row{"1", 1ms},
           row{"1500", 1500ms},
           row{"1d", 24h},
           row{"2 day", 48h},
           row{"2days", 48h},
           row{"3h", 3h},
           row{"1hour", 1h},
           row{"4 hours", 4h},
           row{"5m", 5min},
           row{"5min", 5min},
           row{"5mins", 5min},
           row{"2minute", 2min},
           row{"1minutes", 1min},
           row{"10s", 10s},
           row{"10 sec", 10s},
           row{"10secs", 10s},
           row{"10second", 10s},
           row{"10seconds", 10s},
           row{"7ms", 7ms},
           row{"7milli", 7ms},
           row{"7millis", 7ms},
           row{"60000millisecond", 60s},
           row{"7milliseconds", 7ms},
           row{"8us", 8us},
           row{"8\u00b5s", 8us},
           row{"8\u03bcs", 8us},
           row{"8micro", 8us},
           row{"8micros", 8us},
           row{"8microsecond", 8us},
           row{"8microseconds", 8us},
           row{"9ns", 9ns},
           row{"9nano", 9ns},
           row{"9nanos", 9ns},
           row{"9nanosecond", 9ns},
           row{"9nanoseconds", 9ns},
           row{"2MIN", 2min},
           row{"10 Sec", 10s},
           row{"1Day", 24h},
           row{"5 M", 5min},
           row{"5MS", 5ms},
           row{"  30   s  ", 30s},
           row{"007s", 7s},
           row{"106751d", 24h * 106751},
           row{"9223372036854775807ns", nanoseconds::max()},
       }) {
    INFO(text);
    auto const read = parse_duration(text);
    REQUIRE(read.has_value());
    CHECK(*read == value);
  }
}

TEST_CASE("what is no duration is refused with its text") {
  struct row {
    char const* text;
    char const* detail;
  };
  for (auto const& [text, detail] : std::array{
           row{"", R"("" does not begin with a number; expected a whole number and a unit, as in 30s)"},
           row{"s", R"("s" does not begin with a number; expected a whole number and a unit, as in 30s)"},
           row{"-5s", R"("-5s" is negative; expected a whole number and a unit, as in 30s)"},
           row{"+5s", R"("+5s" does not begin with a number; expected a whole number and a unit, as in 30s)"},
           row{"1.5s", R"("1.5s" has a fraction; expected a whole number, in a smaller unit if need be, as in 1500ms)"},
           row{"1,5s", R"("1,5s" has a fraction; expected a whole number, in a smaller unit if need be, as in 1500ms)"},
           row{"3 weeks", R"("3 weeks" has the unknown unit "weeks"; expected one of d, h, min, s, ms, us, ns)"},
           row{"3 ds", R"("3 ds" has the unknown unit "ds"; expected one of d, h, min, s, ms, us, ns)"},
           row{"3 s s", R"("3 s s" has the unknown unit "s s"; expected one of d, h, min, s, ms, us, ns)"},
           row{"1h30m", R"("1h30m" has the unknown unit "h30m"; expected one of d, h, min, s, ms, us, ns)"},
           row{"106752d", R"("106752d" is too large; the longest duration is 106751 days)"},
           row{"9223372036854775808ns", R"("9223372036854775808ns" is too large; the longest duration is 106751 days)"},
           row{"99999999999999999999", R"("99999999999999999999" is too large; the longest duration is 106751 days)"},
       }) {
    INFO(text);
    auto const read = parse_duration(text);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code == errc::duration_invalid);
    CHECK(read.error().detail == detail);
  }
}

TEST_CASE("a duration is written in the largest unit that keeps it exact, and reads back") {
  struct row {
    nanoseconds value;
    char const* text;
  };
  for (auto const& [value, text] : std::array{row{0ns, "0s"}, row{2min, "2min"}, row{90s, "90s"}, row{1500ms, "1500ms"},
                                              row{48h, "2d"}, row{3h, "3h"}, row{7us, "7us"}, row{9ns, "9ns"}}) {
    CHECK(to_text(value) == text);
    CHECK(*parse_duration(text) == value);
  }
}
