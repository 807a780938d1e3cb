#include "support/event_loop.hpp"

#include "error/ensure.hpp"
#include "task/timer.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <exception>
#include <stdexcept>

namespace statefund::support {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds patience{20};

// The earliest expiry of all: it makes asio look at its timers at once, and then it takes every one that is due.
asio::awaitable<void> fire_due_timers() {
  auto const executor = co_await asio::this_coro::executor;
  task::timer first(executor, clock::steady::time_point::min());
  auto fired = first.async_wait(asio::as_tuple(asio::deferred));
  co_await std::move(fired);
  co_await yield(1);
}

} // namespace

void event_loop::run(asio::awaitable<void> body) {
  bool done = false;
  std::exception_ptr thrown;
  auto const ended = [&](std::exception_ptr what) {
    done = true;
    thrown = what;
  };
  asio::co_spawn(io_, std::move(body), ended);
  if (!run_until([&] { return done; }))
    throw std::runtime_error("the test's body did not end");
  if (thrown)
    std::rethrow_exception(thrown);
}

void event_loop::settle() {
  io_.restart();
  while (io_.poll() > 0)
    ;
}

bool event_loop::run_until(std::function<bool()> const& holds) {
  auto const give_up = std::chrono::steady_clock::now() + patience;
  while (!holds()) {
    io_.restart();
    if (std::chrono::steady_clock::now() >= give_up)
      return false;
    io_.run_one_until(std::min(give_up, std::chrono::steady_clock::now() + std::chrono::milliseconds(100)));
  }
  return true;
}

void event_loop::advance(clock::steady::duration by) {
  run(support::advance(*this, by));
  settle();
}

asio::awaitable<void> advance(event_loop& loop, clock::steady::duration by) {
  loop.time().advance(by);
  co_await fire_due_timers();
}

asio::awaitable<void> yield(int rounds) {
  auto const executor = co_await asio::this_coro::executor;
  for (int i = 0; i < rounds; ++i) {
    auto turn = asio::post(executor, asio::deferred);
    co_await std::move(turn);
  }
}

} // namespace statefund::support
