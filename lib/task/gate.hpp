#pragma once

#include "task/timer.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <cstddef>
#include <list>

namespace statefund::task {

// Owns the tasks that an object has started: nothing runs detached. The owner closes the gate and awaits that before it
// is destroyed. On one thread, the executor's.
class gate {
 public:
  explicit gate(boost::asio::any_io_executor executor);
  ~gate(); // requires that no task runs
  gate(gate const&) = delete;
  gate& operator=(gate const&) = delete;

  // `task` runs on the executor, from after the caller has returned to the event loop. A task that throws ends the
  // process. Requires that the gate is not closed.
  void start(boost::asio::awaitable<void> task);

  // Cancels what every running task awaits, and whatever it will await later (with_deadline returns
  // operation_aborted); tasks started from now on are not concerned.
  void cancel();

  // From now on nothing may start; returns when the last task has ended. May be awaited by several.
  boost::asio::awaitable<void> close();

  bool closed() const noexcept { return closed_; }
  std::size_t running_count() const noexcept { return running_.size(); }

 private:
  struct running {
    boost::asio::cancellation_signal signal;
    bool began = false;
    bool cancelled = false; // before it began
  };
  using tasks = std::list<running>;

  static boost::asio::awaitable<void> run(running& self, boost::asio::awaitable<void> task);
  void ended(tasks::iterator which);

  boost::asio::any_io_executor executor_;
  tasks running_;
  bool closed_ = false;
  timer all_ended_;
};

} // namespace statefund::task
