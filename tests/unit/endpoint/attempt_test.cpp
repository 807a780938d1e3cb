#include "endpoint/attempt.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace statefund::endpoint;
using namespace std::chrono_literals;

namespace {

answer answered(unsigned status, std::string content_type = "application/octet-stream") {
  answer got;
  got.status = status;
  got.content_type = std::move(content_type);
  return got;
}

} // namespace

TEST_CASE("an answer of 2xx and the right type is good") {
  for (unsigned status = 200; status < 300; ++status)
    CHECK(judge(answered(status)) == outcome::good);
}

TEST_CASE("a missing or wrong content type is about the endpoint") {
  CHECK(judge(answered(200, "")) == outcome::endpoint);
  CHECK(judge(answered(200, "text/html")) == outcome::endpoint);
  CHECK(judge(answered(200, "application/octet-streams")) == outcome::endpoint);
}

TEST_CASE("a content type may have parameters, spaces and any case") {
  CHECK(is_octet_stream("application/octet-stream"));
  CHECK(is_octet_stream("Application/Octet-Stream"));
  CHECK(is_octet_stream("application/octet-stream;charset=utf-8"));
  CHECK(is_octet_stream(" application/octet-stream ; a=b; c=d"));
  CHECK_FALSE(is_octet_stream(""));
  CHECK_FALSE(is_octet_stream(";application/octet-stream"));
  CHECK_FALSE(is_octet_stream("application/octet"));
}

TEST_CASE("of 4xx, those that speak of the endpoint are told from those that speak of the message") {
  std::set<unsigned> const about_endpoint{401, 403, 404, 405, 407, 408, 409, 420, 425, 429, 499};
  for (unsigned status = 400; status < 500; ++status) {
    INFO(status);
    CHECK(judge(answered(status)) == (about_endpoint.contains(status) ? outcome::endpoint : outcome::message));
  }
}

TEST_CASE("3xx, 5xx and statuses that do not exist are about the endpoint") {
  for (unsigned const status : {300U, 301U, 302U, 307U, 399U, 500U, 503U, 599U, 600U, 999U})
    CHECK(judge(answered(status)) == outcome::endpoint);
}

TEST_CASE("an I/O failure before any byte of an answer is stale on a reused connection only") {
  for (auto const at : {stage::sending, stage::waiting}) {
    CHECK(judge(failure{cause::io, at, {}}, connection_age::reused) == outcome::stale);
    CHECK(judge(failure{cause::io, at, {}}, connection_age::fresh) == outcome::endpoint);
  }
  CHECK(judge(failure{cause::io, stage::reading, {}}, connection_age::reused) == outcome::endpoint);
}

TEST_CASE("a timeout or a malformed answer is never stale") {
  for (auto const why :
       {cause::connect_timeout, cause::read_timeout, cause::write_timeout, cause::malformed, cause::out_of_descriptors})
    CHECK(judge(failure{why, stage::waiting, {}}, connection_age::reused) == outcome::endpoint);
  CHECK(judge(failure{cause::call_timeout, stage::waiting, {}}, connection_age::reused) == outcome::call_timeout);
  CHECK(judge(failure{cause::cancelled, stage::waiting, {}}, connection_age::reused) == outcome::cancelled);
}

TEST_CASE("what fails before there is a connection has not reached the endpoint, but for a cancellation") {
  for (auto const at : {stage::resolving, stage::connecting, stage::handshaking}) {
    for (auto const why : {cause::io, cause::out_of_descriptors, cause::connect_timeout, cause::call_timeout})
      CHECK(judge(failure{why, at, {}}, connection_age::fresh) == outcome::not_reached);
    CHECK(judge(failure{cause::cancelled, at, {}}, connection_age::fresh) == outcome::cancelled);
  }
}

TEST_CASE("TLS that fails before an answer has begun has not let the request through, however old the connection") {
  for (auto const age : {connection_age::fresh, connection_age::reused}) {
    for (auto const at : {stage::handshaking, stage::sending, stage::waiting}) {
      CHECK(judge(failure{cause::tls, at, {}}, age) == outcome::not_reached);
      CHECK(meaning_of(failure{cause::tls, at, {}}) == statefund::function::errc::endpoint_unreachable);
    }
    CHECK(judge(failure{cause::tls, stage::reading, {}}, age) == outcome::endpoint);
  }
  CHECK(meaning_of(failure{cause::tls, stage::reading, {}}) == statefund::function::errc::endpoint_failed);
}

TEST_CASE("what follows an attempt") {
  CHECK(after_attempt(outcome::good, 1s, 0s) == step::decode);
  CHECK(after_attempt(outcome::message, 1s, 0s) == step::refuse);
  CHECK(after_attempt(outcome::endpoint, 1ns, 0s) == step::retry);
  CHECK(after_attempt(outcome::stale, 1ns, 0s) == step::resend);
  CHECK(after_attempt(outcome::not_reached, 1s, 0s) == step::not_reached);
  CHECK(after_attempt(outcome::cancelled, 1s, 0s) == step::cancel);
}

TEST_CASE("without time left only what is known already counts") {
  CHECK(after_attempt(outcome::good, 0s, 0s) == step::decode);
  CHECK(after_attempt(outcome::message, 0s, 0s) == step::refuse);
  CHECK(after_attempt(outcome::not_reached, 0s, 0s) == step::not_reached);
  CHECK(after_attempt(outcome::cancelled, 0s, 0s) == step::cancel);
  CHECK(after_attempt(outcome::endpoint, 0s, 0s) == step::give_up);
  CHECK(after_attempt(outcome::stale, 0s, 0s) == step::give_up);
  CHECK(after_attempt(outcome::call_timeout, 0s, 0s) == step::give_up);
}

