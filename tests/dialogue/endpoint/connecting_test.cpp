#include "dialogue/endpoint/dialogue.hpp"

#include <boost/asio/local/stream_protocol.hpp>

#include <catch2/catch.hpp>

#include <cstdio>
#include <sys/stat.h>
#include <unistd.h>

using namespace statefund;
using namespace statefund::dialogue;
using namespace statefund::support;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using asio_unix = boost::asio::local::stream_protocol;

namespace {

void impatient(endpoint::options& chosen) {
  chosen.connect_timeout = 2s;
  chosen.limits.call_timeout = 50s;
  chosen.backoff_initial = 10min;
}

endpoint::options over_tcp(std::uint16_t port) {
  endpoint::options chosen;
  chosen.host = "127.0.0.1";
  chosen.port = port;
  return chosen;
}

// The call's one attempt fails, and the call with it: no time passes.
std::string not_reached(scene& on, outgoing const& call) {
  REQUIRE(on.loop.run_until([&] { return call.done; }));
  CHECK(on.function->counts().attempts == 1);
  CHECK(on.function->counts().attempts_failed == 1);
  return call.mark();
}

std::string const unreachable = "the endpoint cannot be reached: ";

// For a while, somebody whom a file's mode keeps out.
class nobody {
 public:
  nobody() { REQUIRE((::geteuid() != 0 || ::seteuid(65534) == 0)); }
  ~nobody() { static_cast<void>(::seteuid(::getuid())); }
  nobody(nobody const&) = delete;
  nobody& operator=(nobody const&) = delete;
};

} // namespace

TEST_CASE("a unix socket is called like any other place") {
  auto const path = socket_path();
  scene on(path, 128);
  on.server->plays({expect_request(), send(good_answer("one")), expect_request(), send(good_answer("two")), hold()});
  CHECK(on.call() == "one");
  CHECK(on.call() == "two");
  CHECK(on.server->accepted_count() == 1);
}

TEST_CASE("a socket file that is missing is named, and found by the next call when it was made") {
  auto const path = socket_path();
  scene on;
  on.use(scene::over_unix(path));
  CHECK(not_reached(on, *on.start()) == unreachable + "No such file or directory while connecting, attempt 1, " + path);
  scripted_server late(on.loop, path);
  late.plays({expect_request(), send(good_answer("late")), hold()});
  CHECK(on.call() == "late");
}

TEST_CASE("a socket file at which nobody listens is named, and works once it was made again") {
  auto const path = socket_path();
  scene on;
  {
    asio_unix::acceptor const dead(on.loop.io(), asio_unix::endpoint(path)); // its file stays
  }
  auto chosen = scene::over_unix(path);
  impatient(chosen);
  on.use(chosen);
  CHECK(not_reached(on, *on.start()) == unreachable + "Connection refused while connecting, attempt 1, " + path);
  REQUIRE(std::remove(path.c_str()) == 0);
  scripted_server alive(on.loop, path);
  alive.plays({expect_request(), send(good_answer("alive")), hold()});
  CHECK(on.call() == "alive");
}

TEST_CASE("a socket file that may not be used is named, and works once it may") {
  auto const path = socket_path();
  scene on(path, 128, impatient);
  on.server->plays({expect_request(), send(good_answer("allowed")), hold()});
  REQUIRE(::chmod(path.c_str(), 0) == 0);
  {
    nobody const kept_out;
    CHECK(not_reached(on, *on.start()) == unreachable + "Permission denied while connecting, attempt 1, " + path);
  }
  REQUIRE(::chmod(path.c_str(), 0600) == 0);
  CHECK(on.call() == "allowed");
}

TEST_CASE("a socket file that is removed and made again is found by the next call") {
  auto const path = socket_path();
  scene on(path, 128);
  script const life{answer_with(echo), answer_with(echo), hold()};
  on.server->plays(life);
  for (int round = 1; round <= 5; ++round) {
    CHECK(on.finish(on.start("#while it is there")) == "#while it is there");
    on.server.reset();
    REQUIRE(::access(path.c_str(), F_OK) != 0);
    auto const call = on.start("#while it is gone");
    REQUIRE(on.loop.run_until([&] { return call->done; }));
    CHECK(call->mark() == unreachable + "No such file or directory while connecting, attempt 1, " + path);
    on.server = std::make_unique<scripted_server>(on.loop, path);
    on.server->plays(life);
    CHECK(on.finish(on.start("#while it is back")) == "#while it is back");
    CHECK(on.server->requests().size() == 1);
  }
}

TEST_CASE("a connect that is refused ends the call at once, and the next call recovers") {
  scene on;
  auto const port = free_port(on.loop);
  on.use(over_tcp(port));
  auto const call = on.start();
  CHECK(not_reached(on, *call) ==
        unreachable + "Connection refused while connecting, attempt 1, 127.0.0.1:" + std::to_string(port));
  CHECK(call->got->error().code == function::errc::endpoint_unreachable);
  scripted_server up(on.loop, {boost::asio::ip::address_v4::loopback(), port});
  up.plays({expect_request(), send(good_answer("back")), hold()});
  CHECK(on.call() == "back");
  CHECK(up.requests().size() == 1);
}

