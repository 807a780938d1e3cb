#include "ingress/json_line.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <random>

using namespace statefund::ingress;

namespace {

std::string fault_of(std::string_view line) {
  auto const read = read_json_line(line);
  auto const* const fault = std::get_if<std::string>(&read);
  return fault ? *fault : std::string();
}

} // namespace

TEST_CASE("a json value's bytes are its source text") {
  auto const read = read_json_line(R"( {"target":"a/b/c", "type":"t", "json":  {"b": 1.0, "a":[1e2,"\u00e4" ]}  } )");
  REQUIRE(std::holds_alternative<json_line>(read));
  auto const& line = std::get<json_line>(read);
  CHECK(line.is == json_line::kind::json);
  CHECK(line.content == R"({"b": 1.0, "a":[1e2,"\u00e4" ]})");
  CHECK(line.target == "a/b/c");
  CHECK(line.type == "t");
}

TEST_CASE("texts are unescaped, surrogate pairs too") {
  auto const read =
      read_json_line(R"({"target":"a\/b","text":"\"\\\n\t\u00e4\ud83d\ude00\u0000x","key":"","delay":"1s"})");
  REQUIRE(std::holds_alternative<json_line>(read));
  auto const& line = std::get<json_line>(read);
  CHECK(line.content == std::string("\"\\\n\t\xc3\xa4\xf0\x9f\x98\x80\0x", 12));
  CHECK(line.key == "");
  CHECK(line.delay == "1s");
}

TEST_CASE("a line that is not exactly one message is refused, by what is wrong with it") {
  CHECK(fault_of(R"({"target":"a","text":"x","tpye":"t"})").find("'tpye' is not known") == 0);
  CHECK(fault_of(R"({"target":"a","target":"b","text":"x"})") == "'target' comes twice");
  CHECK(fault_of(R"({"text":"x"})").find("'target' is missing") == 0);
  CHECK(fault_of(R"({"target":"a"})").find("one of") == 0);
  CHECK(fault_of(R"({"target":"a","text":"x","value":""})").find("one of") == 0);
  CHECK(fault_of(R"({"target":"a","text":"x","type":"t"})").find("a 'text' has its type") == 0);
  CHECK(fault_of(R"({"target":1,"text":"x"})") == "'target' is a string");
  CHECK(fault_of("{\"target\":\"a\",\"text\":\"\xff\"}") == "the line is not UTF-8");
  CHECK(fault_of(R"({"target":"a","text":"x"} {})").find("something behind") != std::string::npos);
  for (char const* text : {"", "[]", "{", "{}x", R"({"target":"a","text":"\ud83d"})", R"({"target":"a","text":"\x"})",
                           R"({"target":"a","text":"x",})", R"({target:"a"})", "{\"target\":\"a\nb\",\"text\":\"\"}",
                           R"({"target":"a","json":01})", R"({"target":"a","json":})", R"({"target":"a","json":tru})"})
    CHECK_FALSE(fault_of(text).empty());
}

TEST_CASE("deep nesting is refused, not recursed into") {
  std::string const deep(100'000, '[');
  CHECK_FALSE(fault_of(R"({"target":"a","type":"t","json":)" + deep).empty());
}

TEST_CASE("what is JSON is decided as another parser decides it") {
  std::string const seed = R"({"a":[1,-2.5e+3,true,null,"x\u0041\n"],"b":{}} )";
  std::string const letters = "{}[]:,\"\\0123e+-.tfnu ";
  std::mt19937 random(11);
  int accepted_count = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string mutated = seed;
    for (auto edits = random() % 3; edits > 0; --edits) {
      std::size_t const at = random() % mutated.size();
      if (random() % 2 == 0)
        mutated[at] = letters[random() % letters.size()];
      else
        mutated.erase(at, 1);
    }
    bool const expected = nlohmann::json::accept(mutated);
    accepted_count += expected ? 1 : 0;
    INFO(mutated);
    // Our scanner reads a value inside of a line; a mutation may close the line early, which is then a fault too.
    bool const ours = fault_of(R"({"target":"a","type":"t","json":)" + mutated + "}").empty();
    REQUIRE(ours == expected);
  }
  CHECK(accepted_count > 1000);
}
