#include "dialogue/endpoint/dialogue.hpp"

#include <catch2/catch.hpp>

using namespace statefund;
using namespace statefund::dialogue;
using namespace statefund::support;
using namespace std::chrono_literals;

namespace {

script serving(std::initializer_list<char const*> marks) {
  script steps;
  for (auto const* mark : marks) {
    steps.push_back(expect_request());
    steps.push_back(stand_by());
    steps.push_back(send(good_answer(mark)));
  }
  steps.push_back(hold());
  return steps;
}

void all_go_on(scene& on, std::vector<std::shared_ptr<outgoing>> const& calls, std::size_t requests) {
  REQUIRE(on.loop.run_until([&] { return on.server->requests().size() == requests; }));
  on.loop.settle();
  on.server->go_on();
  for (auto const& each : calls)
    REQUIRE(on.loop.run_until([&] { return each->done; }));
}

} // namespace

TEST_CASE("calls at the same time have a connection each, later ones use them again") {
  scene on;
  for (int i = 0; i < 4; ++i)
    on.server->plays(serving({"first", "second"}));
  std::vector<std::shared_ptr<outgoing>> calls;
  for (int i = 0; i < 4; ++i)
    calls.push_back(on.start());
  CHECK(on.function->connections_open_count() == 4);
  all_go_on(on, calls, 4);
  CHECK(on.function->connections_idle_count() == 4);
  for (auto& each : calls)
    each = on.start();
  CHECK(on.function->connections_idle_count() == 0);
  all_go_on(on, calls, 8);
  for (auto const& each : calls)
    CHECK(each->mark() == "second");
  CHECK(on.server->accepted_count() == 4);
  CHECK(on.function->connections_open_count() == 4);
}

TEST_CASE("the connection that was used last is used first") {
  scene on;
  on.server->plays(serving({"a1", "a2"}));
  on.server->plays(serving({"b1", "b2"}));
  auto const a = on.start();
  auto const b = on.start();
  all_go_on(on, {a, b}, 2); // a's is given back first
  auto const next = on.start();
  all_go_on(on, {next}, 3);
  CHECK(next->mark() == (a->mark() == "a1" ? "b2" : "a2"));
}

TEST_CASE("an idle connection ends when it reaches its age, a tenth before or after the ttl") {
  scene on([](endpoint::options& chosen) { chosen.pool_ttl = 15s; });
  on.server->plays({expect_request(), send(good_answer("one")), hold()});
  on.server->plays({expect_request(), send(good_answer("two")), hold()});
  auto const call = on.start();
  REQUIRE(on.loop.run_until([&] { return call->done; }));
  on.loop.advance(13500ms - 1ns);
  CHECK(on.function->connections_open_count() == 1);
  on.loop.advance(3s + 1ns);
  CHECK(on.function->connections_open_count() == 0);
  REQUIRE(on.loop.run_until([&] { return on.server->playing_count() == 0; }));
  CHECK(on.call() == "two");
  CHECK(on.function->counts().attempts_failed == 0);
}

TEST_CASE("connections that were opened together do not all end together") {
  scene on([](endpoint::options& chosen) {
    chosen.pool_ttl = 15s;
    chosen.pool_size = 20;
  });
  std::vector<std::shared_ptr<outgoing>> calls;
  for (int i = 0; i < 20; ++i) {
    on.server->plays(serving({"one"}));
    calls.push_back(on.start());
  }
  all_go_on(on, calls, 20);
  on.loop.advance(13500ms);
  std::size_t steps_with_an_end_count = 0;
  for (int i = 0; i < 30; ++i) {
    auto const before = on.function->connections_open_count();
    on.loop.advance(100ms);
    auto const ended_count = before - on.function->connections_open_count();
    steps_with_an_end_count += ended_count > 0 ? 1 : 0;
  }
  CHECK(steps_with_an_end_count >= 5); // 20 at random over 30 steps
  CHECK(on.function->connections_open_count() == 0);
}

TEST_CASE("a connection that reaches its age on a call ends after it") {
  scene on([](endpoint::options& chosen) { chosen.pool_ttl = 15s; });
  on.server->plays(serving({"one"}));
  on.server->plays(serving({"two"}));
  auto const call = on.start();
  REQUIRE(on.loop.run_until([&] { return on.server->requests().size() == 1; }));
  on.loop.advance(16500ms);
  CHECK(on.function->connections_open_count() == 1);
  all_go_on(on, {call}, 1);
  CHECK(call->mark() == "one");
  CHECK(on.function->connections_open_count() == 0);
}

TEST_CASE("each connection has an age of its own") {
  scene on([](endpoint::options& chosen) { chosen.pool_ttl = 15s; });
  on.server->plays(serving({"one"}));
  on.server->plays(serving({"two"}));
  auto const one = on.start();
  on.loop.advance(5s);
  auto const two = on.start();
  all_go_on(on, {one, two}, 2);
  CHECK(on.function->connections_idle_count() == 2);
  on.loop.advance(11500ms);
  CHECK(on.function->connections_idle_count() == 1);
  on.loop.advance(5s);
  CHECK(on.function->connections_idle_count() == 0);
  REQUIRE(on.loop.run_until([&] { return on.server->playing_count() == 0; }));
  on.loop.settle();
  CHECK(on.loop.io().stopped()); // nothing runs for a function without connections
}