TEST_CASE("a call whose endpoint goes away between its attempts ends with the connect that failed") {
  scene on([](endpoint::options& chosen) { chosen.backoff_initial = 1s; });
  auto const port = on.server->port();
  on.server->plays({expect_request(), send(answer_of("HTTP/1.1 503 Later", "", "")), close()});
  auto const call = on.start();
  REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed == 1; }));
  CHECK_FALSE(call->done);
  on.server.reset();
  on.loop.settle();
  on.loop.advance(1s);
  REQUIRE(on.loop.run_until([&] { return call->done; }));
  CHECK(call->mark() ==
        unreachable + "Connection refused while connecting, attempt 2, 127.0.0.1:" + std::to_string(port));
  CHECK(on.function->counts().attempts == 2);
}

TEST_CASE("a call whose time ends while it connects says so, on the tick") {
  scene on;
  deaf_listener const deaf(on.loop, "127.0.0.1");
  auto chosen = over_tcp(deaf.port());
  chosen.connect_timeout = 1min;
  chosen.limits.call_timeout = 20s;
  on.use(chosen);
  auto const call = on.start();
  on.loop.advance(20s - 1ns);
  REQUIRE_FALSE(call->done);
  on.loop.advance(1ns);
  CHECK(not_reached(on, *call) ==
        unreachable + "call timeout (20 s) while connecting, attempt 1, 127.0.0.1:" + std::to_string(chosen.port));
}

TEST_CASE("a full unix backlog is waited for within the connect timeout") {
  auto const path = socket_path();
  scene on(path, 0, impatient);
  // Fills it: these are connected and not accepted.
  std::vector<asio_unix::socket> filling;
  for (;;) {
    auto& next = filling.emplace_back(on.loop.io());
    next.open();
    next.non_blocking(true);
    asio_unix::endpoint const at(path);
    if (::connect(next.native_handle(), at.data(), static_cast<socklen_t>(at.size())) != 0)
      break;
  }
  SECTION("until there is room") {
    auto const call = on.start();
    on.loop.advance(1s);
    CHECK_FALSE(call->done);
    CHECK(on.function->counts().connections_opened == 0);
    for (std::size_t i = 0; i + 1 < filling.size(); ++i)
      on.server->plays({});
    on.server->plays({expect_request(), send(good_answer("room")), hold()});
    on.loop.settle();
    on.loop.advance(64ms); // the longest pause between two looks
    REQUIRE(on.loop.run_until([&] { return call->done; }));
    CHECK(call->mark() == "room");
    CHECK(on.function->counts().attempts == 1);
  }
  SECTION("and no longer") {
    auto const call = on.start();
    on.loop.advance(2s - 1ns);
    REQUIRE(on.function->counts().attempts_failed == 0);
    on.loop.advance(1ns);
    CHECK(not_reached(on, *call) == unreachable + "connect timeout (2 s) while connecting, attempt 1, " + path);
  }
}

TEST_CASE("the connect timeout fires on its tick while a TCP backlog is full") {
  scene on;
  deaf_listener const deaf(on.loop, "127.0.0.1");
  auto chosen = over_tcp(deaf.port());
  impatient(chosen);
  on.use(chosen);
  auto const call = on.start();
  on.loop.advance(2s - 1ns);
  REQUIRE(on.function->counts().attempts_failed == 0);
  on.loop.advance(1ns);
  CHECK(not_reached(on, *call) ==
        unreachable + "connect timeout (2 s) while connecting, attempt 1, 127.0.0.1:" + std::to_string(deaf.port()));
}

TEST_CASE("without a file descriptor left a call ends by that name, and the next one recovers when there is one") {
  auto const path = socket_path();
  auto const over = GENERATE(endpoint::transport::tcp, endpoint::transport::unix_socket);
  auto const on = over == endpoint::transport::tcp ? std::make_unique<scene>() : std::make_unique<scene>(path, 128);
  auto const place = over == endpoint::transport::tcp ? "127.0.0.1:" + std::to_string(on->server->port()) : path;
  on->server->plays({answer_with(echo), hold()});
  on->loop.settle(); // to accept takes a descriptor too
  {
    no_descriptors_left const none;
    auto const call = on->start("#1");
    CHECK(not_reached(*on, *call) ==
          "the daemon has no file descriptor left: Too many open files while connecting, attempt 1, " + place);
    CHECK(call->got->error().code == function::errc::out_of_descriptors);
  }
  CHECK(on->function->attempts().failures_by_reason.at("out_of_descriptors") == 1);
  CHECK(on->finish(on->start("#2")) == "#2");
  CHECK(on->server->requests().size() == 1);
}
