#include "endpoint/resolver.hpp"
#include "error/ensure.hpp"
#include "support/event_loop.hpp"
#include "task/errc.hpp"
#include "task/gate.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>

#include <catch2/catch.hpp>

#include <netdb.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

using namespace statefund;
using namespace std::chrono_literals;
using clock::deadline;
namespace asio = boost::asio;

namespace {

// Look-ups that the test lets go.
struct held_lookups {
  std::mutex mutex;
  std::condition_variable changed;
  int asked = 0;
  int running = 0;
  int running_max = 0;
  bool open = false;

  static endpoint::resolver::lookup of(std::shared_ptr<held_lookups> self) {
    return [self](std::string const& host) -> result<endpoint::addresses> {
      std::unique_lock lock(self->mutex);
      ++self->asked;
      self->running_max = std::max(self->running_max, ++self->running);
      self->changed.notify_all();
      self->changed.wait(lock, [&] { return self->open; });
      --self->running;
      if (host == "nowhere")
        return error{asio::error::host_not_found, "nowhere"};
      return endpoint::addresses{asio::ip::make_address("127.0.0.7")};
    };
  }
  void let_go() {
    std::lock_guard const lock(mutex);
    open = true;
    changed.notify_all();
  }
  void wait_until_asked(int count) {
    std::unique_lock lock(mutex);
    REQUIRE(changed.wait_for(lock, 20s, [&] { return asked >= count; }));
  }
  int asked_count() {
    std::lock_guard const lock(mutex);
    return asked;
  }
};

using answer = std::optional<result<endpoint::addresses>>;

asio::awaitable<void> resolve(endpoint::resolver& names, std::string host, deadline until, answer& out) {
  out = co_await names.resolve(std::move(host), until);
}

} // namespace

TEST_CASE("a name is looked up once for all who wait for it, and kept for a while") {
  support::event_loop loop;
  auto const lookups = std::make_shared<held_lookups>();
  endpoint::resolver names(held_lookups::of(lookups));
  task::gate gate(loop.executor());
  std::vector<answer> answers(3);
  for (auto& each : answers)
    gate.start(resolve(names, "name", deadline::never(), each));
  loop.settle();
  lookups->let_go();
  REQUIRE(loop.run_until([&] { return gate.running_count() == 0; }));
  for (auto const& each : answers)
    CHECK(each->value().front() == asio::ip::make_address("127.0.0.7"));
  CHECK(lookups->asked_count() == 1);

  answer kept;
  loop.advance(endpoint::resolver::cache_time - 1ns);
  gate.start(resolve(names, "name", deadline::never(), kept));
  REQUIRE(loop.run_until([&] { return kept.has_value(); }));
  CHECK(lookups->asked_count() == 1);

  answer again;
  loop.advance(1s);
  gate.start(resolve(names, "name", deadline::never(), again));
  REQUIRE(loop.run_until([&] { return again.has_value(); }));
  CHECK(lookups->asked_count() == 2);
}

TEST_CASE("an error is not kept") {
  support::event_loop loop;
  auto const lookups = std::make_shared<held_lookups>();
  lookups->let_go();
  endpoint::resolver names(held_lookups::of(lookups));
  task::gate gate(loop.executor());
  for (int round = 1; round <= 2; ++round) {
    answer got;
    gate.start(resolve(names, "nowhere", deadline::never(), got));
    REQUIRE(loop.run_until([&] { return got.has_value(); }));
    CHECK(got->error().code == asio::error::host_not_found);
    CHECK(lookups->asked_count() == round);
  }
}

TEST_CASE("whoever waits goes on its deadline's tick or when it is cancelled, and the look-up does not keep it") {
  support::event_loop loop;
  auto const lookups = std::make_shared<held_lookups>();
  endpoint::resolver names(held_lookups::of(lookups));
  task::gate gate(loop.executor());
  answer late;
  gate.start(resolve(names, "name", deadline::after(1s), late));
  loop.advance(1s - 1ns);
  CHECK_FALSE(late);
  loop.advance(1ns);
  REQUIRE(loop.run_until([&] { return late.has_value(); }));
  CHECK(late->error().code == task::errc::deadline_reached);

  answer cancelled;
  gate.start(resolve(names, "name", deadline::never(), cancelled));
  loop.settle();
  gate.cancel();
  REQUIRE(loop.run_until([&] { return cancelled.has_value(); }));
  CHECK(cancelled->error().code == asio::error::operation_aborted);
  lookups->let_go();
}

