#include "module_text.hpp"

#include <array>
#include <string>

using namespace statefund;
using namespace statefund::module;
using namespace std::chrono_literals;

namespace {

std::string endpoint_v2(std::string const& more) {
  return "kind: io.statefun.endpoints.v2/http\nspec:\n  functions: ns/f\n  urlPathTemplate: http://host:8000/f\n" +
         more;
}

// The example of the implemented document, completed.
constexpr auto nested = R"(version: "2.0"

module:
  meta:
    type: remote
  spec:
    functions:
      - function:
          meta:
            kind: http
            type: example/greeter
          spec:
            endpoint: http://functions.example/statefun
            states:
              - name: seen_count
                expireAfter: 5min
            maxNumBatchRequests: 500
            timeout: 2min
)";

// The same as it is published: `function:` without a value, its parts beside it.
constexpr auto published = R"(version: "2.0"

module:
  meta:
    type: remote
  spec:
    functions:
      - function:
        meta:
          kind: http
          type: example/greeter
        spec:
          endpoint: http://functions.example/statefun
          states:
            - name: seen_count
              expireAfter: 5min
          maxNumBatchRequests: 500
          timeout: 2min
)";

} // namespace

TEST_CASE("the document's example loads in both indentations, and means the same") {
  auto one = read(nested);
  auto other = read(published);
  REQUIRE(one.functions.size() == 1);
  auto const& spec = one.functions.front();
  CHECK(to_text(spec.functions) == "example/greeter");
  CHECK(spec.functions.is_exact());
  CHECK(spec.speaks == protocol::v2);
  CHECK(to_string(spec.endpoint.url) == "http://functions.example/statefun");
  CHECK(spec.timeouts == call_timeouts{2min, 10s, 10s, 10s});
  CHECK(spec.batch_messages_max == 500);
  CHECK(spec.waiting_max == 500U);
  CHECK(spec.pool_size == 1024);
  CHECK(spec.pool_ttl == 15s);
  CHECK(spec.payload_bytes_max == 32U * 1024 * 1024);
  CHECK(spec.states == message::state_specs{{"seen_count", "", {message::expiration_mode::after_invoke, 5min}}});
  CHECK(spec.where == place{"m.yaml", 11, 19});
  REQUIRE(other.functions.size() == 1);
  CHECK(other.functions.front().where == place{"m.yaml", 11, 17});
  other.functions.front().where = spec.where;
  CHECK(other.functions == one.functions);
}

TEST_CASE("format 1.0 lists its states by name") {
  auto const specs = read(R"(version: 1.0
module:
  meta: {type: REMOTE}
  spec:
    functions:
      - function:
          meta: {kind: HTTP, type: a/b/c}
          spec:
            endpoint: http+unix:///run/f.sock/serve
            states: [one, two]
)");
  auto const& spec = specs.functions.at(0);
  CHECK(spec.functions == function_pattern{"a/b", "c"}); // split at the last slash
  CHECK(spec.endpoint.url.socket_path == "/run/f.sock");
  CHECK(spec.states == message::state_specs{{"one", "", {}}, {"two", "", {}}});
  CHECK(spec.timeouts == call_timeouts{1min, 10s, 10s, 10s});
  CHECK(spec.batch_messages_max == 1000);
}

TEST_CASE("format 2.0 states expire as they say") {
  auto const specs = read(R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec:
            endpoint: http://h
            states:
              - {name: plain}
              - {name: zero, expireAfter: 0, expireMode: after-write}
              - {name: written, expireAfter: 1h, expireMode: after-write}
              - {name: invoked, expireAfter: 100, expireMode: AFTER-INVOKE}
              - {name: usual, expireAfter: 60000000us}
)");
  using enum message::expiration_mode;
  CHECK(specs.functions.at(0).states == message::state_specs{{"plain", "", {none, 0ms}},
                                                             {"zero", "", {none, 0ms}},
                                                             {"written", "", {after_write, 1h}},
                                                             {"invoked", "", {after_invoke, 100ms}},
                                                             {"usual", "", {after_invoke, 1min}}});
}

