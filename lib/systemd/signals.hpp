#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/signal_set.hpp>

#include <initializer_list>

namespace statefund::systemd {

// Signals as events. From its making to its end its signals no longer do what they do to a process by default; one that
// comes while nobody waits is kept for the next wait. Made before the first thread that could be hit; used on the
// executor's thread.
class signals {
 public:
  signals(boost::asio::any_io_executor const& executor, std::initializer_list<int> numbers);

  // The number of the next signal; 0 once cancelled, by cancel() or by the coroutine's cancellation. One wait at a
  // time, and again after each: a second signal during a drain is for the caller to judge.
  boost::asio::awaitable<int> wait();
  void cancel();

 private:
  boost::asio::signal_set set_;
};

} // namespace statefund::systemd
