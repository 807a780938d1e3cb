#include "dialogue/endpoint/dialogue.hpp"

#include <catch2/catch.hpp>

using namespace statefund;
using namespace statefund::dialogue;
using namespace statefund::support;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

script then(script steps, step last) {
  steps.push_back(std::move(last));
  return steps;
}

} // namespace

TEST_CASE("a dialogue that fails at any step is taken up again on a new connection") {
  std::vector<script> const broken{
      {},                                                            // accepted, nothing more
      {expect_bytes(10)},                                            // within the request
      {expect_request()},                                            // before the answer
      {expect_request(), send("HTTP/1.1 100 Continue\r\n\r\n")},     // after a 1xx
      {expect_request(), send("HTTP")},                              // within the status line
      {expect_request(), send("HTTP/1.1 200 OK\r\nContent-Ty")},     // within the header
      {expect_request(), send(good_answer("broken").substr(0, 80))}, // before the body's end
      {expect_request(), send(good_answer("broken").substr(0, good_answer("broken").size() - 1))},
  };
  for (auto const& steps : broken)
    for (auto const& end : {close(), reset()}) {
      INFO("step " << steps.size() << (end.what == step::kind::reset ? ", reset" : ", closed"));
      scene on;
      on.server->plays(then(steps, end));
      on.server->plays({expect_request(), send(good_answer("good")), hold()});
      CHECK(on.call() == "good");
      CHECK(on.function->counts().attempts == 2);
      CHECK(on.function->counts().attempts_failed == 1);
      CHECK(on.function->counts().resent == 0);
      CHECK(on.function->connections_open_count() == 1);
      CHECK(on.function->connections_idle_count() == 1);
      auto const& requests = on.server->requests();
      CHECK(requests.back() == requests.front());
    }
}

TEST_CASE("an answer that is cut at any byte is no answer") {
  auto const whole = good_answer("broken");
  scene on;
  for (std::size_t size = 1; size < whole.size(); ++size) {
    INFO(size << " bytes of the answer");
    on.server->plays({expect_request(), send(whole.substr(0, size)), close()});
    on.server->plays({expect_request(), send(good_answer("good")), close()});
    CHECK(on.call() == "good");
    REQUIRE(on.server->accepted_count() == 2 * size);
    REQUIRE(on.loop.run_until([&] { return on.server->playing_count() == 0; }));
  }
}

TEST_CASE("an answer that came whole before the connection broke counts") {
  for (auto const& end : {close(), reset()}) {
    scene on;
    on.server->plays({expect_request(), send(good_answer("one")), stand_by(), end});
    on.server->plays({expect_request(), send(good_answer("two")), hold()});
    CHECK(on.call() == "one");
    on.server->go_on();
    REQUIRE(on.loop.run_until([&] { return on.server->playing_count() == 0; }));
    CHECK(on.call() == "two");
    CHECK(on.function->counts().attempts_failed == 0);
  }
}

TEST_CASE("a reused connection that breaks before any byte of an answer: the request goes out again at once") {
  std::vector<script> const broken{{expect_bytes(10)}, {expect_request()}};
  for (auto const& steps : broken)
    for (auto const& end : {close(), reset()}) {
      scene on;
      script first{expect_request(), send(good_answer("one"))};
      first.insert(first.end(), steps.begin(), steps.end());
      on.server->plays(then(first, end));
      on.server->plays({expect_request(), send(good_answer("two")), hold()});
      CHECK(on.call() == "one");
      auto const second = on.start();
      REQUIRE(on.loop.run_until([&] { return second->done; })); // no time has passed
      CHECK(second->mark() == "two");
      CHECK(on.function->counts().attempts == 2);
      CHECK(on.function->counts().attempts_failed == 0);
      CHECK(on.function->counts().resent == 1);
    }
}

TEST_CASE("a reused connection that breaks within the answer is a failed attempt like any other") {
  scene on;
  on.server->plays({expect_request(), send(good_answer("one")), expect_request(), send("H"), reset()});
  on.server->plays({expect_request(), send(good_answer("two")), hold()});
  CHECK(on.call() == "one");
  auto const second = on.start();
  REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed == 1; }));
  on.loop.settle();
  CHECK_FALSE(second->done); // backs off
  CHECK(on.finish(second) == "two");
  CHECK(on.function->counts().resent == 0);
}

