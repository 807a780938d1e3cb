#pragma once

#include "clock/deadline.hpp"
#include "task/timer.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace statefund::task {

enum class wait_end {
  notified,         // notify_all was called
  deadline_reached, // the deadline passed first
  cancelled,        // the waiting coroutine was cancelled
};

// "Something has changed, look again." Waiters check their condition before they wait and after; a notification with
// nobody waiting is not remembered. On one thread, the executor's. Must outlive its waiters.
class event {
 public:
  explicit event(boost::asio::any_io_executor const& executor);

  boost::asio::awaitable<wait_end> wait(clock::deadline until);
  void notify_all();

 private:
  timer never_;
};

} // namespace statefund::task
