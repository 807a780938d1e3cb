#include "catalog/snapshot.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace statefund;
using namespace statefund::catalog;

namespace {

file_text endpoint(std::string path, std::string const& functions, std::string const& host) {
  return {std::move(path),
          "kind: io.statefun.endpoints.v2/http\nspec:\n  functions: " + functions + "\n  urlPathTemplate: http://" +
              host + "/\n",
          {}};
}

file_text queue(std::string path, std::string const& id) {
  return {std::move(path), "kind: statefund.egress.v1/queue\nspec: {id: " + id + "}\n", {}};
}

} // namespace

TEST_CASE("an exact type wins over its namespace, whichever file comes first") {
  for (bool const exact_first : {true, false}) {
    auto const exact = endpoint("b.yaml", "ns/f", "exact");
    auto const all = endpoint("b.yaml", "ns/*", "all");
    auto const made = exact_first ? snapshot::make({exact, all}, 1) : snapshot::make({all, exact}, 1);
    REQUIRE_FALSE(made->has_refused_files());
    REQUIRE(made->find(message::function_type{"ns", "f"}));
    CHECK(made->find(message::function_type{"ns", "f"})->endpoint.url.host == "exact");
    REQUIRE(made->find(message::function_type{"ns", "other"}));
    CHECK(made->find(message::function_type{"ns", "other"})->endpoint.url.host == "all");
    CHECK_FALSE(made->find(message::function_type{"other", "f"}));
    CHECK_FALSE(made->find(message::function_type{"ns/f", "g"}));
  }
}

TEST_CASE("of two files that bind the same, the first wins and the other is refused whole") {
  auto second = endpoint("b.yaml", "ns/f", "second");
  second.text += "---\n" + endpoint("", "ns/g", "second").text;
  auto const made =
      snapshot::make({endpoint("a.yaml", "ns/f", "first"), second, endpoint("c.yaml", "ns/g", "third")}, 7);
  CHECK(made->generation() == 7);
  CHECK(made->find(message::function_type{"ns", "f"})->endpoint.url.host == "first");
  CHECK(made->find(message::function_type{"ns", "g"})->endpoint.url.host == "third"); // what is refused binds nothing
  REQUIRE(made->files().size() == 3);
  CHECK(made->files()[0].state == file_state::loaded);
  CHECK(made->files()[0].in_force->declared.functions.size() == 1);
  CHECK(made->files()[1].state == file_state::refused);
  CHECK_FALSE(made->files()[1].in_force);
  CHECK(made->files()[2].state == file_state::loaded);
  REQUIRE(made->errors().size() == 1);
  CHECK(to_string(made->errors()[0]) ==
        "b.yaml:3:14: error: \"ns/f\" is bound already at a.yaml:3:14; expected it once");
  CHECK(made->errors()[0].first == module::place{"a.yaml", 3, 14});
  CHECK(made->errors()[0].source.text == "  functions: ns/f");
  CHECK(made->errors()[0].source.width_bytes == 4);
}

TEST_CASE("the same holds for namespaces and for egresses") {
  auto const made = snapshot::make({endpoint("a.yaml", "ns/*", "first"), endpoint("b.yaml", "ns/*", "second"),
                                    queue("c.yaml", "ns/out"), queue("d.yaml", "ns/out")},
                                   1);
  CHECK(made->functions().size() == 1);
  CHECK(made->egresses().size() == 1);
  REQUIRE(made->find(message::egress_id{"ns", "out"}));
  CHECK(made->find(message::egress_id{"ns", "out"})->where.file == "c.yaml");
  CHECK_FALSE(made->find(message::egress_id{"ns", "in"}));
  auto const errors = made->errors();
  REQUIRE(errors.size() == 2);
  CHECK(to_string(errors[0]) == "b.yaml:3:14: error: \"ns/*\" is bound already at a.yaml:3:14; expected it once");
  CHECK(to_string(errors[1]) ==
        "d.yaml:2:12: error: the egress \"ns/out\" is declared already at c.yaml:2:12; expected it once");
}

TEST_CASE("a broken file is left out with its errors, and the others are in force") {
  file_text const broken{"a.yaml", "kind: nothing\n", {}};
  file_text const unread{"b.yaml", "", "the file cannot be opened: Permission denied"};
  auto const made = snapshot::make({broken, unread, endpoint("c.yaml", "ns/f", "host")}, 1);
  CHECK(made->has_refused_files());
  CHECK(made->functions().size() == 1);
  CHECK(made->files()[0].errors.size() == 1);
  CHECK(to_string(made->files()[1].errors.at(0)) == "b.yaml: error: the file cannot be opened: Permission denied");
  CHECK(made->files()[2].errors.empty());
  CHECK(made->errors().size() == 2);
}

TEST_CASE("a snapshot of nothing declares nothing") {
  auto const made = snapshot::make(std::vector<file_text>{}, 1);
  CHECK(made->files().empty());
  CHECK_FALSE(made->has_refused_files());
  CHECK_FALSE(made->find(message::function_type{"ns", "f"}));
}

namespace {

file_text playground(std::string path, int port) {
  return {std::move(path),
          "kind: io.statefun.playground.v1/egress\nspec: {port: " + std::to_string(port) + ", topics: [greetings]}\n",
          {}};
}

file_text kafka_ingress(std::string path, std::string const& id) {
  return {std::move(path),
          "kind: io.statefun.kafka.v1/ingress\nspec:\n  id: " + id +
              "\n  address: kafka:9092\n  consumerGroupId: g\n  topics:\n"
              "    - {topic: t, valueType: example/T, targets: [ns/f]}\n",
          {}};
}

} // namespace

TEST_CASE("of two files that declare the same ingress the first wins; what does not run is listed of those in force") {
  auto const made = snapshot::make(
      {kafka_ingress("a.yaml", "in/orders"), kafka_ingress("b.yaml", "in/orders"), playground("c.yaml", 8091)}, 1);
  CHECK(made->count(file_state::loaded) == 2);
  REQUIRE(made->errors().size() == 1);
  CHECK(to_string(made->errors()[0].where) == "b.yaml:3:7");
  CHECK(made->errors()[0].message.find("in/orders") != std::string::npos);
  REQUIRE(made->not_running().size() == 2);
  CHECK(made->not_running()[0].what == "the Kafka ingress in/orders");
  CHECK(to_string(made->not_running()[0].where) == "a.yaml:3:7");
  CHECK(made->not_running()[1].what == "the playground egress on port 8091");
}
