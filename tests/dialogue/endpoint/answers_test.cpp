#include "dialogue/endpoint/dialogue.hpp"

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

std::string const octets = "Content-Type: application/octet-stream\r\n";

// What a call comes to whose first answer is `bytes`, with no time for another.
std::string only_answer(std::string const& bytes, scene::adjust const& change = {}) {
  auto const impatient = [&](endpoint::options& chosen) {
    chosen.limits.call_timeout = 10s;
    chosen.backoff_initial = 1min; // the budget ends before a second attempt
    if (change)
      change(chosen);
  };
  scene on(impatient);
  on.server->plays({expect_request(), send(bytes), hold()});
  auto const call = on.start();
  auto const ended = on.loop.run_until([&] { return call->done || on.function->counts().attempts_failed > 0; });
  REQUIRE(ended);
  if (!call->done)
    on.loop.advance(10s);
  REQUIRE(on.loop.run_until([&] { return call->done; }));
  return call->mark();
}

} // namespace

TEST_CASE("a call is one POST with the batch, and the answer is what the function said") {
  scene on([](endpoint::options& chosen) { chosen.user_agent = "statefund/0.1"; });
  on.server->plays({expect_request(), send(good_answer("one"))});
  CHECK(on.call() == "one");
  REQUIRE(on.server->requests().size() == 1);
  auto const& request = on.server->requests().front();
  auto const head_end = request.find("\r\n\r\n");
  auto const body = request.substr(head_end + 4);
  CHECK(request.substr(0, head_end + 4) == "POST /statefun HTTP/1.1\r\n"
                                           "Host: example:8000\r\n"
                                           "User-Agent: statefund/0.1\r\n"
                                           "Content-Type: application/octet-stream\r\n"
                                           "Accept: application/octet-stream\r\n"
                                           "Accept-Encoding: gzip, deflate\r\n"
                                           "Connection: keep-alive\r\n"
                                           "Content-Length: " +
                                               std::to_string(body.size()) + "\r\n\r\n");
  // ToFunction.invocation{target{ns, f, id}, invocations{argument{t/t, has_value, argument}}}
  CHECK(body == std::string("\xa2\x06\x22"
                            "\x0a\x0b\x0a\x02ns\x12\x01"
                            "f\x1a\x02id"
                            "\x1a\x13\x12\x11\x0a\x03t/t\x10\x01\x1a\x08"
                            "argument"));
}

TEST_CASE("a chunked answer, behind 1xx answers, on a connection that stays") {
  scene on;
  auto const body = answer_body("one");
  on.server->plays({expect_request(), send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n" + octets),
                    send("Transfer-Encoding: chunked\r\n\r\n1\r\n" + body.substr(0, 1) + "\r\n"), stand_by(),
                    send(std::string(1, "0123456789abcdef"[(body.size() - 1) >> 4U]) +
                         "0123456789abcdef"[(body.size() - 1) & 15U] + "\r\n" + body.substr(1) + "\r\n0\r\n\r\n"),
                    expect_request(), send(good_answer("two"))});
  auto const first = on.start();
  REQUIRE(on.loop.run_until([&] { return on.server->requests().size() == 1; }));
  on.loop.settle();
  CHECK_FALSE(first->done);
  on.server->go_on();
  CHECK(on.finish(first) == "one");
  CHECK(on.call() == "two");
  CHECK(on.server->accepted_count() == 1);
}

TEST_CASE("a close-delimited answer is good, and the next call opens a new connection") {
  scene on;
  on.server->plays({expect_request(), send("HTTP/1.1 200 OK\r\n" + octets + "\r\n" + answer_body("one")), close()});
  on.server->plays({expect_request(), send(good_answer("two"))});
  CHECK(on.call() == "one");
  CHECK(on.call() == "two");
  CHECK(on.server->accepted_count() == 2);
  CHECK(on.function->counts().resent == 0);
}

TEST_CASE("a close-delimited answer that ends before its body is no answer") {
  scene on;
  on.server->plays({expect_request(), send("HTTP/1.1 200 OK\r\n" + octets + "\r\n"), close()});
  on.server->plays({expect_request(), send(good_answer("two"))});
  CHECK(on.call() == "two");
  CHECK(on.function->counts().attempts_failed == 1);
}

