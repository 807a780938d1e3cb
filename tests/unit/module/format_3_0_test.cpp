#include "module_text.hpp"

#include <string>

using namespace statefund::module;
using namespace std::chrono_literals;

namespace {

std::string module_of(std::string const& spec) {
  return "version: '3.0'\nmodule:\n  meta: {type: remote}\n  spec:\n" + spec;
}

} // namespace

TEST_CASE("format 3.0 has the endpoints of endpoints.v1, in both indentations") {
  auto const declared = read(module_of("    endpoints:\n"
                                       "      - endpoint:\n"
                                       "          meta: {kind: http}\n"
                                       "          spec:\n"
                                       "            functions: a/*\n"
                                       "            urlPathTemplate: https://host/{function.name}\n"
                                       "            maxNumBatchRequests: 7\n"
                                       "            timeouts: {call: 5s, read: 2s}\n"
                                       "      - endpoint:\n"
                                       "        meta: {kind: HTTP}\n"
                                       "        spec: {functions: a/f, urlPathTemplate: 'http://host'}\n"
                                       "    egresses:\n"
                                       "      - egress:\n"
                                       "          meta: {type: statefund.io/queue, id: a/out}\n"));
  REQUIRE(declared.functions.size() == 2);
  function_spec expected;
  expected.functions = {"a", std::nullopt};
  expected.speaks = protocol::v3;
  expected.endpoint = *parse_endpoint("https://host/{function.name}");
  expected.timeouts = {5s, 5s, 2s, 5s};
  expected.batch_messages_max = 7;
  expected.waiting_max = 7;
  expected.where = {"m.yaml", 9, 24};
  CHECK(declared.functions[0] == expected);
  CHECK(declared.functions[1].functions == function_pattern{"a", "f"});
  CHECK(declared.functions[1].timeouts == call_timeouts{1min, 10s, 10s, 10s});
  CHECK(declared.functions[1].speaks == protocol::v3);
  REQUIRE(declared.egresses.size() == 1);
  CHECK(declared.egresses[0].kind() == egress_kind::queue);
}

TEST_CASE("format 3.0 has neither functions nor routers nor transports") {
  CHECK(errors_of(module_of("    functions: []\n    routers: []\n    endpoints: []\n")) ==
        "m.yaml:5:5: error: \"functions\" is not a key of the module's spec; expected one of endpoints, ingresses, "
        "egresses\n"
        "m.yaml:6:5: error: \"routers\" is not a key of the module's spec; expected one of endpoints, ingresses, "
        "egresses\n");
  CHECK(
      errors_of(module_of("    endpoints:\n"
                          "      - endpoint:\n"
                          "          meta: {kind: http, type: a/b}\n"
                          "          spec: {functions: a/*, urlPathTemplate: 'http://h', transport: {}, states: []}\n"
                          "      - endpoint: {meta: {kind: grpc}, spec: {}}\n"
                          "      - endpoint: {meta: {kind: http}}\n"
                          "      - function: {}\n")) ==
      "m.yaml:7:30: error: \"type\" is not a key of an endpoint's meta; expected kind\n"
      "m.yaml:8:63: error: \"transport\" is not a key of format \"3.0\"; use kind: io.statefun.endpoints.v2/http, or "
      "write the timeouts under \"timeouts\"\n"
      "m.yaml:8:78: error: \"states\" is not a key of an endpoint's spec; expected one of functions, urlPathTemplate, "
      "maxNumBatchRequests, timeouts, retry, onFailure, maxConcurrentCalls, callWhen\n"
      "m.yaml:9:33: error: kind \"grpc\" is not supported by statefund and will not be; serve the function over HTTP "
      "and write kind: http\n"
      "m.yaml:10:19: error: \"endpoint\" has no \"spec\"; expected that key\n"
      "m.yaml:11:9: error: an entry of this list has no \"endpoint\"; expected that key\n");
}

TEST_CASE("Kinesis is refused by its names in format 3.0") {
  CHECK(
      errors_of(module_of("    ingresses:\n"
                          "      - ingress: {meta: {type: io.statefun.kinesis/ingress, id: a/b}, spec: {streams: []}}\n"
                          "    egresses:\n"
                          "      - egress: {meta: {type: io.statefun.kinesis/egress, id: a/b}, spec: {}}\n")) ==
      "m.yaml:6:32: error: ingress type \"io.statefun.kinesis/ingress\" is not supported by statefund and will not "
      "be; read the stream with a program of your own and send its records to the ingress socket\n"
      "m.yaml:8:31: error: egress type \"io.statefun.kinesis/egress\" is not supported by statefund and will not be; "
      "declare the egress with type statefund.io/queue and forward its records with a program of your own\n");
}
