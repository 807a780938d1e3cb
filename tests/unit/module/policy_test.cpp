// The failure policy of a function: statefund's own keys, in every format.
#include "module_text.hpp"

#include <array>
#include <string>

using namespace statefund::module;
using namespace std::chrono_literals;

namespace {

std::string endpoint_v2(std::string const& more) {
  return "kind: io.statefun.endpoints.v2/http\nspec:\n  functions: ns/f\n  urlPathTemplate: http://h\n" + more;
}

failure_policy policy_of(std::string const& more) {
  return read(endpoint_v2(more)).functions.at(0).policy;
}

} // namespace

TEST_CASE("without a failure policy a call is tried again for ever, 100 ms to a minute apart") {
  auto const policy = policy_of("");
  CHECK(policy == failure_policy{});
  CHECK(policy.retry_initial == 100ms);
  CHECK(policy.retry_max == 60s);
  CHECK(policy.attempts_max == 0);
  CHECK(policy.then == on_failure::pause);
  CHECK_FALSE(policy.concurrent_calls_max);
  CHECK(policy.calls == call_when::ordered);
}

TEST_CASE("a failure policy can be given in every format") {
  failure_policy const expected{50ms, 10s, 3, on_failure::dead_letter, 7, call_when::durable};
  std::string const keys = "retry: {initial: 50ms, max: 10s, maxAttempts: 3}, onFailure: dead-letter, "
                           "maxConcurrentCalls: 7, callWhen: durable";
  for (auto const* version : {"1.0", "2.0"}) {
    INFO(version);
    auto const old = read("version: '" + std::string(version) + "'\n" +
                          "module:\n"
                          "  meta: {type: remote}\n"
                          "  spec:\n"
                          "    functions:\n"
                          "      - function:\n"
                          "          meta: {kind: http, type: a/b}\n"
                          "          spec: {endpoint: 'http://h', " +
                          keys + "}\n");
    CHECK(old.functions.at(0).policy == expected);
  }
  auto const endpoints = read("version: '3.0'\n"
                              "module:\n"
                              "  meta: {type: remote}\n"
                              "  spec:\n"
                              "    endpoints:\n"
                              "      - endpoint:\n"
                              "          meta: {kind: http}\n"
                              "          spec: {functions: a/b, urlPathTemplate: 'http://h', " +
                              keys + "}\n");
  CHECK(endpoints.functions.at(0).policy == expected);
  for (auto const* kind : {"io.statefun.endpoints.v1/http", "io.statefun.endpoints.v2/http"}) {
    INFO(kind);
    auto const document =
        read("kind: " + std::string(kind) + "\nspec: {functions: a/b, urlPathTemplate: 'http://h', " + keys + "}\n");
    CHECK(document.functions.at(0).policy == expected);
  }
}

TEST_CASE("the words of a failure policy may be in any case, and print as they are written") {
  CHECK(policy_of("  onFailure: Skip\n  callWhen: ORDERED\n").then == on_failure::skip);
  CHECK(policy_of("  onFailure: PAUSE\n").then == on_failure::pause);
  CHECK(to_string(on_failure::pause) == "pause");
  CHECK(to_string(on_failure::dead_letter) == "dead-letter");
  CHECK(to_string(on_failure::skip) == "skip");
  CHECK(to_string(call_when::ordered) == "ordered");
  CHECK(to_string(call_when::durable) == "durable");
}

TEST_CASE("of two waits the one that is not given gives way") {
  CHECK(policy_of("  retry: {initial: 2min}\n").retry_max == 2min);
  CHECK(policy_of("  retry: {initial: 2s}\n").retry_max == 60s);
  CHECK(policy_of("  retry: {max: 5ms}\n").retry_initial == 5ms);
  CHECK(policy_of("  retry: {max: 5s}\n").retry_initial == 100ms);
  CHECK(policy_of("  retry: {initial: 5s, max: 5s}\n").retry_initial == 5s);
  CHECK(policy_of("  retry: {}\n") == failure_policy{});
}