TEST_CASE("queue egresses are declared in both formats and both indentations") {
  auto const old = read(R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    egresses:
      - egress:
          meta: {type: statefund.io/queue, id: example/greets}
      - egress:
        meta:
          type: statefund.io/queue
          id: example/others
        spec:
)");
  REQUIRE(old.egresses.size() == 2);
  CHECK(old.egresses[0].id == message::egress_id{"example", "greets"});
  CHECK(old.egresses[0].kind() == egress_kind::queue);
  CHECK(old.egresses[1].id == message::egress_id{"example", "others"});
  CHECK(old.egresses[1].where == place{"m.yaml", 11, 15});

  auto const kinds = read("kind: statefund.egress.v1/queue\nspec: {id: example/greets}\n");
  REQUIRE(kinds.egresses.size() == 1);
  CHECK(kinds.egresses[0].id == message::egress_id{"example", "greets"});
  CHECK(kinds.egresses[0].where == place{"m.yaml", 2, 12});
}

TEST_CASE("endpoint documents bind a type or a namespace, many in a file, empty ones skipped") {
  auto const specs = read(R"(---
---
kind: io.statefun.endpoints.v1/http
spec:
  functions: com.example/fns/*
  urlPathTemplate: http://host:8080/{function.name}
  maxNumBatchRequests: 10
---
# nothing but a comment
---
kind: io.statefun.endpoints.v2/http
spec:
  functions: com.example/fns/greeter
  urlPathTemplate: http+unix:///run/greeter.sock
---
)");
  REQUIRE(specs.functions.size() == 2);
  auto const& v1 = specs.functions[0];
  CHECK(v1.functions == function_pattern{"com.example/fns", std::nullopt});
  CHECK(v1.functions.matches({"com.example/fns", "any"}));
  CHECK_FALSE(v1.functions.matches({"com.example", "any"}));
  CHECK(v1.speaks == protocol::v3);
  CHECK(v1.timeouts == call_timeouts{1min, 10s, 10s, 10s});
  CHECK(v1.batch_messages_max == 10);
  CHECK(v1.states.empty());
  CHECK(to_string(*v1.endpoint.for_name("x")) == "http://host:8080/x");
  auto const& v2 = specs.functions[1];
  CHECK(v2.functions == function_pattern{"com.example/fns", "greeter"});
  CHECK(v2.functions.matches({"com.example/fns", "greeter"}));
  CHECK_FALSE(v2.functions.matches({"com.example/fns", "other"}));
  CHECK(v2.timeouts == call_timeouts{2min, 20s, std::nullopt, std::nullopt});
  CHECK(v2.where == place{"m.yaml", 13, 14});
}

TEST_CASE("the transport decides the defaults of the timeouts") {
  struct row {
    char const* transport;
    call_timeouts timeouts;
  };
  for (auto const& [transport, timeouts] : std::array{
           row{"", {2min, 20s, {}, {}}},
           row{"  transport: {}\n", {2min, 20s, {}, {}}},
           row{"  transport: {type: io.statefun.transports.v1/async}\n", {2min, 20s, {}, {}}},
           row{"  transport: {type: io.statefun.transports.v1/okhttp}\n", {1min, 10s, 10s, 10s}},
           row{"  transport: {call: 30s, connect: 5s, read: 6s, write: 7s}\n", {30s, 5s, 6s, 7s}},
           // A default that is larger than the call is lowered to it.
           row{"  transport: {call: 5s}\n", {5s, 5s, {}, {}}},
           row{"  transport: {type: io.statefun.transports.v1/okhttp, timeouts: {call: 5s}}\n", {5s, 5s, 5s, 5s}},
           // `timeouts` wins over the flat keys, key by key, in both types.
           row{"  transport: {call: 30s, connect: 5s, timeouts: {call: 40s, read: 4s}}\n", {40s, 5s, 4s, {}}},
           row{"  transport: {type: io.statefun.transports.v1/okhttp, call: 30s, timeouts: {write: 4s}}\n",
               {30s, 10s, 10s, 4s}},
           row{"  transport: {timeouts: {call: 10s, connect: 10s, read: 10s, write: 10s}}\n", {10s, 10s, 10s, 10s}},
       }) {
    INFO(transport);
    CHECK(read(endpoint_v2(transport)).functions.at(0).timeouts == timeouts);
  }
}

TEST_CASE("the call's default bounds the others where it alone is given, in every format") {
  auto const old = read(R"(version: "2.0"
module:
  meta: {type: remote}
  spec:
    functions:
      - function:
          meta: {kind: http, type: a/b}
          spec: {endpoint: "http://h", timeout: 5s, readTimeout: 4s}
)");
  CHECK(old.functions.at(0).timeouts == call_timeouts{5s, 5s, 4s, 5s});
  auto const v1 = read("kind: io.statefun.endpoints.v1/http\n"
                       "spec: {functions: a/b, urlPathTemplate: 'http://h', timeouts: {call: 3s, write: 1s}}\n");
  CHECK(v1.functions.at(0).timeouts == call_timeouts{3s, 3s, 3s, 1s});
}

TEST_CASE("the pool and the payload can be bounded") {
  auto const given = read(endpoint_v2("  transport: {pool_size: 7, pool_ttl: 1min, payload_max_bytes: 1MiB}\n"));
  CHECK(given.functions.at(0).pool_size == 7);
  CHECK(given.functions.at(0).pool_ttl == 1min);
  CHECK(given.functions.at(0).payload_bytes_max == 1024U * 1024);
  auto const bytes = read(endpoint_v2("  transport: {pool_ttl: 0, payload_max_bytes: 33554432}\n"));
  CHECK_FALSE(bytes.functions.at(0).pool_ttl);
  CHECK(bytes.functions.at(0).payload_bytes_max == 33554432);
  auto const usual = read(endpoint_v2(""));
  CHECK(usual.functions.at(0).pool_size == 1024);
  CHECK(usual.functions.at(0).pool_ttl == 15s);
  CHECK(usual.functions.at(0).payload_bytes_max == 33554432);
}

TEST_CASE("a batch maximum of zero or less switches the mark off and leaves batches at 1000") {
  for (auto const* value : {"0", "-1", "-2147483648"}) {
    auto const specs = read(endpoint_v2("  maxNumBatchRequests: " + std::string(value) + "\n"));
    CHECK_FALSE(specs.functions.at(0).waiting_max);
    CHECK(specs.functions.at(0).batch_messages_max == 1000);
  }
  auto const most = read(endpoint_v2("  maxNumBatchRequests: 2147483647\n"));
  CHECK(most.functions.at(0).waiting_max == 2147483647U);
}

TEST_CASE("a file without a document declares nothing") {
  for (auto const* text : {"", "\n", "# nothing\n", "---\n---\n", "~\n", "--- null\n", "\xef\xbb\xbf"}) {
    INFO(text);
    auto const specs = read(text);
    CHECK(specs.functions.empty());
    CHECK(specs.egresses.empty());
  }
}

TEST_CASE("anchors and aliases stand for what they say, and line ends may be either") {
  auto const specs = read("kind: io.statefun.endpoints.v2/http\r\n"
                          "spec:\r\n"
                          "  functions: ns/f\r\n"
                          "  urlPathTemplate: http://h\r\n"
                          "  transport: {call: &time 30s, connect: *time}\r\n");
  CHECK(specs.functions.at(0).timeouts.connect == 30s);
}

TEST_CASE("an exact type and its namespace are not the same pattern") {
  auto const specs =
      read(endpoint_v2("") + "---\n" +
           "kind: io.statefun.endpoints.v2/http\nspec: {functions: ns/*, urlPathTemplate: 'http://h'}\n");
  CHECK(specs.functions.size() == 2);
}

TEST_CASE("the first back-off is that of the reference's client for the transport") {
  auto const async = read(endpoint_v2(""));
  CHECK(async.functions.at(0).backoff_initial == 2ms);
  auto const okhttp = read(endpoint_v2("  transport: {type: io.statefun.transports.v1/okhttp}\n"));
  CHECK(okhttp.functions.at(0).backoff_initial == 10ms);
}