TEST_CASE("after Connection: close or HTTP/1.0 the next call opens a new connection") {
  scene on;
  on.server->plays({expect_request(),
                    send(answer_of("HTTP/1.1 200 OK", "Connection: close\r\n" + octets, answer_body("one"))), hold()});
  on.server->plays({expect_request(), send(answer_of("HTTP/1.0 200 OK", octets, answer_body("two"))), hold()});
  on.server->plays({expect_request(), send(good_answer("three")), hold()});
  CHECK(on.call() == "one");
  CHECK(on.function->connections_open_count() == 0);
  CHECK(on.call() == "two");
  CHECK(on.call() == "three");
  CHECK(on.server->accepted_count() == 3);
}

TEST_CASE("an empty body is a valid answer") {
  scene on;
  on.server->plays({expect_request(), send(answer_of("HTTP/1.1 200 OK", octets, ""))});
  auto const call = on.start();
  CHECK(on.finish(call).empty());
  CHECK(call->got->has_value());
}

TEST_CASE("a large body comes whole") {
  scene on;
  std::string const padding(3U << 20U, 'x'); // an unknown field of FromFunction, 15: skipped
  std::string const body = answer_body("one") + std::string("\x7a\x80\x80\xc0\x01", 5) + padding;
  on.server->plays({expect_request(), send(answer_of("HTTP/1.1 200 OK", octets, body))});
  CHECK(on.call() == "one");
}

TEST_CASE("a content type may have parameters") {
  CHECK(only_answer(answer_of("HTTP/1.1 200 OK", "content-type: Application/Octet-Stream; charset=x\r\n",
                              answer_body("one"))) == "one");
}

TEST_CASE("answers about the endpoint are retried until the budget is spent, and the error tells the last one") {
  std::string const port = ", attempt 1, 127.0.0.1:";
  std::string const spent = "the endpoint failed: call timeout (10 s) after: ";
  CHECK_THAT(
      only_answer(answer_of("HTTP/1.1 200 OK", "Content-Type: text/html\r\n", "hi")),
      StartsWith(spent + "answered 200 \"OK\" of type \"text/html\" instead of application/octet-stream" + port));
  CHECK_THAT(only_answer(answer_of("HTTP/1.1 200 OK", "", "hi")),
             StartsWith(spent + "answered 200 \"OK\" without a content type" + port));
  CHECK_THAT(
      only_answer(answer_of("HTTP/1.1 302 Found", "Location: http://other/\r\n", "")),
      StartsWith(spent + "answered 302 \"Found\" with Location \"http://other/\"; redirects are not followed" + port));
  CHECK_THAT(only_answer(answer_of("HTTP/1.1 404 Not Found", "", "no such page")),
             StartsWith(spent + "answered 404 \"Not Found\": \"no such page\"" + port));
  CHECK_THAT(only_answer(answer_of("HTTP/1.1 500 Oops", "", "trace")),
             StartsWith(spent + "answered 500 \"Oops\": \"trace\"" + port));
  CHECK_THAT(only_answer("SSH-2.0-OpenSSH\r\n"),
             StartsWith(spent + R"(the answer is not HTTP/1.1, it begins with "SSH-2.0-OpenSSH\r\n" while reading)"));
  CHECK_THAT(only_answer("HTTP/1.1 200 OK\r\nX: " + std::string(20000, 'x') + "\r\n\r\n"),
             StartsWith(spent + "the answer's header is larger than 16384 bytes while reading the answer" + port));
}

TEST_CASE("answers about the message end the call at once") {
  CHECK_THAT(only_answer(answer_of("HTTP/1.1 400 Bad Request", "", "what?")),
             StartsWith("the function refused the message: answered 400 \"Bad Request\": \"what?\", attempt 1, "));
  CHECK_THAT(only_answer(answer_of("HTTP/1.1 413 Too Large", "", "")), StartsWith("the function refused the message"));
  CHECK_THAT(only_answer(answer_of("HTTP/1.1 422 No", "", "")), StartsWith("the function refused the message"));
  CHECK_THAT(only_answer(answer_of("HTTP/1.1 200 OK", octets, "\xff\xff")),
             StartsWith("the function's answer cannot be read: "));
}

TEST_CASE("an answer that asks for what cannot be is the function's error") {
  // an egress message without a type
  CHECK_THAT(only_answer(answer_of("HTTP/1.1 200 OK", octets, std::string("\xa2\x06\x06\x22\x04\x0a\x02ns", 9))),
             StartsWith("the function asks for what cannot be done: "));
}

