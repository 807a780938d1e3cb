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

// Lets the call's one attempt fail, and its time pass.
std::string out_of_time(scene& on, outgoing const& call) {
  REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed == 1; }));
  on.loop.settle();
  on.loop.advance(50s);
  REQUIRE(on.loop.run_until([&] { return call.done; }));
  return call.mark();
}

std::string const unreachable = "the endpoint cannot be reached: call timeout (50 s) after: ";

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

TEST_CASE("a socket file that is missing is named, and found when it is made within the budget") {
  auto const path = socket_path();
  scene on;
  auto chosen = scene::over_unix(path);
  SECTION("found") {
    on.use(chosen);
    auto const call = on.start();
    REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed == 1; }));
    scripted_server late(on.loop, path);
    late.plays({expect_request(), send(good_answer("late")), hold()});
    CHECK(on.finish(call) == "late");
  }
  SECTION("named") {
    impatient(chosen);
    on.use(chosen);
    CHECK(out_of_time(on, *on.start()) ==
          unreachable + "No such file or directory while connecting, attempt 1, " + path);
  }
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
  CHECK(out_of_time(on, *on.start()) == unreachable + "Connection refused while connecting, attempt 1, " + path);
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
    CHECK(out_of_time(on, *on.start()) == unreachable + "Permission denied while connecting, attempt 1, " + path);
  }
  REQUIRE(::chmod(path.c_str(), 0600) == 0);
  CHECK(on.call() == "allowed");
}

TEST_CASE("a socket file that is removed and made again is found by the next attempt") {
  auto const path = socket_path();
  scene on(path, 128);
  script const life{answer_with(echo), answer_with(echo), hold()};
  on.server->plays(life);
  for (int round = 1; round <= 5; ++round) {
    CHECK(on.finish(on.start("#while it is there")) == "#while it is there");
    on.server.reset();
    REQUIRE(::access(path.c_str(), F_OK) != 0);
    auto const failed_before = on.function->counts().attempts_failed;
    auto const call = on.start("#while it is gone");
    REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed > failed_before; }));
    on.server = std::make_unique<scripted_server>(on.loop, path);
    on.server->plays(life);
    CHECK(on.finish(call) == "#while it is gone");
    CHECK(on.server->requests().size() == 1);
  }
}

TEST_CASE("refused, then recovered within one call") {
  scene on;
  auto const port = free_port(on.loop);
  on.use(over_tcp(port));
  auto const call = on.start();
  REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed == 1; }));
  CHECK_FALSE(call->done);
  scripted_server up(on.loop, {boost::asio::ip::address_v4::loopback(), port});
  up.plays({expect_request(), send(good_answer("back")), hold()});
  CHECK(on.finish(call) == "back");
  CHECK(up.requests().size() == 1);
}

TEST_CASE("while connects fail, the error tells why") {
  scene on;
  auto chosen = over_tcp(free_port(on.loop));
  chosen.limits.call_timeout = 5s;
  on.use(chosen);
  auto const call = on.start();
  auto const mark = on.finish(call);
  CHECK(call->got->error().code == function::errc::endpoint_unreachable);
  CHECK_THAT(mark, StartsWith("the endpoint cannot be reached: call timeout (5 s) after: Connection refused while "
                              "connecting, attempt "));
  CHECK_THAT(mark, Contains(", 127.0.0.1:" + std::to_string(chosen.port)));
  CHECK(on.function->counts().attempts > 5);
}

TEST_CASE("a call whose time ends while it connects is told why the connect before failed") {
  scene on;
  auto chosen = over_tcp(free_port(on.loop));
  chosen.limits.call_timeout = 20s;
  on.use(chosen);
  auto const call = on.start();
  REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed == 1; }));
  deaf_listener const deaf(on.loop, "127.0.0.1", chosen.port);
  on.loop.advance(20s - 1ns);
  REQUIRE_FALSE(call->done);
  on.loop.advance(1ns);
  REQUIRE(on.loop.run_until([&] { return call->done; }));
  CHECK(call->mark() == "the endpoint cannot be reached: call timeout (20 s) while connecting, attempt 2, 127.0.0.1:" +
                            std::to_string(chosen.port) + "; the attempt before: Connection refused while connecting");
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
    CHECK(out_of_time(on, *call) == unreachable + "connect timeout (2 s) while connecting, attempt 1, " + path);
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
  CHECK(out_of_time(on, *call) ==
        unreachable + "connect timeout (2 s) while connecting, attempt 1, 127.0.0.1:" + std::to_string(deaf.port()));
}

TEST_CASE("without a file descriptor left an attempt fails by that name, backs off, and recovers when there is one") {
  auto const path = socket_path();
  auto const over = GENERATE(endpoint::transport::tcp, endpoint::transport::unix_socket);
  auto const patient = [](endpoint::options& chosen) { chosen.backoff_initial = 100ms; };
  auto const on =
      over == endpoint::transport::tcp ? std::make_unique<scene>(patient) : std::make_unique<scene>(path, 128, patient);
  on->server->plays({answer_with(echo), hold()});
  on->loop.settle(); // to accept takes a descriptor too
  std::shared_ptr<outgoing> call;
  {
    no_descriptors_left const none;
    call = on->start("#1");
    REQUIRE(on->loop.run_until([&] { return on->function->counts().attempts_failed == 1; }));
    on->loop.settle();
    on->loop.advance(49ms);
    CHECK(on->function->counts().attempts_failed == 1);
    on->loop.advance(51ms);
    REQUIRE(on->loop.run_until([&] { return on->function->counts().attempts_failed == 2; }));
    CHECK_FALSE(call->done);
  }
  CHECK(on->function->attempts().failures_by_reason.at("out_of_descriptors") == 2);
  CHECK(on->finish(call) == "#1");
  CHECK(on->server->requests().size() == 1);
}

TEST_CASE("a call that ends without a file descriptor says so") {
  scene on(impatient);
  auto const port = std::to_string(on.server->port());
  {
    no_descriptors_left const none;
    auto const call = on.start();
    CHECK(out_of_time(on, *call) == "the daemon has no file descriptor left: call timeout (50 s) after: Too many open "
                                    "files while connecting, attempt 1, 127.0.0.1:" +
                                        port);
    CHECK(call->got->error().code == function::errc::out_of_descriptors);
  }
  on.server->plays({expect_request(), send(good_answer("good")), hold()});
  CHECK(on.call() == "good");
}