TEST_CASE("a resolver can be destroyed while a look-up runs") {
  auto const lookups = std::make_shared<held_lookups>();
  {
    support::event_loop loop;
    endpoint::resolver names(held_lookups::of(lookups));
    task::gate gate(loop.executor());
    answer got;
    gate.start(resolve(names, "name", deadline::after(1s), got));
    loop.settle();
    lookups->wait_until_asked(1);
    loop.advance(1s);
    REQUIRE(loop.run_until([&] { return got.has_value(); }));
  }
  lookups->let_go();
}

TEST_CASE("a name that hangs does not hold up others, and threads are bounded") {
  support::event_loop loop;
  auto const lookups = std::make_shared<held_lookups>();
  endpoint::resolver names(held_lookups::of(lookups));
  task::gate gate(loop.executor());
  std::vector<answer> answers(10);
  for (std::size_t i = 0; i < answers.size(); ++i)
    gate.start(resolve(names, "name" + std::to_string(i), deadline::never(), answers[i]));
  loop.settle();
  lookups->wait_until_asked(static_cast<int>(endpoint::resolver::threads_max));
  lookups->let_go();
  REQUIRE(loop.run_until([&] { return gate.running_count() == 0; }));
  std::lock_guard const lock(lookups->mutex);
  CHECK(lookups->asked == 10);
  CHECK(lookups->running_max == static_cast<int>(endpoint::resolver::threads_max));
}

TEST_CASE("a name gives what the system says of it") {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  bool const is_known = ::getaddrinfo("localhost", nullptr, &hints, &found) == 0; // a bare system has no /etc/hosts
  std::size_t found_count = 0;
  for (addrinfo const* each = found; each != nullptr; each = each->ai_next)
    ++found_count;
  if (found != nullptr)
    ::freeaddrinfo(found);

  support::event_loop loop;
  endpoint::resolver names;
  task::gate gate(loop.executor());
  answer got;
  gate.start(resolve(names, "localhost", deadline::never(), got));
  REQUIRE(loop.run_until([&] { return got.has_value(); }));
  REQUIRE(got->has_value() == is_known);
  if (!is_known) {
    CHECK_FALSE(got->error().code.message().empty());
    return;
  }
  CHECK((*got)->size() == found_count);
  for (auto const& each : **got)
    CHECK(each.is_loopback());
}

namespace {

asio::awaitable<void> resolve_often(endpoint::resolver& names, int rounds, std::atomic<int>& good) {
  for (int i = 0; i < rounds; ++i) {
    auto const until = i % 3 == 0 ? deadline::after(1us) : deadline::after(1min);
    auto const got = co_await names.resolve("name" + std::to_string(i % 50), until);
    if (got.has_value())
      ++good;
    else
      ensure(got.error().code == task::errc::deadline_reached, "only time fails here");
  }
}

} // namespace

TEST_CASE("event loops of several threads share one resolver") {
  auto const asked = std::make_shared<std::atomic<int>>(0); // a look-up may outlive all who waited for it
  auto const ask = [asked](std::string const& host) -> result<endpoint::addresses> {
    if (++*asked % 7 == 0)
      std::this_thread::yield();
    ensure(host.starts_with("name"), "the name is what was asked for");
    return endpoint::addresses{asio::ip::make_address("127.0.0.1")};
  };
  endpoint::resolver names(ask);
  std::atomic<int> good{0};
  auto const shard = [&] {
    asio::io_context io(1);
    task::gate gate(io.get_executor());
    for (int i = 0; i < 8; ++i)
      gate.start(resolve_often(names, 200, good));
    io.run();
    ensure(gate.running_count() == 0, "all have ended");
  };
  std::thread first(shard);
  std::thread second(shard);
  first.join();
  second.join();
  CHECK(good >= 2 * 8 * 200 * 2 / 3 - 16);
}
