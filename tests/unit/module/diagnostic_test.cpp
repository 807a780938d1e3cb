#include "module/diagnostic.hpp"
#include "module/reader.hpp"

#include <catch2/catch.hpp>

using namespace statefund::module;

TEST_CASE("a diagnostic prints as compilers do, so that editors can follow it") {
  CHECK(to_string(diagnostic{{"a.yaml", 3, 7}, "x is wrong; expected y", {}}) ==
        "a.yaml:3:7: error: x is wrong; expected y");
  CHECK(to_string(diagnostic{{"a.yaml", 3, 7}, "x is unknown", "did you mean \"y\"?"}) ==
        "a.yaml:3:7: error: x is unknown; did you mean \"y\"?");
  CHECK(to_string(diagnostic{{"a.yaml", 0, 0}, "it cannot be read", {}}) == "a.yaml: error: it cannot be read");
}

TEST_CASE("what a file says is quoted without control bytes and not without end") {
  CHECK(quoted("plain") == "\"plain\"");
  CHECK(quoted("a\nb\x1b[31m") == "\"a\\x0ab\\x1b[31m\"");
  CHECK(quoted(std::string(80, 'x')) == '"' + std::string(80, 'x') + '"');
  CHECK(quoted(std::string(81, 'x')) == '"' + std::string(80, 'x') + "...\"");
  CHECK(quoted(std::string(79, 'x') + "\u00fc") == '"' + std::string(79, 'x') + "...\""); // no half of a character
}

TEST_CASE("an unknown key is answered with the nearest known one, or with all") {
  std::vector<std::string> const keys{"connectTimeout", "readTimeout", "endpoint"};
  CHECK(nearest_hint("conectTimeout", keys) == "did you mean \"connectTimeout\"?");
  CHECK(nearest_hint("ReadTimeOut", keys) == "did you mean \"readTimeout\"?");
  CHECK(nearest_hint("endpiont", keys) == "did you mean \"endpoint\"?");
  CHECK(nearest_hint("color", keys) == "expected one of connectTimeout, readTimeout, endpoint");
  CHECK(nearest_hint(std::string(4096, 'e'), keys).starts_with("expected one of"));
  CHECK(nearest_hint("color", {}).empty());
}
