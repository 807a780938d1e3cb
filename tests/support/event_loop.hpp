#pragma once

#include "clock/clock.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <utility>

namespace statefund::support {

// Keeps what `body` comes to, for a task that is started beside the test.
template <class T>
boost::asio::awaitable<void> keep(boost::asio::awaitable<T> body, std::optional<T>& into) {
  auto told = co_await std::move(body);
  into.emplace(std::move(told));
}

// One thread's event loop under a clock that the test moves. Nothing sleeps: a wait either ends through an event or is
// given up after `patience` of real time, which fails the test. There may be further loops beside it, run by the same
// thread: what threads do at the same time is then done in an order that the test chooses.
class event_loop {
 public:
  event_loop() : io_(1) {}

  boost::asio::io_context& io() noexcept { return io_; }
  boost::asio::any_io_executor executor() noexcept { return io_.get_executor(); }
  clock::moved_clock& time() noexcept { return time_; }

  boost::asio::any_io_executor add_loop() { return beside_.emplace_back(1).get_executor(); }
  std::size_t loops_count() const noexcept { return 1 + beside_.size(); }
  // Runs one handler of one loop, 0 being the first; false: none was ready.
  bool step(std::size_t which);

  // Runs `body` to its end, and rethrows what it throws.
  void run(boost::asio::awaitable<void> body);
  // The same; gives what it comes to.
  template <class T>
  T run(boost::asio::awaitable<T> body) {
    std::optional<T> told;
    run(keep(std::move(body), told));
    return std::move(*told);
  }

  // Runs everything that can run without time passing.
  void settle();

  // Runs until `holds`; false when patience ran out.
  bool run_until(std::function<bool()> const& holds);

  // Moves the clock and lets every timer that is due then fire; for use outside of run().
  void advance(clock::steady::duration by);

 private:
  void run_on(boost::asio::io_context& one, boost::asio::awaitable<void> body);
  std::size_t poll(); // all that is ready in each loop once; how much that was

  clock::moved_clock time_;
  boost::asio::io_context io_;
  std::deque<boost::asio::io_context> beside_;
};

// The same from within a coroutine on the loop: after it returns, the handlers of all timers due by then have run.
boost::asio::awaitable<void> advance(event_loop& loop, clock::steady::duration by);

// Lets everything that is ready on the calling coroutine's loop run, `rounds` times over.
boost::asio::awaitable<void> yield(int rounds = 10);

} // namespace statefund::support
