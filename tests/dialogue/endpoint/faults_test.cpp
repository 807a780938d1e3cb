#include "dialogue/endpoint/dialogue.hpp"

#include "log/capture.hpp"
#include "support/encode.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <map>
#include <string>

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

TEST_CASE("each fault is told in its own words, and the next call is served") {
  std::string const ok = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n";
  std::string const chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";
  auto const gzip = encode(encoding::gzip, answer_body("broken"));
  auto const gzipped = [&](std::string const& body) {
    return answer_of("HTTP/1.1 200 OK", "Content-Type: application/octet-stream\r\nContent-Encoding: gzip\r\n", body);
  };
  auto const bomb = encode(encoding::gzip, std::string(10U << 20U, '\0'));
  std::string const reading = " while reading the answer";
  struct {
    script steps;
    std::string says;
    std::string reason;
  } const faults[] = {
      {{expect_request(), hold()}, "read timeout (3 s) while waiting for the answer", "read_timeout"},
      {{expect_request(), send("HTTP/1.1 200 OK\r\nContent-Ty"), hold()},
       "read timeout (3 s)" + reading,
       "read_timeout"},
      {{expect_request(), send(ok + "Content-Length: 100\r\n\r\nshort"), hold()},
       "read timeout (3 s)" + reading,
       "read_timeout"},
      {{expect_request()}, "the connection was closed while waiting for the answer", "io"},
      {{expect_request(), send("HTTP/1.1 100 Continue\r\n\r\n")}, "the connection was closed" + reading, "io"},
      {{expect_request(), send(ok + "Content-Length: 100\r\n\r\nshort")}, "the connection was closed" + reading, "io"},
      {{expect_request(), send(chunked + "5\r\nab")}, "the connection was closed" + reading, "io"},
      {{expect_request(), send("HT"), reset()}, "Connection reset by peer" + reading, "io"},
      {{expect_request(), send(std::string("\x15\x03\x01\x00\x02\x02\x46", 7))},
       "the answer is not HTTP/1.1 but TLS: is the endpoint's scheme to be https?" + reading,
       "malformed"},
      {{expect_request(), send("\x7f\x45\x4c\x46 garbage\r\n\r\n"), hold()},
       R"(the answer is not HTTP/1.1, it begins with "\x7fELF garbage\r\n\r\n")" + reading,
       "malformed"},
      {{expect_request(), send("HTTP/1.1 200 OK\r\nX: " + std::string(20U << 10U, 'x') + "\r\n\r\n"), hold()},
       "the answer's header is larger than 16384 bytes" + reading,
       "malformed"},
      {{expect_request(), send(chunked + "zz\r\nabc"), hold()},
       "the answer is not HTTP/1.1: bad chunk" + reading,
       "malformed"},
      {{expect_request(), send(chunked + "2\r\nabcdef\r\n"), hold()},
       "the answer is not HTTP/1.1: bad chunk" + reading,
       "malformed"},
      {{expect_request(), send(chunked + "1;" + std::string(20U << 10U, 'x')), hold()},
       "the answer's chunk extensions and trailers are larger than 16384 bytes" + reading,
       "malformed"},
      {{expect_request(), send(ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), hold()},
       "the answer has Content-Lengths that differ" + reading,
       "malformed"},
      {{expect_request(), send(ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), hold()},
       "the answer has a Transfer-Encoding and a Content-Length, or a second Transfer-Encoding" + reading,
       "malformed"},
      {{expect_request(), send("HTTP/1.1 101 Switching Protocols\r\n\r\n"), hold()},
       "the answer is 101, a change of protocol that nobody asked for" + reading,
       "malformed"},
      {{expect_request(), send(answer_of("HTTP/1.1 200 OK", "Content-Encoding: br\r\n", "br")), hold()},
       "the answer is encoded as \"br\", which is neither gzip nor deflate," + reading,
       "malformed"},
      {{expect_request(), send(gzipped(gzip.substr(0, gzip.size() - 1))), hold()},
       "the answer's gzip body is cut short" + reading,
       "malformed"},
      {{expect_request(), send(gzipped(gzip + "more")), hold()},
       "the answer's gzip body is broken" + reading,
       "malformed"},
      {{expect_request(), send(answer_of("HTTP/1.1 200 OK", "Content-Type: text/html\r\n", "hi"))},
       "answered 200 \"OK\" of type \"text/html\" instead of application/octet-stream",
       "content_type"},
      {{expect_request(), send(gzipped(bomb)), hold()},
       "the function's answer cannot be read: answer larger than 1048576 bytes (payload_max_bytes)",
       "answer_unreadable"},
      {{expect_request(), send(ok + "Content-Length: 2000000\r\n\r\n"), hold()},
       "the function's answer cannot be read: answer larger than 1048576 bytes (payload_max_bytes)",
       "answer_unreadable"},
  };
  for (auto const& fault : faults) {
    INFO(fault.says);
    scene on([](endpoint::options& chosen) {
      chosen.read_timeout = 3s;
      chosen.limits.call_timeout = 10s;
      chosen.limits.payload_bytes_max = 1U << 20U;
      chosen.backoff_initial = 1min; // the budget ends before a second attempt
    });
    on.server->plays(fault.steps);
    on.server->plays({expect_request(), send(good_answer("good")), hold()});
    auto const call = on.start();
    for (int second = 0; second < 10 && !call->done; ++second) {
      REQUIRE(on.loop.run_until([&] { return on.server->requests().size() == 1; }));
      on.loop.settle();
      on.loop.advance(1s);
    }
    REQUIRE(on.loop.run_until([&] { return call->done; }));
    CHECK_THAT(call->mark(), Contains(fault.says + ", attempt 1, 127.0.0.1:" + std::to_string(on.server->port())));
    CHECK(on.function->attempts().failures_by_reason == std::map<std::string, std::uint64_t>{{fault.reason, 1}});
    CHECK(on.function->connections_open_count() <= 1);
    CHECK(on.call() == "good");
    CHECK(on.function->connections_idle_count() == 1);
    REQUIRE(on.server->requests().size() == 2);
    CHECK(on.server->requests()[1] == on.server->requests()[0]);
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
  SECTION("the second while the next call's request is sent") {
    scene on;
    on.server->plays({expect_request(), send(good_answer("one")), expect_bytes(10), send(good_answer("stray")),
                      expect_bytes(16U << 20U), hold()});
    on.server->plays({expect_request(), send(good_answer("two")), hold()});
    CHECK(on.call() == "one");
    CHECK(on.finish(on.start(std::string(16U << 20U, 'x'))) == "two");
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

TEST_CASE("the late answer of a call that has ended is never taken for the next call's") {
  for (auto const& late : {good_answer("late"), good_answer("late").substr(40)}) {
    scene on([](endpoint::options& chosen) { chosen.limits.call_timeout = 10s; });
    on.server->plays({expect_request(), send(good_answer("late").substr(0, 40)), stand_by(), send(late), hold()});
    on.server->plays({expect_request(), send(good_answer("two")), hold()});
    auto const first = on.start();
    REQUIRE(on.loop.run_until([&] { return on.server->requests().size() == 1; }));
    on.loop.advance(10s);
    REQUIRE(on.loop.run_until([&] { return first->done; }));
    CHECK_THAT(first->mark(), Contains("call timeout (10 s)"));
    CHECK(on.function->connections_open_count() == 0);
    on.server->go_on();
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

TEST_CASE("a call that tries again is told of while it does, and once in ten seconds") {
  log::capture const logged;
  scene on([](endpoint::options& chosen) {
    chosen.backoff_initial = 1s;
    chosen.limits.call_timeout = 1min;
  });
  for (int i = 0; i < 3; ++i)
    on.server->plays({expect_request(), send(answer_of("HTTP/1.1 500 No", "", "no such price")), close()});
  on.server->plays({expect_request(), send(good_answer("good")), hold()});
  auto const call = on.start();
  for (unsigned failed = 1; failed <= 3; ++failed) {
    REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed == failed; }));
    on.loop.settle();
    auto const seen = on.function->attempts();
    CHECK(seen.calls_retrying_count == 1);
    CHECK(seen.last_failed_attempt == failed);
    CHECK_THAT(seen.last_error, Contains("answered 500") && Contains("no such price") &&
                                    Contains(", attempt " + std::to_string(failed) + ", 127.0.0.1:"));
    on.loop.advance(5s);
  }
  REQUIRE(on.loop.run_until([&] { return call->done; }));
  CHECK(call->mark() == "good");
  CHECK(on.function->attempts().calls_retrying_count == 0);
  auto const told = logged.events(number::attempt_failed);
  REQUIRE(told.size() == 2);
  CHECK_THAT(told[0].fields.at("error"), Contains("no such price") && Contains(", attempt 1, "));
  CHECK(told[0].fields.at("unlogged") == "0");
  CHECK_THAT(told[1].fields.at("error"), Contains(", attempt 3, "));
  CHECK(told[1].fields.at("unlogged") == "1");
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
