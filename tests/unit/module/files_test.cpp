// Module files as people wrote them, and the examples that are installed.
#include "module/parse.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

using namespace statefund::module;

namespace {

std::string text_of(std::filesystem::path const& path) {
  std::ifstream file(path);
  REQUIRE(file);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> errors_of(char const* name) {
  auto const parsed = parse(name, text_of(std::filesystem::path(MODULE_FILES) / name));
  std::vector<std::string> out;
  if (!parsed)
    for (auto const& each : parsed.error())
      out.push_back(to_string(each));
  return out;
}

} // namespace

TEST_CASE("real files that use what works load") {
  for (auto const* name : {"kind-endpoints-v1.yaml", "kind-endpoints-v2.yaml"}) {
    INFO(name);
    auto const parsed = parse(name, text_of(std::filesystem::path(MODULE_FILES) / name));
    REQUIRE(parsed.has_value());
    REQUIRE(parsed->functions.size() == 1);
    auto const& spec = parsed->functions.front();
    CHECK(to_text(spec.functions) == "com.foo.bar/*");
    CHECK(spec.batch_messages_max == 10000);
    CHECK(spec.timeouts == call_timeouts{std::chrono::minutes(1), std::chrono::seconds(30), std::chrono::seconds(20),
                                         std::chrono::seconds(10)});
    CHECK(to_string(*spec.endpoint.for_name("f")) == "http://bar.foo.com:8080/functions/f");
  }
}

TEST_CASE("real files that use what does not work are refused by the names of what they use") {
  using list = std::vector<std::string>;
  std::string const later = " is not supported by this version of statefund";
  std::string const grpc = "error: kind \"grpc\" is not supported by statefund and will not be; "
                           "serve the function over HTTP and write kind: http";
  std::string const kinds = " is unknown; expected one of io.statefun.endpoints.v1/http, "
                            "io.statefun.endpoints.v2/http, statefund.egress.v1/queue";
  CHECK(errors_of("format-1.0-all-entities.yaml") ==
        list{"format-1.0-all-entities.yaml:25:19: " + grpc,
             "format-1.0-all-entities.yaml:51:19: error: router type "
             "\"org.apache.flink.statefun.sdk/protobuf-router\"" +
                 later,
             "format-1.0-all-entities.yaml:60:19: error: ingress type \"statefun.kafka.io/protobuf-ingress\"" + later,
             "format-1.0-all-entities.yaml:73:19: error: egress type \"statefun.kafka.io/generic-egress\"" + later});
  CHECK(errors_of("format-1.0-python-greeter.yaml") ==
        list{"format-1.0-python-greeter.yaml:34:19: error: ingress type "
             "\"statefun.kafka.io/routable-protobuf-ingress\"" +
                 later,
             "format-1.0-python-greeter.yaml:47:19: error: egress type \"statefun.kafka.io/generic-egress\"" + later});
  CHECK(errors_of("format-2.0-all-entities.yaml") ==
        list{"format-2.0-all-entities.yaml:25:19: " + grpc,
             "format-2.0-all-entities.yaml:57:19: error: router type "
             "\"org.apache.flink.statefun.sdk/protobuf-router\"" +
                 later,
             "format-2.0-all-entities.yaml:66:19: error: ingress type \"statefun.kafka.io/protobuf-ingress\"" + later,
             "format-2.0-all-entities.yaml:79:19: error: egress type \"statefun.kafka.io/generic-egress\"" + later});
  CHECK(errors_of("format-3.0-all-entities.yaml") ==
        list{"format-3.0-all-entities.yaml:16:10: error: format \"3.0\"" + later +
             "; write each endpoint as a document of its own, with kind: io.statefun.endpoints.v1/http"});
  CHECK(errors_of("k8s-configmap-module.yaml") ==
        list{"k8s-configmap-module.yaml:1:1: error: the document is a Kubernetes manifest, which is no module file; "
             "put what stands under its data into a file of its own"});
  CHECK(errors_of("kind-kafka-egress-v1.yaml") ==
        list{"kind-kafka-egress-v1.yaml:16:7: error: kind \"io.statefun.kafka.v1/egress\"" + later});
  CHECK(errors_of("kind-kafka-ingress-v1.yaml") ==
        list{"kind-kafka-ingress-v1.yaml:16:7: error: kind \"io.statefun.kafka.v1/ingress\"" + later});
  CHECK(errors_of("kind-kinesis-ingress-v1.yaml") ==
        list{"kind-kinesis-ingress-v1.yaml:16:7: error: kind \"io.statefun.kinesis.v1/ingress\" is not supported by "
             "statefund and will not be; read the stream with a program of your own and send its records to the "
             "ingress socket"});
  CHECK(errors_of("kind-playground-greeter.yaml") ==
        list{"kind-playground-greeter.yaml:23:7: error: kind \"io.statefun.playground.v1/ingress\"" + later,
             "kind-playground-greeter.yaml:27:7: error: kind \"io.statefun.playground.v1/egress\"" + later});
  CHECK(errors_of("kind-remote-module.yaml") ==
        list{"kind-remote-module.yaml:16:7: error: kind \"com.foo.bar/test.component.1\"" + kinds,
             "kind-remote-module.yaml:20:7: error: kind \"com.foo.bar/test.component.2\"" + kinds,
             "kind-remote-module.yaml:24:7: error: kind \"com.foo.bar/test.component.3\"" + kinds});
}

TEST_CASE("every installed example loads, and none is loaded by its name") {
  std::size_t examples = 0;
  for (auto const& entry : std::filesystem::directory_iterator(MODULE_EXAMPLES)) {
    auto const name = entry.path().filename().string();
    INFO(name);
    CHECK(name.ends_with(".yaml.example"));
    auto const parsed = parse(name, text_of(entry.path()));
    if (!parsed)
      for (auto const& each : parsed.error())
        UNSCOPED_INFO(to_string(each));
    REQUIRE(parsed.has_value());
    CHECK(parsed->functions.size() + parsed->egresses.size() > 0);
    ++examples;
  }
  CHECK(examples >= 4);
}