TEST_CASE("failures are told with the timeout's name and the stage") {
  timeouts const configured{20s, 250ms, 1500us, 2min};
  CHECK(describe(failure{cause::connect_timeout, stage::resolving, {}}, configured) ==
        "connect timeout (20 s) while looking up the name");
  CHECK(describe(failure{cause::read_timeout, stage::waiting, {}}, configured) ==
        "read timeout (250 ms) while waiting for the answer");
  CHECK(describe(failure{cause::write_timeout, stage::sending, {}}, configured) ==
        "write timeout (1500 us) while sending the request");
  CHECK(describe(failure{cause::call_timeout, stage::reading, {}}, configured) ==
        "call timeout (2 min) while reading the answer");
  CHECK(describe(failure{cause::io, stage::connecting, "Connection refused"}, configured) ==
        "Connection refused while connecting");
}

TEST_CASE("what is known besides a timeout stands in brackets") {
  timeouts const configured{20s, 250ms, 1500us, 2min};
  CHECK(describe(failure{cause::connect_timeout, stage::connecting, "127.0.0.1:80: no answer"}, configured) ==
        "connect timeout (20 s) while connecting (127.0.0.1:80: no answer)");
  CHECK(describe(failure{cause::out_of_descriptors, stage::connecting, "Too many open files"}, configured) ==
        "Too many open files while connecting");
}

TEST_CASE("a call's error tells whether the endpoint was reached") {
  using statefund::function::errc;
  for (auto const why : {cause::io, cause::connect_timeout, cause::call_timeout, cause::cancelled}) {
    CHECK(meaning_of(failure{why, stage::resolving, {}}) == errc::name_unresolved);
    CHECK(meaning_of(failure{why, stage::connecting, {}}) == errc::endpoint_unreachable);
    CHECK(meaning_of(failure{why, stage::handshaking, {}}) == errc::endpoint_unreachable);
    for (auto const at : {stage::sending, stage::waiting, stage::reading})
      CHECK(meaning_of(failure{why, at, {}}) == (why == cause::call_timeout ? errc::timed_out : errc::endpoint_failed));
  }
  for (auto const at : {stage::resolving, stage::connecting})
    CHECK(meaning_of(failure{cause::out_of_descriptors, at, {}}) == errc::out_of_descriptors);
}

TEST_CASE("a call's error tells whether its time was up, and whether the function itself has answered") {
  using statefund::function::errc;
  for (auto const at : {stage::sending, stage::waiting, stage::reading}) {
    CHECK(meaning_of(failure{cause::read_timeout, at, {}}) == errc::timed_out);
    CHECK(meaning_of(failure{cause::write_timeout, at, {}}) == errc::endpoint_failed);
  }
  CHECK(meaning_of(answered(500)) == errc::answered_500);
  for (unsigned const status : {429U, 502U, 503U, 504U})
    CHECK(meaning_of(answered(status)) == errc::endpoint_failed);
  for (unsigned const status : {200U, 302U, 401U, 404U, 409U, 501U, 505U})
    CHECK(meaning_of(answered(status)) == errc::endpoint_answered);
}

TEST_CASE("answers are told with what an operator needs, on one line") {
  auto moved = answered(302);
  moved.reason = "Found";
  moved.location = "http://elsewhere/";
  CHECK(describe(moved) == "answered 302 \"Found\" with Location \"http://elsewhere/\"; redirects are not followed");
  CHECK(describe(answered(200, "text/html")) ==
        "answered 200 of type \"text/html\" instead of application/octet-stream");
  auto failed = answered(500);
  failed.body = "Traceback\n  \x1b[31m" + std::string(500, 'x');
  auto const told = describe(failed);
  CHECK(told.starts_with(R"(answered 500: "Traceback\n  \x1b[31mxxx)"));
  failed.retry_after = "5";
  failed.body.clear();
  failed.content_encoding = "br";
  failed.state = body_state::undecodable;
  CHECK(describe(failed) == "answered 500, Retry-After \"5\" (its body cannot be decoded as \"br\")");
}

TEST_CASE("a wished wait is what a 429 or 503 says in Retry-After, in seconds or as a date of any of three forms") {
  constexpr std::int64_t now_ms = 784'111'770'500; // half a second after Sun, 06 Nov 1994 08:49:30 GMT
  auto const wished = [](unsigned status, std::string said) {
    auto got = answered(status);
    got.retry_after = std::move(said);
    return wished_wait(got, now_ms);
  };
  CHECK(wished(429, "120") == 120s);
  CHECK(wished(503, " 0 ") == 0s);
  CHECK(wished(503, "Sun, 06 Nov 1994 08:49:37 GMT") == 6500ms);
  CHECK(wished(503, "Sunday, 06-Nov-94 08:49:37 GMT") == 6500ms);
  CHECK(wished(503, "Sun Nov  6 08:49:37 1994") == 6500ms);
  CHECK(wished(503, "Sun, 06 Nov 1994 08:49:07 GMT") == 0s);
  CHECK(wished(503, "Fri, 31 Dec 9999 23:59:59 GMT") == 8760h);
  CHECK(wished(429, "99999999999999999999999999") == 8760h);
  for (auto const* const none : {"", "-5", "+5", "1.5", "5 s", "soon", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nov"})
    CHECK(wished(429, none) == 0s);
  CHECK(wished(500, "120") == 0s);
  CHECK(wished(200, "120") == 0s);
}

TEST_CASE("a wait that does not fit into what is left of the budget puts the call off") {
  CHECK(after_attempt(outcome::endpoint, 10s, 10s - 1ns) == step::retry);
  CHECK(after_attempt(outcome::endpoint, 10s, 10s) == step::put_off);
  CHECK(after_attempt(outcome::endpoint, 0s, 10s) == step::give_up);
}
