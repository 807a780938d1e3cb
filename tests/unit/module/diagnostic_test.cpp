#include "module/diagnostic.hpp"
#include "module/parse.hpp"
#include "module/reader.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace statefund::module;

namespace {

// As a person sees all errors of a text.
std::string shown(std::string const& text, colours use = colours::none) {
  auto const parsed = parse("m.yaml", text);
  REQUIRE_FALSE(parsed.has_value());
  std::string out;
  for (auto const& each : parsed.error())
    out += render(each, use);
  return out;
}

std::string queue(std::string const& spec) {
  return "kind: statefund.egress.v1/queue\nspec: " + spec + "\n";
}

} // namespace

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

TEST_CASE("an error is shown with its line, a caret under its place, and a hint") {
  CHECK(shown("kind: io.statefun.endpoints.v1/http\nspec:\n  functions: ns/f\n  urlPathTemplate: http://h/\n"
              "  timeouts:\n    conect: 5s\n") == "m.yaml:6:5: error: \"conect\" is not a key of the timeouts\n"
                                                  "    6 |     conect: 5s\n"
                                                  "      |     ^~~~~~\n"
                                                  "      = hint: did you mean \"connect\"?\n");
}

TEST_CASE("what is underlined is the key or the value, quoted or not, and as much of it as its line holds") {
  auto const underlined = [](std::string const& id) {
    std::string const all = shown(queue("\n  id: " + id));
    auto const caret = all.find("      | ");
    REQUIRE(caret != std::string::npos);
    return all.substr(caret + 8, all.find('\n', caret) - caret - 8);
  };
  CHECK(underlined("here") == "      ^~~~");
  CHECK(underlined("a") == "      ^");
  CHECK(underlined("here   # not there") == "      ^~~~");
  CHECK(underlined("a b, c {d}") == "      ^~~~~~~~~~");
  CHECK(underlined("\"quoted\" # not there") == "      ^~~~~~~~");
  CHECK(underlined("'it''s'") == "      ^~~~~~~");
  CHECK(underlined("&name here") == "      ^~~~~");
  CHECK(underlined("one\n    two") == "      ^~~");
  CHECK(underlined("|\n    text") == "      ^");
  CHECK(underlined("[a, b]") == "      ^");
  CHECK(underlined("{a: b}") == "      ^");
  CHECK(underlined("\n    a: b") == "    ^");
}

TEST_CASE("tabs before the place are repeated, so that the caret stands where a terminal has it") {
  CHECK(shown("kind: statefund.egress.v1/queue\nspec:\n\tid: a/b\n") ==
        "m.yaml:3:1: error: a tab stands in the line's indentation; YAML is indented with spaces\n"
        "    3 | \tid: a/b\n"
        "      | ^\n");
  CHECK(shown("{\n\t\"kind\":\t\"queue\"\n}\n") ==
        "m.yaml:2:10: error: kind \"queue\" is unknown\n"
        "    2 | \t\"kind\":\t\"queue\"\n"
        "      | \t       \t^~~~~~~\n"
        "      = hint: expected one of io.statefun.endpoints.v1/http, io.statefun.endpoints.v2/http, "
        "io.statefun.kafka.v1/ingress, io.statefun.kafka.v1/egress, io.statefun.playground.v1/ingress, "
        "io.statefun.playground.v1/egress, statefund.egress.v1/queue\n");
}

TEST_CASE("the caret counts characters, the numbers bytes; wide characters take two columns") {
  CHECK(shown(queue("{id: \u00fc/b, gr\u00f6\u00dfe: 1}")) ==
        "m.yaml:2:18: error: \"gr\u00f6\u00dfe\" is not a key of the spec of statefund.egress.v1/queue\n"
        "    2 | spec: {id: \u00fc/b, gr\u00f6\u00dfe: 1}\n"
        "      |                 ^~~~~\n"
        "      = hint: expected id\n");
  CHECK(shown(queue("{id: \u65e5\u672c/\U0001f389e\u0301, x: 1}")) ==
        "m.yaml:2:28: error: \"x\" is not a key of the spec of statefund.egress.v1/queue\n"
        "    2 | spec: {id: \u65e5\u672c/\U0001f389e\u0301, x: 1}\n"
        "      |                      ^\n"
        "      = hint: expected id\n");
}