TEST_CASE("an answer of the other generation is named, and so is what a 500 may mean") {
  auto const as_v2 = [](endpoint::options& chosen) { chosen.speaks = wire::generation::v2; };
  // FromFunction.incomplete_invocation_context
  CHECK_THAT(only_answer(answer_of("HTTP/1.1 200 OK", octets, std::string("\xaa\x06\x00", 3)), as_v2),
             StartsWith("the endpoint speaks the other protocol generation: ") &&
                 Contains("kind: io.statefun.endpoints.v2/http"));
  CHECK_THAT(only_answer(answer_of("HTTP/1.1 500 Oops", "", "trace"), as_v2),
             Contains("answered 500") && Contains("kind: io.statefun.endpoints.v2/http"));
}

TEST_CASE("an answer above the limit is not read, and not asked for again") {
  auto const small = [](endpoint::options& chosen) { chosen.limits.payload_bytes_max = 1000; };
  std::string const large(1001, '\0');
  CHECK_THAT(
      only_answer(answer_of("HTTP/1.1 200 OK", octets, large), small),
      StartsWith(
          "the function's answer cannot be read: answer larger than 1000 bytes (payload_max_bytes), attempt 1, "));
  CHECK_THAT(only_answer("HTTP/1.1 200 OK\r\n" + octets + "Content-Length: 99999999999\r\n\r\n", small),
             Contains("answer larger than 1000 bytes"));
  CHECK_THAT(only_answer("HTTP/1.1 200 OK\r\n" + octets + "Transfer-Encoding: chunked\r\n\r\nffffff\r\n", small),
             Contains("answer larger than 1000 bytes"));
  CHECK_THAT(only_answer("HTTP/1.1 200 OK\r\n" + octets + "\r\n" + large, small),
             Contains("answer larger than 1000 bytes"));
}

TEST_CASE("an encoded answer is decoded, and its connection goes on") {
  scene on;
  std::string const gzip = octets + "Content-Encoding: gzip\r\n";
  std::string const deflate = octets + "Content-Encoding: deflate\r\n";
  on.server->plays(
      {expect_request(), send(answer_of("HTTP/1.1 200 OK", gzip, encode(encoding::gzip, answer_body("one")))),
       expect_request(), send(answer_of("HTTP/1.1 200 OK", deflate, encode(encoding::zlib, answer_body("two")))),
       expect_request(), send(answer_of("HTTP/1.1 200 OK", octets, answer_body("three"))), hold()});
  CHECK(on.call() == "one");
  CHECK(on.call() == "two");
  CHECK(on.call() == "three");
  CHECK(on.server->accepted_count() == 1);
}

TEST_CASE("a status is told with its body's text, decoded, on one line, with its control bytes to be seen") {
  std::string const traceback =
      "Traceback (most recent call last):\n  File \"/app/f.py\", line 3\nValueError: \x1b[31mno";
  std::string const told = R"(answered 500 "Oops": "Traceback (most recent call last):\n  File "/app/f.py", line 3\n)"
                           R"(ValueError: \x1b[31mno", attempt 1, 127.0.0.1:)";
  CHECK_THAT(only_answer(answer_of("HTTP/1.1 500 Oops", "Content-Type: text/plain\r\n", traceback)), Contains(told));
  CHECK_THAT(
      only_answer(answer_of("HTTP/1.1 500 Oops", "Content-Encoding: gzip\r\n", encode(encoding::gzip, traceback))),
      Contains(told));
  CHECK_THAT(only_answer(answer_of("HTTP/1.1 500 Oops", "", traceback + std::string(100'000, '.'))),
             Contains("Traceback (most recent call last):") && Contains(".....\", attempt 1, "));
}

TEST_CASE("an answer without a body may leave everything out but its type") {
  CHECK(only_answer("HTTP/1.1 204 No Content\r\n" + octets + "\r\n").empty());
  CHECK_THAT(only_answer("HTTP/1.1 204 No Content\r\n\r\n"),
             Contains("answered 204 \"No Content\" without a content type"));
  CHECK_THAT(only_answer("HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n"),
             Contains("answered 304 \"Not Modified\" without a Location; redirects are not followed"));
}

TEST_CASE("an endpoint that says when to come again is left alone until then") {
  scene on;
  on.server->plays({expect_request(), send(answer_of("HTTP/1.1 429 Slow", "Retry-After: 5\r\n", "")), expect_request(),
                    send(answer_of("HTTP/1.1 503 Later", "Retry-After: Tue, 14 Nov 2023 22:13:30 GMT\r\n", "")),
                    expect_request(), send(good_answer("good")), hold()});
  // The clock begins at 22:13:20 of that day.
  auto const call = on.start();
  REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed == 1; }));
  on.loop.advance(5s - 1ns);
  on.loop.settle();
  REQUIRE(on.server->requests().size() == 1);
  on.loop.advance(2ms + 1ns); // the first back-off, at most
  REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed == 2; }));
  on.loop.advance(4997ms);
  on.loop.settle();
  REQUIRE(on.server->requests().size() == 2);
  on.loop.advance(5ms);
  REQUIRE(on.loop.run_until([&] { return call->done; }));
  CHECK(call->mark() == "good");
  CHECK(on.server->requests()[2] == on.server->requests()[0]);
}

