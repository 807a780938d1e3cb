#include "support/lateness.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace statefund::support {

namespace asio = boost::asio;

asio::awaitable<task::wait_end> lateness::wait(clock::deadline until) {
  auto const executor = co_await asio::this_coro::executor;
  task::event released(executor);
  waiting_.push_back(&released);
  auto const end = co_await released.wait(until);
  if (auto const own = std::find(waiting_.begin(), waiting_.end(), &released); own != waiting_.end()) {
    *own = waiting_.back();
    waiting_.pop_back();
  }
  co_return end;
}

void lateness::release(std::size_t which) {
  which %= waiting_.size();
  auto* const one = waiting_[which];
  waiting_[which] = waiting_.back();
  waiting_.pop_back();
  one->notify_all();
}

void lateness::release_all() {
  while (!waiting_.empty())
    release(0);
}

} // namespace statefund::support