TEST_CASE("a server that closes before it has read the request may still say why") {
  auto const last = [](std::string const& answer) {
    scene on;
    on.server->plays({expect_bytes(10), send(answer), close()});
    on.server->plays({expect_request(), send(good_answer("good")), hold()});
    return on.finish(on.start(std::string(16U << 20U, 'x')));
  };
  CHECK_THAT(last(answer_of("HTTP/1.1 413 Too Large", "", "")),
             StartsWith("the function refused the message: answered 413 \"Too Large\", attempt 1, "));
  CHECK(last(good_answer("too early")) == "good");
  CHECK(last("") == "good");
}

TEST_CASE("of two answers to one request the second is never taken for the next call's") {
  SECTION("both at once") {
    scene on;
    on.server->plays({expect_request(), send(good_answer("one") + good_answer("stray")), hold()});
    on.server->plays({expect_request(), send(good_answer("two")), hold()});
    CHECK(on.call() == "one");
    CHECK(on.function->connections_open_count() == 0);
    CHECK(on.call() == "two");
  }
  SECTION("the second while the connection is idle") {
    scene on;
    on.server->plays({expect_request(), send(good_answer("one")), stand_by(), send(good_answer("stray")), hold()});
    on.server->plays({expect_request(), send(good_answer("two")), hold()});
    CHECK(on.call() == "one");
    on.server->go_on();
    on.loop.settle();
    CHECK(on.call() == "two");
    CHECK(on.server->accepted_count() == 2);
  }
  SECTION("in the middle of a byte") {
    scene on;
    on.server->plays({expect_request(), send(good_answer("one") + "H"), hold()});
    on.server->plays({expect_request(), send(good_answer("two")), hold()});
    CHECK(on.call() == "one");
    CHECK(on.call() == "two");
    CHECK(on.server->accepted_count() == 2);
  }
}

TEST_CASE("failed attempts back off, each about twice as long as the one before") {
  scene on([](endpoint::options& chosen) { chosen.backoff_initial = 100ms; });
  for (int i = 0; i < 4; ++i)
    on.server->plays({expect_request(), send(answer_of("HTTP/1.1 503 Later", "", "")), close()});
  on.server->plays({expect_request(), send(good_answer("good")), hold()});
  auto const call = on.start();
  auto full = 100ms;
  for (unsigned failed = 1; failed <= 4; ++failed, full *= 2) {
    REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed == failed; }));
    on.loop.advance(full / 2 - 1ms);
    REQUIRE(on.server->accepted_count() == failed); // at least half of it
    on.loop.advance(full / 2 + 1ms);
    REQUIRE(on.loop.run_until([&] { return on.server->accepted_count() == failed + 1; })); // at most all of it
  }
  REQUIRE(on.loop.run_until([&] { return call->done; }));
  CHECK(call->mark() == "good");
}

TEST_CASE("a cancelled call ends at once, wherever it is") {
  std::string const cancelled = "the call was cancelled, for the daemon stops: ";
  SECTION("waiting for the answer") {
    scene on;
    on.server->plays({expect_request(), hold()});
    auto const call = on.start();
    REQUIRE(on.loop.run_until([&] { return on.server->requests().size() == 1; }));
    on.cancel_calls();
    REQUIRE(on.loop.run_until([&] { return call->done; }));
    CHECK(call->got->error().code == function::errc::call_cancelled);
    CHECK_THAT(call->mark(), StartsWith(cancelled + "cancelled while waiting for the answer, attempt 1, 127.0.0.1:"));
    CHECK(on.function->connections_open_count() == 0);
  }
  SECTION("sending the request") {
    scene on;
    on.server->plays({stand_by()});
    auto const call = on.start(std::string(16U << 20U, 'x'));
    on.cancel_calls();
    REQUIRE(on.loop.run_until([&] { return call->done; }));
    CHECK_THAT(call->mark(), StartsWith(cancelled + "cancelled while sending the request"));
  }
  SECTION("backing off") {
    scene on([](endpoint::options& chosen) { chosen.backoff_initial = 1s; });
    on.server->plays({expect_request(), send(answer_of("HTTP/1.1 503 Later", "", "")), hold()});
    auto const call = on.start();
    REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed == 1; }));
    on.loop.settle();
    on.cancel_calls();
    REQUIRE(on.loop.run_until([&] { return call->done; }));
    CHECK(call->got->error().code == function::errc::call_cancelled);
    CHECK_THAT(call->mark(), Contains("answered 503"));
  }
}
