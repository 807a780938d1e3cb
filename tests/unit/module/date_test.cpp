#include "module/date.hpp"
#include "module/errc.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace statefund::module;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::sys_days first_of_february = std::chrono::year(2020) / 2 / 1;

} // namespace

TEST_CASE("a date has a time and a zone") {
  CHECK(*parse_date("2020-02-01 04:15:00.000 +0000") == first_of_february + 4h + 15min);
  CHECK(*parse_date("2020-02-01 04:15:00.00 Z") == first_of_february + 4h + 15min);
  CHECK(*parse_date("2020-02-01 04:15:07.5 +0130") == first_of_february + 2h + 45min + 7s + 500ms);
  CHECK(*parse_date("2020-02-01 04:15:07.050 -0130") == first_of_february + 5h + 45min + 7s + 50ms);
  CHECK(*parse_date("2020-02-29 23:59:59.999 -0000") == first_of_february + 29 * 24h - 1ms);
  CHECK(*parse_date("1969-12-31 23:00:00.000 -0100") == std::chrono::sys_days{});
}

TEST_CASE("what is no date is told, quoted") {
  for (auto const* text : {"",
                           "now",
                           "2020-02-01",
                           "2020-02-01 04:15:00.000",
                           "2020-02-01 04:15:00 +0000",
                           "2020-02-01T04:15:00.000 +0000",
                           "2020-02-01 04:15:00.000+0000",
                           "2020-02-01 04:15:00.000 +00:00",
                           "2020-02-01 04:15:00.000 CET",
                           "2020-02-01 04:15:00.0000 +0000",
                           "2020-02-01 04:15:00. +0000",
                           "20-02-01 04:15:00.000 +0000",
                           "2020-2-01 04:15:00.000 +0000",
                           "2020-13-01 04:15:00.000 +0000",
                           "2020-00-01 04:15:00.000 +0000",
                           "2020-02-00 04:15:00.000 +0000",
                           "2020-02-30 04:15:00.000 +0000",
                           "2021-02-29 04:15:00.000 +0000",
                           "2020-02-01 24:00:00.000 +0000",
                           "2020-02-01 04:60:00.000 +0000",
                           "2020-02-01 04:15:60.000 +0000",
                           "2020-02-01 04:15:00.000 +1900",
                           "2020-02-01 04:15:00.000 +0060",
                           "2020-02-01 04:15:00.000 +0000 ",
                           "-020-02-01 04:15:00.000 +0000",
                           "2020-02-01 04:15:00.000 0000"}) {
    INFO(text);
    auto const read = parse_date(text);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code == errc::date_invalid);
    CHECK(read.error().detail == '"' + std::string(text) + "\"; expected one as in 2020-02-01 04:15:00.000 +0000");
  }
}
