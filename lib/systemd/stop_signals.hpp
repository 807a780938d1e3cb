#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/signal_set.hpp>

namespace statefund::systemd {

// SIGTERM and SIGINT as events. From its making to its end the two no longer end the process; one that comes while
// nobody waits is kept for the next wait. One a process, made before the first thread that could be hit; used on the
// executor's thread.
class stop_signals {
 public:
  explicit stop_signals(boost::asio::any_io_executor const& executor);

  // The number of the next signal; 0 once cancelled, by cancel() or by the coroutine's cancellation. One wait at a
  // time, and again after each: a second signal during a drain is for the caller to judge.
  boost::asio::awaitable<int> wait();
  void cancel();

 private:
  boost::asio::signal_set signals_;
};

} // namespace statefund::systemd