TEST_CASE("an idle connection that its server closes is noticed at once, and its descriptor is free") {
  scene on;
  on.server->plays({expect_request(), stand_by(), send(good_answer("one")), stand_by(), close()});
  on.server->plays({expect_request(), stand_by(), send(good_answer("two")), stand_by(), reset()});
  auto const before = open_files_count();
  auto const one = on.start();
  auto const two = on.start();
  all_go_on(on, {one, two}, 2);
  on.loop.settle();
  SECTION("after two looks, for then it is watched") {
    on.loop.advance(2s);
    on.loop.advance(24h);
    CHECK(on.function->connections_open_count() == 2); // without a ttl they stay
    on.server->go_on();
    REQUIRE(on.loop.run_until([&] { return on.function->connections_open_count() == 0; })); // no time has passed
  }
  SECTION("before that, with the second look") {
    on.server->go_on();
    REQUIRE(on.loop.run_until([&] { return on.server->playing_count() == 0; }));
    on.loop.advance(1s);
    on.loop.advance(1s);
    REQUIRE(on.loop.run_until([&] { return on.function->connections_open_count() == 0; }));
  }
  on.loop.settle();
  CHECK(open_files_count() == before);
  CHECK(on.loop.io().stopped());
  on.server->plays({expect_request(), send(good_answer("three")), hold()});
  CHECK(on.call() == "three");
  CHECK(on.function->counts().attempts_failed == 0);
  CHECK(on.function->counts().resent == 0);
}

TEST_CASE("an idle connection on which something comes unasked is closed at once, and nothing of it is an answer") {
  scene on;
  on.server->plays({expect_request(), send(good_answer("one")), stand_by(), send(good_answer("one")), hold()});
  on.server->plays({expect_request(), send(good_answer("two")), hold()});
  CHECK(on.call() == "one");
  on.loop.advance(1s);
  on.loop.advance(1s);
  SECTION("while nobody calls") {
    on.server->go_on();
    REQUIRE(on.loop.run_until([&] { return on.function->connections_open_count() == 0; }));
    CHECK(on.call() == "two");
  }
  SECTION("in the moment of the next call") {
    on.server->go_on();
    CHECK(on.call() == "two");
  }
  CHECK(on.server->accepted_count() == 2);
  CHECK(on.function->counts().attempts_failed == 0);
}

TEST_CASE("a connection that was idle for long is used again") {
  scene on;
  on.server->plays({answer_with(echo), answer_with(echo), answer_with(echo), answer_with(echo), hold()});
  for (auto const* each : {"#1", "#2", "#3", "#4"}) {
    CHECK(on.finish(on.start(each)) == each);
    for (int second = 0; second < 5; ++second)
      on.loop.advance(1s);
  }
  CHECK(on.server->accepted_count() == 1);
}

TEST_CASE("a connection of which the server says that it ends, ends with the answer") {
  auto const* const said = GENERATE("HTTP/1.1 200 OK\r\nConnection: close", "HTTP/1.0 200 OK");
  scene on;
  std::string const octets = "Content-Type: application/octet-stream\r\n";
  on.server->plays({expect_request(), send(answer_of(said, octets, answer_body("one"))), hold()});
  on.server->plays({expect_request(), send(good_answer("two")), hold()});
  CHECK(on.call() == "one");
  CHECK(on.function->connections_open_count() == 0);
  CHECK(on.call() == "two");
  CHECK(on.server->accepted_count() == 2);
}

TEST_CASE("a connection of HTTP/1.0 that says keep-alive is used again") {
  scene on;
  std::string const headers = "Content-Type: application/octet-stream\r\nConnection: keep-alive\r\n";
  on.server->plays({expect_request(), send(answer_of("HTTP/1.0 200 OK", headers, answer_body("one"))), expect_request(),
                    send(good_answer("two")), hold()});
  CHECK(on.call() == "one");
  CHECK(on.call() == "two");
  CHECK(on.server->accepted_count() == 1);
}

TEST_CASE("a function that is closed ends idle connections at once, and those of calls that are out after these") {
  scene on;
  on.server->plays(serving({"one", "two"}));
  on.server->plays(serving({"one", "two"}));
  on.server->plays(serving({"tried again"}));
  auto const first = on.start();
  auto const second = on.start();
  all_go_on(on, {first, second}, 2);
  auto const out = on.start();
  REQUIRE(on.loop.run_until([&] { return on.server->requests().size() == 3; }));
  on.close();
  CHECK(on.function->connections_open_count() == 1);
  CHECK_FALSE(out->done);
  auto const begins_late = on.start(); // as an attempt of a call that is out may
  all_go_on(on, {out, begins_late}, 4);
  CHECK(out->mark() == "two");
  CHECK(begins_late->mark() == "tried again");
  CHECK(on.function->connections_open_count() == 0);
}

TEST_CASE("a server that serves every connection one request is called without a failed attempt") {
  scene on;
  for (int i = 0; i < 20; ++i) {
    on.server->plays({expect_request(), send(good_answer("one")), close()});
    auto const call = on.start();
    REQUIRE(on.loop.run_until([&] { return call->done && on.server->playing_count() == 0; }));
    CHECK(call->mark() == "one");
  }
  CHECK(on.function->counts().attempts == 20);
  CHECK(on.function->counts().attempts_failed == 0);
  CHECK(on.function->connections_open_count() <= 1);
}

TEST_CASE("a call that sends again has a place of its own in a full pool") {
  scene on([](endpoint::options& chosen) { chosen.pool_size = 2; });
  on.server->plays({expect_request(), stand_by(), send(good_answer("a")), expect_request(), close()});
  on.server->plays({expect_request(), stand_by(), send(good_answer("b")), expect_request(), close()});
  auto const a = on.start();
  auto const b = on.start();
  all_go_on(on, {a, b}, 2);
  CHECK(on.function->connections_idle_count() == 2);
  on.server->plays({expect_request(), send(good_answer("again")), hold()});
  auto const c = on.start();
  REQUIRE(on.loop.run_until([&] { return c->done; }));
  CHECK(c->mark() == "again");
  CHECK(on.function->counts().resent == 1);
  CHECK(on.function->connections_open_count() <= 2);
}
