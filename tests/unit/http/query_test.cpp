#include "http/errc.hpp"
#include "http/query.hpp"

#include <catch2/catch.hpp>

using namespace statefund;

TEST_CASE("query parameters are found decoded") {
  auto const read = http::query::parse("after=12&name=a%2Fb+c&peek", {"after", "name", "peek"});
  REQUIRE(read.has_value());
  CHECK(read->find("name") == "a/b+c");
  CHECK(read->find("none") == std::nullopt);
  CHECK(read->find_number("after", 0, 100).value() == 12U);
  CHECK(read->find_number("absent", 0, 100).value() == std::nullopt);
  CHECK(read->find_flag("peek").value());
  CHECK_FALSE(read->find_flag("absent").value());
}

TEST_CASE("an unknown, repeated or broken query parameter is told by name") {
  auto const unknown = http::query::parse("aftr=1", {"after", "max"});
  REQUIRE(unknown.has_error());
  CHECK(unknown.error().code == http::errc::parameter_invalid);
  CHECK(unknown.error().detail == "the query parameter 'aftr' is not known here; known: after, max");
  CHECK(http::query::parse("after=1&after=1", {"after"}).has_error());
  CHECK(http::query::parse("after=%4", {"after"}).has_error());
  CHECK(http::query::parse("", {}).has_value());
}

TEST_CASE("a number outside of its bounds, or with anything behind it, is refused") {
  for (char const* text : {"n=0", "n=11", "n=-1", "n=1x", "n=", "n= 1", "n=18446744073709551616"}) {
    auto const read = http::query::parse(text, {"n"});
    REQUIRE(read.has_value());
    CHECK(read->find_number("n", 1, 10).has_error());
  }
  CHECK(http::query::parse("f=yes", {"f"})->find_flag("f").has_error());
}
