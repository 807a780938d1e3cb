#include "dialogue/endpoint/dialogue.hpp"
#include "task/errc.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <memory>
#include <unistd.h>

using namespace statefund;
using namespace statefund::dialogue;
using namespace statefund::support;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
namespace asio = boost::asio;

namespace {

void impatient(endpoint::options& chosen) {
  chosen.connect_timeout = 2s;
  chosen.limits.call_timeout = 50s;
  chosen.backoff_initial = 10min;
}

std::uint16_t free_port(event_loop& loop) {
  asio::ip::tcp::acceptor const probe(loop.io(), {asio::ip::address_v4::loopback(), 0});
  return probe.local_endpoint().port();
}

asio::ip::address address(char const* text) {
  return asio::ip::make_address(text);
}

} // namespace

TEST_CASE("a unix socket is called like any other place") {
  auto const path = socket_path();
  scene on(path, 128);
  on.server->plays({expect_request(), send(good_answer("one")), expect_request(), send(good_answer("two")), hold()});
  CHECK(on.call() == "one");
  CHECK(on.call() == "two");
  CHECK(on.server->accepted_count() == 1);
}

TEST_CASE("a socket path that is missing is retried, and found when it is made within the budget") {
  auto const path = socket_path();
  scene on;
  on.use(scene::over_unix(path));
  auto const call = on.start();
  REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed == 1; }));
  scripted_server late(on.loop, path);
  late.plays({expect_request(), send(good_answer("late")), hold()});
  CHECK(on.finish(call) == "late");
}

TEST_CASE("a socket path that stays missing is named in the error") {
  auto const path = socket_path();
  scene on;
  auto chosen = scene::over_unix(path);
  impatient(chosen);
  on.use(chosen);
  auto const call = on.start();
  REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed == 1; }));
  on.loop.advance(50s);
  REQUIRE(on.loop.run_until([&] { return call->done; }));
  CHECK(call->mark() == "the endpoint failed: call timeout (50 s) after: No such file or directory while connecting, "
                        "attempt 1, " +
                            path);
}

TEST_CASE("refused, then recovered within one call") {
  scene on;
  auto const port = free_port(on.loop);
  endpoint::options chosen;
  chosen.host = "127.0.0.1";
  chosen.port = port;
  on.use(chosen);
  auto const call = on.start();
  REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed == 1; }));
  CHECK_FALSE(call->done);
  // a server comes up on that very port
  asio::ip::tcp::acceptor acceptor(on.loop.io(), {asio::ip::address_v4::loopback(), port});
  auto const accepted = [&] { return on.function->counts().connections_opened == 1; };
  while (!accepted())
    on.loop.advance(1ms);
  auto peer = acceptor.accept();
  auto const bytes = good_answer("back");
  peer.send(asio::buffer(bytes));
  REQUIRE(on.loop.run_until([&] { return call->done; }));
  CHECK(call->mark() == "back");
  CHECK(on.function->counts().attempts_failed >= 1);
}

TEST_CASE("while connects fail, the error tells why") {
  scene on;
  endpoint::options chosen;
  chosen.host = "127.0.0.1";
  chosen.port = free_port(on.loop);
  chosen.limits.call_timeout = 5s;
  on.use(chosen);
  auto const call = on.start();
  auto const mark = on.finish(call);
  CHECK_THAT(mark, StartsWith("the endpoint failed: call timeout (5 s) after: Connection refused while connecting, "
                              "attempt "));
  CHECK_THAT(mark, Contains(", 127.0.0.1:" + std::to_string(chosen.port)));
  CHECK(on.function->counts().attempts > 5);
}

