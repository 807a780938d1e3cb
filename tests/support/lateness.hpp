#pragma once

#include "clock/deadline.hpp"
#include "task/event.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <vector>

namespace statefund::support {

// What is under way outside of dispatch (calls, reads, syncs) and ends when the test says so, in an order that the test
// chooses. One thread; outlives what waits here.
class lateness {
 public:
  // Returns once it is released.
  boost::asio::awaitable<task::wait_end> wait(clock::deadline until = clock::deadline::never());

  std::size_t count() const noexcept { return waiting_.size(); }
  // `which` is any number: one of those that wait. Requires one.
  void release(std::size_t which);
  void release_all();

 private:
  std::vector<task::event*> waiting_;
};

} // namespace statefund::support