TEST_CASE("a call ends at once when the endpoint wishes to be left alone for longer than it may last") {
  scene on([](endpoint::options& chosen) { chosen.limits.call_timeout = 10s; });
  on.server->plays({expect_request(), send(answer_of("HTTP/1.1 503 Later", "Retry-After: 3600\r\n", "busy")),
                    expect_request(), send(good_answer("good")), hold()});
  auto const call = on.start();
  REQUIRE(on.loop.run_until([&] { return call->done; })); // no time has passed
  CHECK(call->got->error().code == function::errc::endpoint_failed);
  CHECK_THAT(call->mark(),
             StartsWith("the endpoint failed: Retry-After (60 min) is beyond the call timeout (10 s) after: "
                        "answered 503 \"Later\", Retry-After \"3600\": \"busy\", attempt 1, 127.0.0.1:"));
  CHECK(on.call() == "good");
}

TEST_CASE("a call whose time is up within an attempt means what the attempt before has told") {
  scene on([](endpoint::options& chosen) {
    chosen.read_timeout.reset();
    chosen.limits.call_timeout = 10s;
  });
  on.server->plays({expect_request(), send(answer_of("HTTP/1.1 500 Oops", "", "thrown")), expect_request(), hold()});
  auto const call = on.start();
  REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed == 1; }));
  on.loop.advance(1s); // the back-off
  REQUIRE(on.loop.run_until([&] { return on.server->requests().size() == 2; }));
  on.loop.advance(9s);
  REQUIRE(on.loop.run_until([&] { return call->done; }));
  CHECK(call->got->error().code == function::errc::answered_500);
  CHECK_THAT(call->mark(), Contains("call timeout (10 s) while waiting for the answer, attempt 2, ") &&
                               Contains("; the attempt before: answered 500 \"Oops\": \"thrown\""));
}

TEST_CASE("a request above the limit is never sent, and the error tells both sizes") {
  scene on([](endpoint::options& chosen) { chosen.limits.payload_bytes_max = 1000; });
  on.server->plays({expect_request(), send(good_answer("good")), hold()});
  auto const call = on.start(std::string(1000, 'x'));
  REQUIRE(on.loop.run_until([&] { return call->done; }));
  CHECK(call->got->error().code == function::errc::message_refused);
  CHECK(call->mark() == "the function refused the message: request of 1033 bytes, above payload_max_bytes (1000): "
                        "1 messages, and 17 bytes for states and address");
  CHECK(on.server->accepted_count() == 0);
  CHECK(on.call() == "good");
}

TEST_CASE("what is wrong with a good answer's bytes is counted by its reason") {
  std::string const egress_without_type("\xa2\x06\x06\x22\x04\x0a\x02ns", 9);
  std::string const missing_states("\xaa\x06\x00", 3);
  scene on([](endpoint::options& chosen) { chosen.speaks = wire::generation::v2; });
  on.server->plays({expect_request(), send(answer_of("HTTP/1.1 200 OK", octets, "\xff")), expect_request(),
                    send(answer_of("HTTP/1.1 200 OK", octets, egress_without_type)), expect_request(),
                    send(answer_of("HTTP/1.1 200 OK", octets, missing_states)), hold()});
  on.call();
  on.call();
  on.call();
  std::map<std::string, std::uint64_t> const counted{
      {"answer_unreadable", 1}, {"function_in_error", 1}, {"wrong_generation", 1}};
  CHECK(on.function->attempts().failures_by_reason == counted);
  CHECK(on.function->counts().attempts_failed == 3);
}
