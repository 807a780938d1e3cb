// Module files as people wrote them, and the examples that are installed.
#include "module/not_running.hpp"
#include "module/parse.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

using namespace statefund::module;
using namespace std::chrono_literals;

namespace {

std::string text_of(std::filesystem::path const& path) {
  std::ifstream file(path);
  REQUIRE(file);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

specs read(char const* name) {
  auto parsed = parse(name, text_of(std::filesystem::path(MODULE_FILES) / name));
  if (!parsed)
    for (auto const& each : parsed.error())
      UNSCOPED_INFO(to_string(each));
  REQUIRE(parsed.has_value());
  return std::move(*parsed);
}

// A line each, without the name of the file.
std::string errors_of(char const* name) {
  auto const parsed = parse("m.yaml", text_of(std::filesystem::path(MODULE_FILES) / name));
  REQUIRE_FALSE(parsed.has_value());
  std::string told;
  for (auto const& each : parsed.error())
    told += to_string(each) + '\n';
  return told;
}

// Nothing that a test leaves out is other than its default.
function_spec function_of(char const* file, unsigned line, unsigned column) {
  function_spec made;
  made.where = {file, line, column};
  return made;
}

} // namespace

TEST_CASE("real endpoint documents load") {
  for (auto const* name : {"kind-endpoints-v1.yaml", "kind-endpoints-v2.yaml"}) {
    INFO(name);
    auto const declared = read(name);
    function_spec expected = function_of(name, 18, 14);
    expected.functions = {"com.foo.bar", std::nullopt};
    expected.speaks = protocol::v3;
    expected.endpoint = *parse_endpoint("http://bar.foo.com:8080/functions/{function.name}");
    expected.timeouts = {1min, 30s, 20s, 10s};
    expected.backoff_initial = 10ms;
    expected.batch_messages_max = 10000;
    expected.waiting_max = 10000;
    CHECK(declared.functions == std::vector{expected});
    CHECK(declared.ingresses.empty());
    CHECK(declared.egresses.empty());
    CHECK(declared.routers.empty());
    CHECK(to_string(*declared.functions[0].endpoint.for_name("f")) == "http://bar.foo.com:8080/functions/f");
    CHECK(not_running_of(declared).empty());
  }
}

TEST_CASE("the real greeter of format 1.0 loads, and its Kafka does not run") {
  char const* const name = "format-1.0-python-greeter.yaml";
  auto const declared = read(name);
  function_spec expected = function_of(name, 24, 19);
  expected.functions = {"example", "greeter"};
  expected.speaks = protocol::v2;
  expected.endpoint = *parse_endpoint("http://python-worker:8000/statefun");
  expected.states = {{"seen_count", "", {}}};
  expected.timeouts = {2min, 10s, 10s, 10s};
  expected.batch_messages_max = 500;
  expected.waiting_max = 500;
  CHECK(declared.functions == std::vector{expected});
  kafka_ingress_spec ingress;
  ingress.address = "kafka-broker:9092";
  ingress.consumer_group_id = "my-group-id";
  ingress.topics = {{"names", "com.googleapis/example.GreetRequest", {{"example", "greeter"}}}};
  CHECK(declared.ingresses == std::vector{ingress_spec{{"example", "names"}, ingress, {name, 35, 17}}});
  kafka_egress_spec egress;
  egress.address = "kafka-broker:9092";
  egress.delivery = kafka_delivery::exactly_once;
  egress.transaction_timeout = 100s;
  CHECK(declared.egresses == std::vector{egress_spec{{"example", "greets"}, egress, {name, 48, 17}}});
  CHECK(declared.routers.empty());
  auto const left = not_running_of(declared);
  REQUIRE(left.size() == 2);
  CHECK(left[0].what == "the Kafka ingress example/names");
  CHECK(left[1].what == "the Kafka egress example/greets");
}

TEST_CASE("real Kafka documents load") {
  char const* const in = "kind-kafka-ingress-v1.yaml";
  kafka_ingress_spec ingress;
  ingress.address = "kafka-broker:9092";
  ingress.consumer_group_id = "my-group-id";
  ingress.topics = {{"topic-1",
                     "com.googleapis/com.mycomp.foo.MessageA",
                     {{"com.mycomp.foo", "function-1"}, {"com.mycomp.foo", "function-2"}}},
                    {"topic-2", "com.googleapis/com.mycomp.foo.MessageB", {{"com.mycomp.foo", "function-2"}}}};
  ingress.offset_reset = kafka_offset_reset::earliest;
  ingress.startup.from = kafka_start::earliest;
  ingress.properties = {{"foo.config", "bar"}};
  CHECK(read(in).ingresses == std::vector{ingress_spec{{"com.foo.bar", "test-ingress"}, ingress, {in, 18, 7}}});

  char const* const out = "kind-kafka-egress-v1.yaml";
  kafka_egress_spec egress;
  egress.address = "kafka-broker:9092";
  egress.delivery = kafka_delivery::exactly_once;
  egress.transaction_timeout = 15min;
  egress.properties = {{"foo.config", "bar"}};
  CHECK(read(out).egresses == std::vector{egress_spec{{"com.foo.bar", "test-egress"}, egress, {out, 18, 7}}});
}

TEST_CASE("the real playground file loads") {
  char const* const name = "kind-playground-greeter.yaml";
  auto const declared = read(name);
  REQUIRE(declared.functions.size() == 1);
  CHECK(to_text(declared.functions[0].functions) == "example/*");
  CHECK(declared.functions[0].timeouts == call_timeouts{2min, 20s, std::nullopt, std::nullopt});
  CHECK(declared.ingresses ==
        std::vector{ingress_spec{{"io.statefun.playground", "ingress"}, playground_ingress_spec{8090}, {name, 23, 7}}});
  CHECK(declared.egresses == std::vector{egress_spec{{"io.statefun.playground", "egress"},
                                                     playground_egress_spec{8091, {"greetings"}},
                                                     {name, 27, 7}}});
}

TEST_CASE("real files that cannot work are refused with every reason in its place") {
  std::string const grpc =
      "error: kind \"grpc\" is not supported by statefund and will not be; serve the function over "
      "HTTP and write kind: http\n";
  std::string const class_path =
      "error: \"descriptorSet\" is \"classpath:test.desc\", and statefund has no class path; "
      "expected the absolute path of a file, as in /etc/statefun/file\n";
  CHECK(errors_of("format-1.0-all-entities.yaml") ==
        "m.yaml:25:19: " + grpc + "m.yaml:56:28: " + class_path + "m.yaml:69:28: " + class_path);
  CHECK(errors_of("format-2.0-all-entities.yaml") ==
        "m.yaml:25:19: " + grpc + "m.yaml:62:28: " + class_path + "m.yaml:75:28: " + class_path);
  CHECK(errors_of("format-3.0-all-entities.yaml") ==
        "m.yaml:38:19: error: ingress type \"statefun.kafka.io/protobuf-ingress\" belongs to formats \"1.0\" and "
        "\"2.0\"; write io.statefun.kafka/ingress\n"
        "m.yaml:47:28: " +
            class_path);
  CHECK(errors_of("k8s-configmap-module.yaml") ==
        "m.yaml:1:1: error: the document is a Kubernetes manifest, which is no module file; put what stands under its "
        "data into a file of its own\n");
  CHECK(errors_of("kind-kinesis-ingress-v1.yaml") ==
        "m.yaml:16:7: error: kind \"io.statefun.kinesis.v1/ingress\" is not supported by statefund and will not be; "
        "read the stream with a program of your own and send its records to the ingress socket\n");
  std::string const kinds =
      " is unknown; expected one of io.statefun.endpoints.v1/http, io.statefun.endpoints.v2/http, "
      "io.statefun.kafka.v1/ingress, io.statefun.kafka.v1/egress, io.statefun.playground.v1/ingress, "
      "io.statefun.playground.v1/egress, statefund.egress.v1/queue\n";
  CHECK(errors_of("kind-remote-module.yaml") ==
        "m.yaml:16:7: error: kind \"com.foo.bar/test.component.1\"" + kinds +
            "m.yaml:20:7: error: kind \"com.foo.bar/test.component.2\"" + kinds +
            "m.yaml:24:7: error: kind \"com.foo.bar/test.component.3\"" + kinds);
}

TEST_CASE("every real file is looked at") {
  std::size_t count = 0;
  for (auto const& entry : std::filesystem::directory_iterator(MODULE_FILES)) {
    (void)entry;
    ++count;
  }
  CHECK(count == 12);
}
