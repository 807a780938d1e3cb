#include "dialogue/endpoint/dialogue.hpp"

#include <catch2/catch.hpp>

using namespace statefund;
using namespace statefund::dialogue;
using namespace statefund::support;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

// Each timeout differs, and the budget ends before a second attempt.
void told_apart(endpoint::options& chosen) {
  chosen.connect_timeout = 2s;
  chosen.read_timeout = 3s;
  chosen.write_timeout = 4s;
  chosen.limits.call_timeout = 50s;
  chosen.backoff_initial = 10min;
}

std::string const spent = "the endpoint failed: call timeout (50 s) after: ";

// Passes time up to the tick before `fires`, then that tick, and sees the attempt fail on it; then the call's end.
std::string fires_at(scene& on, outgoing const& call, std::chrono::nanoseconds fires) {
  on.loop.advance(fires - 1ns);
  on.loop.settle();
  REQUIRE(on.function->counts().attempts_failed == 0);
  on.loop.advance(1ns);
  REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed == 1; }));
  on.loop.settle();
  REQUIRE_FALSE(call.done);
  CHECK(on.function->connections_open_count() == 0);
  on.loop.advance(50s - fires - 1ns);
  REQUIRE_FALSE(call.done);
  on.loop.advance(1ns);
  REQUIRE(on.loop.run_until([&] { return call.done; }));
  return call.mark();
}

// Lets the server's steps and the call's come to rest.
void rest(scene& on, std::size_t requests) {
  REQUIRE(on.loop.run_until([&] { return on.server->requests().size() == requests; }));
  on.loop.settle();
}

} // namespace

TEST_CASE("the read timeout fires on its tick while waiting for the answer") {
  scene on(told_apart);
  on.server->plays({expect_request(), hold()});
  auto const call = on.start();
  rest(on, 1);
  CHECK_THAT(fires_at(on, *call, 3s),
             StartsWith(spent + "read timeout (3 s) while waiting for the answer, attempt 1, 127.0.0.1:"));
}

TEST_CASE("the read timeout is for each single read, and fires within an answer too") {
  scene on(told_apart);
  on.server->plays({expect_request(), stand_by(), send("HTTP/1.1 200 OK\r\n"), hold()});
  auto const call = on.start();
  rest(on, 1);
  on.loop.advance(2s);
  on.server->go_on();
  on.loop.settle();
  on.loop.advance(3s - 1ns);
  REQUIRE(on.function->counts().attempts_failed == 0);
  on.loop.advance(1ns);
  REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed == 1; }));
  on.loop.advance(45s);
  REQUIRE(on.loop.run_until([&] { return call->done; }));
  CHECK_THAT(call->mark(), StartsWith(spent + "read timeout (3 s) while reading the answer, attempt 1, "));
}

TEST_CASE("the write timeout fires on its tick against a server that does not read") {
  scene on(told_apart);
  on.server->plays({stand_by()});
  auto const call = on.start(std::string(16U << 20U, 'x'));
  REQUIRE(on.loop.run_until([&] { return on.server->accepted_count() == 1; }));
  on.loop.settle();
  CHECK_THAT(fires_at(on, *call, 4s), StartsWith(spent + "write timeout (4 s) while sending the request, attempt 1, "));
}

TEST_CASE("the call timeout fires on its tick where nothing else bounds a read") {
  scene on([](endpoint::options& chosen) {
    chosen.connect_timeout = 50s;
    chosen.limits.call_timeout = 50s;
  });
  on.server->plays({expect_request(), send("HTTP/1.1 200 OK\r\n"), hold()});
  auto const call = on.start();
  rest(on, 1);
  on.loop.advance(50s - 1ns);
  REQUIRE_FALSE(call->done);
  on.loop.advance(1ns);
  REQUIRE(on.loop.run_until([&] { return call->done; }));
  CHECK_THAT(call->mark(),
             StartsWith("the endpoint failed: call timeout (50 s) while reading the answer, attempt 1, 127.0.0.1:"));
}

TEST_CASE("one byte a second: the call timeout fires, the read timeout does not") {
  scene on([](endpoint::options& chosen) {
    chosen.read_timeout = 3s;
    chosen.limits.call_timeout = 20s;
  });
  script slow{expect_request()};
  for (char const byte : good_answer("slow")) {
    slow.push_back(send(std::string(1, byte)));
    slow.push_back(stand_by());
  }
  on.server->plays(slow);
  on.server->plays({expect_request(), send(good_answer("good")), hold()});
  auto const call = on.start();
  rest(on, 1);
  for (int second = 1; second < 20; ++second) {
    on.loop.advance(1s);
    on.server->go_on();
    on.loop.settle();
    REQUIRE_FALSE(call->done);
  }
  on.loop.advance(1s);
  REQUIRE(on.loop.run_until([&] { return call->done; }));
  CHECK_THAT(call->mark(), Contains("call timeout (20 s) while reading the answer, attempt 1, "));
  CHECK(on.call() == "good");
}

TEST_CASE("a call timeout within a later attempt also tells why the attempt before failed") {
  scene on([](endpoint::options& chosen) { chosen.limits.call_timeout = 20s; });
  on.server->plays({expect_request(), send(answer_of("HTTP/1.1 503 Later", "", "")), close()});
  on.server->plays({expect_request(), hold()});
  auto const call = on.start();
  REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed == 1; }));
  on.loop.advance(10ms);
  rest(on, 2);
  on.loop.advance(20s - 10ms);
  REQUIRE(on.loop.run_until([&] { return call->done; }));
  CHECK_THAT(call->mark(), Contains("call timeout (20 s) while waiting for the answer, attempt 2, 127.0.0.1:") &&
                               Contains("; the attempt before: answered 503 \"Later\""));
}

TEST_CASE("after a read timeout the late answer is never taken for the next attempt's") {
  scene on([](endpoint::options& chosen) { chosen.read_timeout = 3s; });
  on.server->plays({expect_request(), stand_by(), send(good_answer("late")), hold()});
  on.server->plays({expect_request(), send(good_answer("good")), hold()});
  auto const call = on.start();
  rest(on, 1);
  on.loop.advance(3s);
  on.server->go_on();
  CHECK(on.finish(call) == "good");
}