TEST_CASE("a long line is cut around the place, between characters") {
  std::string const filler(200, '.');
  std::string const all = shown(queue("{id: a/b, x: \"" + filler + "\", y: \"" + filler + "\"}"));
  CHECK(all == "m.yaml:2:17: error: \"x\" is not a key of the spec of statefund.egress.v1/queue\n"
               "    2 | spec: {id: a/b, x: \"" +
                   filler.substr(0, 140) +
                   "...\n"
                   "      |                 ^\n"
                   "      = hint: expected id\n"
                   "m.yaml:2:224: error: \"y\" is not a key of the spec of statefund.egress.v1/queue\n"
                   "    2 | ..." +
                   filler.substr(0, 50) + "\", y: \"" + filler.substr(0, 103) +
                   "...\n"
                   "      |                                                         ^\n"
                   "      = hint: expected id\n");
  std::string euros;
  for (int i = 0; i < 200; ++i)
    euros += "\u20ac";
  for (std::size_t shift = 0; shift < 3; ++shift) {
    auto const parsed = parse("m.yaml", queue("{id: a/b, x: \"" + euros + std::string(shift, '.') + "\", y: 1}"));
    REQUIRE_FALSE(parsed.has_value());
    for (auto const& each : parsed.error()) {
      CHECK(each.source.text.find('?') == std::string::npos); // no half of a character
      CHECK(each.source.text.size() <= excerpt::bytes_max + 6);
      CHECK(each.source.text.substr(each.source.column - 1, 1) == (each.where.column < 20 ? "x" : "y"));
    }
  }
}

TEST_CASE("a value that is longer than what is shown is underlined as far as it is") {
  std::string const all = shown(queue("{id: \"" + std::string(300, 'x') + "\"}"));
  CHECK(all.find("\n      |            ^" + std::string(148, '~') + "\n") != std::string::npos);
}

TEST_CASE("a duplicate is shown with the first one, and its line if that is in the same file") {
  CHECK(shown(queue("{id: a/b}") + "---\n" + queue("{id: a/b}")) ==
        "m.yaml:5:12: error: the egress \"a/b\" is declared already at m.yaml:2:12; expected it once\n"
        "    5 | spec: {id: a/b}\n"
        "      |            ^~~\n"
        "m.yaml:2:12: note: the first is here\n"
        "    2 | spec: {id: a/b}\n"
        "      |            ^~~\n");
  CHECK(shown(queue("\n  id: a/b\n  id: a/c")) ==
        "m.yaml:4:3: error: the key \"id\" stands here a second time; the first is at m.yaml:3:3; expected it once\n"
        "    4 |   id: a/c\n"
        "      |   ^~\n"
        "m.yaml:3:3: note: the first is here\n"
        "    3 |   id: a/b\n"
        "      |   ^~\n");
  diagnostic across{{"b.yaml", 2, 12}, "\"ns/f\" is bound already", {}};
  across.first = place{"a.yaml", 7, 14};
  diagnostics all{across};
  add_excerpts(all, queue("{id: ns/f}"));
  CHECK(render(all[0], colours::none) == "b.yaml:2:12: error: \"ns/f\" is bound already\n"
                                         "    2 | spec: {id: ns/f}\n"
                                         "      |            ^~~~\n"
                                         "a.yaml:7:14: note: the first is here\n");
}

TEST_CASE("a state that is declared twice has the first one's place") {
  auto const parsed = parse("m.yaml", "version: \"2.0\"\nmodule:\n  meta: {type: remote}\n  spec:\n    functions:\n"
                                      "      - function:\n          meta: {kind: http, type: a/b}\n          spec:\n"
                                      "            endpoint: http://h\n            states: [{name: s}, {name: s}]\n");
  REQUIRE_FALSE(parsed.has_value());
  CHECK(parsed.error().at(0).first == place{"m.yaml", 10, 29});
  CHECK(parsed.error().at(0).first_source.width_bytes == 1);
}

TEST_CASE("the file as a whole and warnings are shown as well") {
  CHECK(render({{"a.yaml", 0, 0}, "it cannot be read", "ask root"}, colours::none) ==
        "a.yaml: error: it cannot be read\n"
        "      = hint: ask root\n");
  diagnostic warned{{"a.yaml", 1, 1}, "it does not run", {}, severity::warning};
  CHECK(render(warned, colours::none) == "a.yaml:1:1: warning: it does not run\n");
  CHECK(to_string(warned) == "a.yaml:1:1: warning: it does not run");
}

TEST_CASE("no terminal is sent what a file holds beside text") {
  CHECK(shown("kind: \x1b[31mred\n") ==
        "m.yaml:1:7: error: the control byte 0x1b stands in the file; expected UTF-8 text\n"
        "    1 | kind: ?[31mred\n"
        "      |       ^\n");
  CHECK(shown("kind: \xc2\x9b\xff\n") == "m.yaml:1:9: error: the file is not UTF-8 from here on; expected UTF-8 text\n"
                                         "    1 | kind: ???\n"
                                         "      |         ^\n");
}

TEST_CASE("on a terminal the parts have the colours that compilers give them") {
  CHECK(shown(queue("{id: a/b}") + "---\n" + queue("{id: a/b}"), colours::terminal) ==
        "\x1b[1mm.yaml:5:12: \x1b[0m\x1b[1;31merror: \x1b[0mthe egress \"a/b\" is declared already at m.yaml:2:12; "
        "expected "
        "it once\n"
        "    5 | spec: {id: a/b}\n"
        "      |            \x1b[1;31m^~~\x1b[0m\n"
        "\x1b[1mm.yaml:2:12: \x1b[0m\x1b[1;36mnote: \x1b[0mthe first is here\n"
        "    2 | spec: {id: a/b}\n"
        "      |            \x1b[1;36m^~~\x1b[0m\n");
}
