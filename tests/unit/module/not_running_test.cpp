#include "module/not_running.hpp"

#include <catch2/catch.hpp>

using namespace statefund;
using namespace statefund::module;

namespace {

function_spec function_at(unsigned line, std::optional<std::string> name, std::string const& url) {
  function_spec made;
  made.functions = {"ns", std::move(name)};
  made.endpoint = *parse_endpoint(url);
  made.where = {"m.yaml", line, 3};
  return made;
}

} // namespace

TEST_CASE("what runs is not listed") {
  specs declared;
  declared.functions.push_back(function_at(1, "f", "http://h"));
  auto& policy = declared.functions.back().policy;
  policy.retry_initial = std::chrono::seconds(1);
  policy.retry_max = std::chrono::seconds(2);
  policy.concurrent_calls_max = 1;
  policy.attempts_max = 3;
  policy.then = on_failure::dead_letter;
  policy.calls = call_when::durable;
  declared.functions.push_back(function_at(2, "g", "http+unix:///run/g.sock"));
  declared.functions.push_back(function_at(2, "h", "https://h"));
  declared.functions.push_back(function_at(2, std::nullopt, "https+unix:///run/g.sock"));
  declared.egresses.push_back({{"ns", "queue"}, queue_egress_spec{}, {"m.yaml", 3, 1}});
  CHECK(not_running_of(declared).empty());
  CHECK(not_running_of({}).empty());
}

TEST_CASE("what does not run is listed by its place, with the reason") {
  specs declared;
  declared.egresses.push_back({{"ns", "out"}, kafka_egress_spec{}, {"m.yaml", 7, 1}});
  declared.egresses.push_back(
      {{"io.statefun.playground", "egress"}, playground_egress_spec{8091, {"a"}}, {"m.yaml", 8, 1}});
  declared.ingresses.push_back({{"com.example", "orders"}, kafka_ingress_spec{}, {"m.yaml", 5, 2}});
  declared.ingresses.push_back(
      {{"io.statefun.playground", "ingress"}, playground_ingress_spec{8090}, {"m.yaml", 6, 1}});
  declared.routers.push_back({{"com.example", "orders"}, {}, {}, {"m.yaml", 5, 1}});
  using list = std::vector<not_running>;
  CHECK(not_running_of(declared) ==
        list{{"the router of the ingress com.example/orders", {"m.yaml", 5, 1}, "Kafka is not read in this version"},
             {"the Kafka ingress com.example/orders", {"m.yaml", 5, 2}, "Kafka is not read in this version"},
             {"the playground ingress on port 8090", {"m.yaml", 6, 1}, "no playground port is opened in this version"},
             {"the Kafka egress ns/out",
              {"m.yaml", 7, 1},
              "Kafka is not written in this version; its records are kept as a queue"},
             {"the playground egress on port 8091",
              {"m.yaml", 8, 1},
              "no playground port is opened in this version; its records are kept as a queue"}});
}
