#include "error/ensure.hpp"
#include "support/event_loop.hpp"
#include "task/event.hpp"
#include "task/gate.hpp"
#include "task/with_deadline.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <filesystem>
#include <thread>
#include <unistd.h>
#include <vector>

namespace asio = boost::asio;
using namespace statefund;
using namespace std::chrono_literals;
using asio::ip::tcp;
using clock::deadline;
using local = asio::local::stream_protocol;

namespace {

struct pair {
  explicit pair(support::event_loop& loop) : near(loop.io()), far(loop.io()) { asio::local::connect_pair(near, far); }
  local::socket near;
  local::socket far;
};

template <class T>
struct outcome {
  std::optional<result<T>> value;
};

asio::awaitable<void> read_some(local::socket& from, asio::mutable_buffer into, deadline until,
                                outcome<std::size_t>& out) {
  auto read = from.async_read_some(into, asio::deferred);
  out.value = co_await task::with_deadline(std::move(read), until);
}

asio::awaitable<void> write_all(local::socket& to, std::vector<char> const& bytes, deadline until,
                                outcome<std::size_t>& out) {
  auto write = asio::async_write(to, asio::buffer(bytes), asio::deferred);
  out.value = co_await task::with_deadline(std::move(write), until);
}

asio::awaitable<void> connect(tcp::socket& with, tcp::endpoint to, deadline until, outcome<void>& out) {
  auto connecting = with.async_connect(to, asio::deferred);
  out.value = co_await task::with_deadline(std::move(connecting), until);
}

} // namespace

TEST_CASE("an operation that ends in time gives its value, and its timer is gone") {
  support::event_loop loop;
  pair sockets(loop);
  task::gate gate(loop.executor());
  std::array<char, 8> buffer{};
  outcome<std::size_t> read;
  gate.start(read_some(sockets.near, asio::buffer(buffer), deadline::after(1s), read));
  loop.settle();
  CHECK_FALSE(read.value);
  asio::write(sockets.far, asio::buffer("abc", 3));
  REQUIRE(loop.run_until([&] { return read.value.has_value(); }));
  CHECK(read.value->value() == 3);
  CHECK(gate.running_count() == 0);
}

TEST_CASE("a read is cancelled at its deadline's tick, and the socket can be used again") {
  support::event_loop loop;
  pair sockets(loop);
  task::gate gate(loop.executor());
  std::array<char, 8> buffer{};
  outcome<std::size_t> read;
  gate.start(read_some(sockets.near, asio::buffer(buffer), deadline::after(1s), read));
  loop.advance(1s - 1ns);
  CHECK_FALSE(read.value);
  loop.advance(1ns);
  REQUIRE(loop.run_until([&] { return read.value.has_value(); }));
  REQUIRE(read.value->has_error());
  CHECK(read.value->error().code == task::errc::deadline_reached);

  outcome<std::size_t> again;
  gate.start(read_some(sockets.near, asio::buffer(buffer), deadline::after(1s), again));
  asio::write(sockets.far, asio::buffer("xy", 2));
  REQUIRE(loop.run_until([&] { return again.value.has_value(); }));
  CHECK(again.value->value() == 2);
}

TEST_CASE("a write against a reader that does not read is cancelled at its deadline") {
  support::event_loop loop;
  pair sockets(loop);
  task::gate gate(loop.executor());
  std::vector<char> const large(8U << 20U, 'x');
  outcome<std::size_t> written;
  gate.start(write_all(sockets.near, large, deadline::after(10s), written));
  loop.settle();
  CHECK_FALSE(written.value);
  loop.advance(10s);
  REQUIRE(loop.run_until([&] { return written.value.has_value(); }));
  REQUIRE(written.value->has_error());
  CHECK(written.value->error().code == task::errc::deadline_reached);
}

