// What a file may not grow to, and that refusing it costs little.
#include "module/parse.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace statefund::module;

namespace {

std::string only_error(std::string const& text) {
  auto const parsed = parse("m.yaml", text);
  REQUIRE_FALSE(parsed.has_value());
  REQUIRE(parsed.error().size() == 1);
  return to_string(parsed.error().front());
}

std::string repeated(std::string const& text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i)
    out += text;
  return out;
}

constexpr auto too_many = "the file holds more than 10000 values (an alias counts as all that it stands for); expected "
                          "at most that";

} // namespace

TEST_CASE("aliases that unfold into a billion values are stopped at the first that is too many") {
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
  for (char name = 'b'; name < 'k'; ++name) {
    std::string const before(1, static_cast<char>(name - 1));
    bomb += std::string(1, name) + ": &" + name + " [" + repeated("*" + before + ",", 9) + "*" + before + "]\n";
  }
  CHECK(only_error(bomb) == std::string("m.yaml:4:29: error: ") + too_many);
}

TEST_CASE("an alias to what it stands in is refused") {
  CHECK(only_error("kind: &x\n  b: *x\n") == "m.yaml:2:6: error: the alias stands inside of what it stands for; "
                                             "expected an anchor that ends before it");
  CHECK(only_error("&x [*x]\n") == "m.yaml:1:5: error: the alias stands inside of what it stands for; expected an "
                                   "anchor that ends before it");
}

TEST_CASE("a file holds 10000 values, and not one more") {
  std::string const text = repeated("---\n~\n", 9'998);
  CHECK(parse("m.yaml", text + "---\n~\n---\n~\n").has_value());
  CHECK(only_error(text + "---\n~\n---\n~\n---\n~\n") == std::string("m.yaml:20002:1: error: ") + too_many);
}

TEST_CASE("lists and maps stand 64 levels deep in each other, and not one more") {
  auto const nested = [](unsigned levels) {
    std::string text;
    for (unsigned i = 0; i < levels; ++i)
      text += std::string(i, ' ') + "a:\n";
    return text;
  };
  CHECK(only_error(nested(64)).find("has neither") != std::string::npos);
  CHECK(only_error(nested(65)) == "m.yaml:65:65: error: lists and maps stand in each other more than 64 levels deep; "
                                  "expected at most that");
  // Through an alias as well: 40 levels in the anchor, and 30 around the alias.
  std::string const anchored = "a: &a\n" + [] {
    std::string text;
    for (unsigned i = 1; i <= 40; ++i)
      text += std::string(i, ' ') + "a:\n";
    return text;
  }();
  std::string around = "b:\n";
  for (unsigned i = 1; i < 30; ++i)
    around += std::string(i, ' ') + (i == 29 ? "b: *a\n" : "b:\n");
  CHECK(only_error(anchored + around).find("more than 64 levels deep") != std::string::npos);
}

TEST_CASE("brackets and lines without end are refused before the parser looks ahead of them") {
  CHECK(only_error(std::string(4'000'000, '[')) ==
        "m.yaml:1:20001: error: the file has more than 20000 opening brackets; expected at most that");
  CHECK(only_error("a: " + std::string(300'000, 'x')) ==
        "m.yaml:1:262145: error: the line has more than 262144 bytes; expected at most that");
}

TEST_CASE("a file has at most 4 MiB") {
  std::string const line = "#" + std::string(1022, 'x') + "\n";
  CHECK(parse("m.yaml", repeated(line, 4096)).has_value());
  CHECK(only_error(repeated(line, 4096) + "\n") ==
        "m.yaml: error: the file has 4194305 bytes; expected at most 4194304");
}

TEST_CASE("a file is UTF-8 text") {
  CHECK(only_error("kind: a\nspec: \x04 b\n") ==
        "m.yaml:2:7: error: the control byte 0x04 stands in the file; expected UTF-8 text");
  CHECK(only_error(std::string("kind: a\0", 8)) ==
        "m.yaml:1:8: error: the control byte 0x00 stands in the file; expected UTF-8 text");
  for (auto const* bytes :
       {"\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xe0\x80\x80", "\xf5\x80\x80\x80", "\xf0\x80\x80\x80", "\x80"})
    CHECK(only_error("kind: " + std::string(bytes)) ==
          "m.yaml:1:7: error: the file is not UTF-8 from here on; expected UTF-8 text");
  CHECK(only_error("\xff\xfek\x01") == "m.yaml: error: the file is UTF-16; expected UTF-8 text");
  CHECK(only_error("\xfe\xff\x01k") == "m.yaml: error: the file is UTF-16; expected UTF-8 text");
  CHECK(only_error("\xef\xbb\xbfkind: \xff") ==
        "m.yaml:1:7: error: the file is not UTF-8 from here on; expected UTF-8 text");
  CHECK(only_error("kind: \u00fc\u20ac\U0001f600\n").find("is unknown") != std::string::npos);
}

TEST_CASE("of very many errors the first hundred are told, and how many more there are") {
  std::string text = "kind: statefund.egress.v1/queue\nspec:\n  id: a/b\n";
  for (int i = 0; i < 200; ++i)
    text += "  unknown_" + std::to_string(i) + ": 1\n";
  auto const parsed = parse("m.yaml", text);
  REQUIRE_FALSE(parsed.has_value());
  REQUIRE(parsed.error().size() == 100);
  CHECK(to_string(parsed.error()[98]) ==
        "m.yaml:102:3: error: \"unknown_98\" is not a key of the spec of statefund.egress.v1/queue; expected id");
  CHECK(to_string(parsed.error()[99]) == "m.yaml:103:3: error: 101 more errors from here on");
}
