#include "module_text.hpp"

#include <array>
#include <string>

using namespace statefund::module;

namespace {

constexpr auto ingress = "kind: io.statefun.playground.v1/ingress\nspec: {port: 8090}\n";
constexpr auto egress = "kind: io.statefun.playground.v1/egress\nspec: {port: 8091, topics: [a, b]}\n";

} // namespace

TEST_CASE("the playground's ports are declared by their documents") {
  auto const declared = read(std::string(ingress) + "---\n" + egress);
  REQUIRE(declared.ingresses.size() == 1);
  CHECK(declared.ingresses[0].kind() == ingress_kind::playground);
  CHECK(declared.ingresses[0] ==
        ingress_spec{{"io.statefun.playground", "ingress"}, playground_ingress_spec{8090}, {"m.yaml", 1, 7}});
  REQUIRE(declared.egresses.size() == 1);
  CHECK(declared.egresses[0].kind() == egress_kind::playground);
  CHECK(declared.egresses[0] ==
        egress_spec{{"io.statefun.playground", "egress"}, playground_egress_spec{8091, {"a", "b"}}, {"m.yaml", 4, 7}});
}

TEST_CASE("there is one playground port of each direction, and its egress id is taken") {
  CHECK(errors_of(std::string(ingress) + "---\n" + ingress) ==
        "m.yaml:4:7: error: the ingress \"io.statefun.playground/ingress\" is declared already at m.yaml:1:7; expected "
        "it once\n");
  CHECK(errors_of(std::string(egress) + "---\n" + egress) ==
        "m.yaml:4:7: error: the egress \"io.statefun.playground/egress\" is declared already at m.yaml:1:7; expected "
        "it once\n");
  CHECK(errors_of(std::string(egress) +
                  "---\nkind: statefund.egress.v1/queue\nspec: {id: io.statefun.playground/egress}"
                  "\n") ==
        "m.yaml:5:12: error: the egress \"io.statefun.playground/egress\" is declared already at m.yaml:1:7; expected "
        "it once\n");
}

TEST_CASE("a broken playground port is told key by key") {
  struct row {
    char const* kind;
    char const* spec;
    char const* errors;
  };
  for (auto const& [kind, spec, errors] : std::array{
           row{"ingress", "{}",
               "m.yaml:2:7: error: the spec of io.statefun.playground.v1/ingress has no \"port\"; expected that key\n"},
           row{"ingress", "{port: 0}", "m.yaml:2:14: error: \"port\" is \"0\"; expected a number from 1 to 65535\n"},
           row{"ingress", "{port: 65536}",
               "m.yaml:2:14: error: \"port\" is \"65536\"; expected a number from 1 to 65535\n"},
           row{"ingress", "{port: http}", "m.yaml:2:14: error: \"port\" is \"http\"; expected a whole number\n"},
           row{"ingress", "{port: 1, topics: [a]}",
               "m.yaml:2:17: error: \"topics\" is not a key of the spec of io.statefun.playground.v1/ingress; expected "
               "port\n"},
           row{"egress", "{}",
               "m.yaml:2:7: error: the spec of io.statefun.playground.v1/egress has no \"port\"; expected that key\n"
               "m.yaml:2:7: error: the spec of io.statefun.playground.v1/egress has no \"topics\"; expected that "
               "key\n"},
           row{"egress", "{port: 1, topics: []}",
               "m.yaml:2:25: error: \"topics\" is an empty list; expected at least one topic\n"},
           row{"egress", "{port: 1, topics: a}",
               "m.yaml:2:25: error: \"topics\" of the spec of io.statefun.playground.v1/egress is \"a\"; expected a "
               "list\n"},
           row{"egress", "{port: 1, topics: [a, [b], '', a, ~]}",
               "m.yaml:2:29: error: \"topic\" is a list; expected text\n"
               "m.yaml:2:34: error: a topic is empty; expected at least one character\n"
               "m.yaml:2:38: error: the topic \"a\" is declared already at m.yaml:2:26; expected it once\n"
               "m.yaml:2:41: error: \"topic\" is nothing; expected text\n"},
       }) {
    INFO(kind << ' ' << spec);
    CHECK(errors_of("kind: io.statefun.playground.v1/" + std::string(kind) + "\nspec: " + spec + "\n") == errors);
  }
}