TEST_CASE("a full unix backlog is waited for within the connect timeout") {
  auto const path = socket_path();
  scene on(path, 0, impatient);
  // Fills it: these are connected and not accepted.
  std::vector<asio::local::stream_protocol::socket> filling;
  for (;;) {
    auto& next = filling.emplace_back(on.loop.io());
    next.open();
    next.non_blocking(true);
    asio::local::stream_protocol::endpoint const at(path);
    if (::connect(next.native_handle(), at.data(), static_cast<socklen_t>(at.size())) != 0)
      break;
  }
  SECTION("until there is room") {
    auto const call = on.start();
    on.loop.advance(100ms);
    CHECK_FALSE(call->done);
    CHECK(on.function->counts().connections_opened == 0);
    for (std::size_t i = 0; i + 1 < filling.size(); ++i)
      on.server->plays({});
    on.server->plays({expect_request(), send(good_answer("room")), hold()});
    CHECK(on.finish(call) == "room");
    CHECK(on.function->counts().attempts == 1);
  }
  SECTION("and no longer") {
    auto const call = on.start();
    on.loop.advance(2s - 1ns);
    REQUIRE(on.function->counts().attempts_failed == 0);
    on.loop.advance(1ns);
    REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed == 1; }));
    on.loop.settle();
    on.loop.advance(48s);
    REQUIRE(on.loop.run_until([&] { return call->done; }));
    CHECK(call->mark() ==
          "the endpoint failed: call timeout (50 s) after: connect timeout (2 s) while connecting, attempt 1, " + path);
  }
}

TEST_CASE("the connect timeout fires on its tick while a TCP backlog is full") {
  scene on;
  asio::ip::tcp::acceptor listener(on.loop.io(), {asio::ip::address_v4::loopback(), 0});
  listener.listen(0);
  endpoint::options chosen;
  chosen.host = "127.0.0.1";
  chosen.port = listener.local_endpoint().port();
  impatient(chosen);
  chosen.pool_size = 8;
  on.use(chosen);
  std::vector<std::shared_ptr<outgoing>> calls;
  for (int i = 0; i < 8; ++i)
    calls.push_back(on.start());
  auto const opened = on.function->counts().connections_opened;
  REQUIRE(opened < 8);
  on.loop.advance(2s - 1ns);
  REQUIRE(on.function->counts().attempts_failed == 0);
  on.loop.advance(1ns);
  REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed == 8 - opened; }));
  on.loop.settle();
  on.loop.advance(48s);
  REQUIRE(on.loop.run_until([&] { return calls.back()->done; }));
  CHECK_THAT(calls.back()->mark(), Contains("connect timeout (2 s) while connecting, attempt 1, 127.0.0.1:"));
}

TEST_CASE("a name that cannot be resolved is retried, and found when it is there") {
  scene on;
  auto chosen = endpoint::options{};
  chosen.host = "functions.test";
  chosen.port = on.server->port();
  auto const asked = std::make_shared<std::atomic<int>>(0);
  auto const lookup = [asked](std::string const& host) -> result<endpoint::addresses> {
    if (host != "functions.test" || ++*asked < 3)
      return error{asio::error::host_not_found, "not here"};
    return endpoint::addresses{address("127.0.0.1")};
  };
  on.use(chosen, std::make_shared<endpoint::resolver>(lookup));
  on.server->plays({expect_request(), send(good_answer("found")), hold()});
  CHECK(on.call() == "found");
  CHECK(*asked == 3);
  CHECK(on.function->counts().attempts_failed == 2);
}

TEST_CASE("a name that stays unresolved is named in the error, with what the resolver said") {
  scene on;
  auto chosen = endpoint::options{};
  chosen.host = "functions.test";
  chosen.port = 80;
  impatient(chosen);
  auto const lookup = [](std::string const&) -> result<endpoint::addresses> {
    return error{asio::error::host_not_found, "not here"};
  };
  on.use(chosen, std::make_shared<endpoint::resolver>(lookup));
  auto const call = on.start();
  REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed == 1; }));
  on.loop.settle();
  on.loop.advance(50s);
  REQUIRE(on.loop.run_until([&] { return call->done; }));
  CHECK_THAT(call->mark(), Contains("not here while looking up the name, attempt 1, functions.test:80"));
}

TEST_CASE("addresses are tried in turn within one attempt") {
  scene on;
  auto chosen = endpoint::options{};
  chosen.host = "functions.test";
  chosen.port = on.server->port();
  auto const lookup = [](std::string const&) -> result<endpoint::addresses> {
    return endpoint::addresses{address("127.0.0.2"), address("::1"), address("127.0.0.1")};
  };
  on.use(chosen, std::make_shared<endpoint::resolver>(lookup));
  on.server->plays({expect_request(), send(good_answer("third")), hold()});
  CHECK(on.call() == "third");
  CHECK(on.function->counts().attempts == 1);
}
