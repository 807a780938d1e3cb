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
  run_on(io_, std::move(body));
}

void event_loop::run_on(asio::io_context& one, asio::awaitable<void> body) {
  bool done = false;
  std::exception_ptr thrown;
  auto const ended = [&](std::exception_ptr what) {
    done = true;
    thrown = what;
  };
  asio::co_spawn(one, std::move(body), ended);
  if (!run_until([&] { return done; }))
    throw std::runtime_error("the test's body did not end");
  if (thrown)
    std::rethrow_exception(thrown);
}

bool event_loop::step(std::size_t which) {
  auto& one = which == 0 ? io_ : beside_[which - 1];
  one.restart();
  return one.poll_one() > 0;
}

std::size_t event_loop::poll() {
  std::size_t count = 0;
  for (auto& one : beside_) {
    one.restart();
    count += one.poll();
  }
  io_.restart();
  return count + io_.poll();
}

void event_loop::settle() {
  while (poll() > 0)
    ;
}

bool event_loop::run_until(std::function<bool()> const& holds) {
  auto const give_up = std::chrono::steady_clock::now() + patience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= give_up)
      return false;
    if (!beside_.empty() && poll() > 0)
      continue;
    io_.restart();
    io_.run_one_until(std::min(give_up, std::chrono::steady_clock::now() + std::chrono::milliseconds(100)));
  }
  return true;
}

void event_loop::advance(clock::steady::duration by) {
  time_.advance(by);
  run(fire_due_timers());
  for (auto& one : beside_) {
    run_on(one, fire_due_timers());
    settle();
  }
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