TEST_CASE("a type may have as many calls as its pool has connections") {
  CHECK(policy_of("  maxConcurrentCalls: 1024\n").concurrent_calls_max == 1024U);
  CHECK(policy_of("  maxConcurrentCalls: 65535\n  transport: {pool_size: 65535}\n").concurrent_calls_max == 65535U);
  CHECK(policy_of("  retry: {maxAttempts: 2147483647}\n").attempts_max == 2147483647U);
}

TEST_CASE("a broken failure policy is told key by key") {
  struct row {
    char const* keys;
    char const* errors;
  };
  for (auto const& [keys, errors] : std::array{
           row{"  retry: 5s\n", "m.yaml:5:10: error: the retry is \"5s\"; expected a map\n"},
           row{"  retry:\n", "m.yaml:5:3: error: \"retry\" of the spec of io.statefun.endpoints.v2/http has no value; "
                             "expected one, or the key left out\n"},
           row{"  retry: {initial: 0, max: 0s, maxAttempts: -1}\n",
               "m.yaml:5:20: error: \"initial\" is \"0\"; expected more than 0\n"
               "m.yaml:5:28: error: \"max\" is \"0s\"; expected more than 0\n"
               "m.yaml:5:45: error: \"maxAttempts\" is \"-1\"; expected a number from 0 to 2147483647\n"},
           row{"  retry: {initial: soon, max: [1s], maxAttempts: often}\n",
               "m.yaml:5:20: error: \"initial\" is not a duration: \"soon\" does not begin with a number; expected a "
               "whole number and a unit, as in 30s\n"
               "m.yaml:5:31: error: \"max\" is a list; expected text\n"
               "m.yaml:5:50: error: \"maxAttempts\" is \"often\"; expected a whole number\n"},
           row{"  retry: {initial: 2s, max: 1s}\n",
               "m.yaml:5:20: error: \"initial\" of 2s is larger than \"max\" of 1s; expected at most that\n"},
           row{"  retry: {initial: 25h, max: 86400001ms}\n",
               "m.yaml:5:20: error: \"initial\" is \"25h\"; expected at most 1d\n"
               "m.yaml:5:30: error: \"max\" is \"86400001ms\"; expected at most 1d\n"},
           row{"  retry: {maxAttempts: 2147483648}\n",
               "m.yaml:5:24: error: \"maxAttempts\" is \"2147483648\"; expected a number from 0 to 2147483647\n"},
           row{"  retry: {maxAttempt: 3}\n",
               "m.yaml:5:11: error: \"maxAttempt\" is not a key of the retry; did you mean \"maxAttempts\"?\n"},
           row{"  onFailure: stop\n",
               "m.yaml:5:14: error: \"onFailure\" is \"stop\"; expected pause, dead-letter or skip\n"},
           row{"  onFailure: {}\n", "m.yaml:5:14: error: \"onFailure\" is a map; expected text\n"},
           row{"  callWhen: synced\n", "m.yaml:5:13: error: \"callWhen\" is \"synced\"; expected ordered or durable\n"},
           row{"  maxConcurrentCalls: 0\n",
               "m.yaml:5:23: error: \"maxConcurrentCalls\" is \"0\"; expected a number from 1 to 65535\n"},
           row{"  maxConcurrentCalls: 65536\n",
               "m.yaml:5:23: error: \"maxConcurrentCalls\" is \"65536\"; expected a number from 1 to 65535\n"},
           row{"  maxConcurrentCalls: 8\n  transport: {pool_size: 7}\n",
               "m.yaml:5:23: error: \"maxConcurrentCalls\" is 8, and the pool has 7 connections; expected at most "
               "that\n"},
           row{"  maxConcurrentCalls: 1025\n",
               "m.yaml:5:23: error: \"maxConcurrentCalls\" is 1025, and the pool has 1024 connections; expected at "
               "most that\n"},
           row{"  maxConcurrentCalls: 2000\n  transport: {pool_size: large}\n",
               "m.yaml:6:26: error: \"pool_size\" is \"large\"; expected a whole number\n"},
       }) {
    INFO(keys);
    CHECK(errors_of(endpoint_v2(keys)) == errors);
  }
}