TEST_CASE("a connect that nobody accepts is cancelled at its deadline") {
  support::event_loop loop;
  // A listener whose backlog is full: further connects get no answer.
  tcp::acceptor listener(loop.io(), tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  listener.listen(0);
  std::vector<tcp::socket> filling;
  std::vector<outcome<void>> fill(8);
  task::gate gate(loop.executor());
  filling.reserve(8);
  for (auto& out : fill)
    gate.start(connect(filling.emplace_back(loop.io()), listener.local_endpoint(), deadline::after(10s), out));
  loop.settle();
  loop.advance(10s);
  REQUIRE(loop.run_until([&] { return gate.running_count() == 0; }));
  auto const& last = fill.back().value;
  REQUIRE(last);
  REQUIRE(last->has_error());
  CHECK(last->error().code == task::errc::deadline_reached);
}

TEST_CASE("an operation's own error is passed on as it is") {
  support::event_loop loop;
  pair sockets(loop);
  task::gate gate(loop.executor());
  std::array<char, 8> buffer{};
  outcome<std::size_t> read;
  sockets.far.close();
  gate.start(read_some(sockets.near, asio::buffer(buffer), deadline::after(1s), read));
  REQUIRE(loop.run_until([&] { return read.value.has_value(); }));
  REQUIRE(read.value->has_error());
  CHECK(read.value->error().code == asio::error::eof);
}

TEST_CASE("without a deadline no timer is needed") {
  support::event_loop loop;
  pair sockets(loop);
  task::gate gate(loop.executor());
  std::array<char, 8> buffer{};
  outcome<std::size_t> read;
  gate.start(read_some(sockets.near, asio::buffer(buffer), deadline::never(), read));
  loop.advance(24h * 365);
  CHECK_FALSE(read.value);
  asio::write(sockets.far, asio::buffer("abc", 3));
  REQUIRE(loop.run_until([&] { return read.value.has_value(); }));
  CHECK(read.value->value() == 3);
}

namespace {

asio::awaitable<void> two_reads(local::socket& from, outcome<std::size_t>& first, outcome<std::size_t>& second) {
  std::array<char, 8> buffer{};
  co_await read_some(from, asio::buffer(buffer), deadline::after(1h), first);
  co_await read_some(from, asio::buffer(buffer), deadline::after(1h), second);
}

} // namespace

TEST_CASE("cancelling a task reaches what it awaits, and whatever it would await later") {
  support::event_loop loop;
  pair sockets(loop);
  task::gate gate(loop.executor());
  outcome<std::size_t> first;
  outcome<std::size_t> second;
  gate.start(two_reads(sockets.near, first, second));
  loop.settle();
  gate.cancel();
  REQUIRE(loop.run_until([&] { return gate.running_count() == 0; }));
  REQUIRE(first.value);
  REQUIRE(second.value);
  CHECK(first.value->error().code == asio::error::operation_aborted);
  CHECK(second.value->error().code == asio::error::operation_aborted);
}

TEST_CASE("the deadline and the data in the same moment: the value wins if the operation had succeeded") {
  support::event_loop loop;
  pair sockets(loop);
  task::gate gate(loop.executor());
  std::array<char, 8> buffer{};
  outcome<std::size_t> read;
  gate.start(read_some(sockets.near, asio::buffer(buffer), deadline::after(1s), read));
  loop.settle();
  asio::write(sockets.far, asio::buffer("abc", 3));
  loop.advance(1s);
  REQUIRE(loop.run_until([&] { return read.value.has_value(); }));
  if (read.value->has_value())
    CHECK(read.value->value() == 3);
  else
    CHECK(read.value->error().code == task::errc::deadline_reached);
}

namespace {

asio::awaitable<void> ping_pong(local::socket& own, int rounds) {
  std::array<char, 1> byte{};
  for (int i = 0; i < rounds; ++i) {
    auto write = asio::async_write(own, asio::buffer("x", 1), asio::deferred);
    auto const written = co_await task::with_deadline(std::move(write), deadline::after(1min));
    ensure(written.has_value(), "the peer reads");
    auto read = own.async_read_some(asio::buffer(byte), asio::deferred);
    auto const got = co_await task::with_deadline(std::move(read), deadline::after(1min));
    ensure(got.has_value(), "the peer writes");
  }
}

} // namespace

TEST_CASE("two threads, a loop each, talk under deadlines of the real clock") {
  asio::io_context left_io(1);
  asio::io_context right_io(1);
  local::socket left(left_io);
  local::socket right(right_io);
  asio::local::connect_pair(left, right);
  task::gate left_gate(left_io.get_executor());
  task::gate right_gate(right_io.get_executor());
  left_gate.start(ping_pong(left, 2000));
  right_gate.start(ping_pong(right, 2000));
  std::thread other([&] { right_io.run(); });
  left_io.run();
  other.join();
  CHECK(left_gate.running_count() == 0);
  CHECK(right_gate.running_count() == 0);
}
