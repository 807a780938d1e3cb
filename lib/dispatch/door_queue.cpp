#include "dispatch/door_queue.hpp"

namespace statefund::dispatch {

namespace asio = boost::asio;

door_queue::place::place(door_queue& queue, message::address target)
    : queue_(queue),
      target_(std::move(target)),
      changed_(queue.executor_) {
  auto& waiting = queue_.by_address_[target_];
  position_ = waiting.insert(waiting.end(), this);
}

door_queue::place::~place() {
  auto const own = queue_.by_address_.find(target_);
  own->second.erase(position_);
  if (own->second.empty())
    queue_.by_address_.erase(own);
  else
    own->second.front()->changed_.notify_all();
}

bool door_queue::place::is_first() const {
  return queue_.by_address_.find(target_)->second.front() == this;
}

asio::awaitable<task::wait_end> door_queue::place::first(clock::deadline until) {
  while (!is_first()) {
    auto const end = co_await changed_.wait(until);
    if (end != task::wait_end::notified)
      co_return end;
  }
  co_return task::wait_end::notified;
}

asio::awaitable<task::wait_end> door_queue::place::room(clock::deadline until) {
  return changed_.wait(until);
}

void door_queue::room_in(message::address const& target) {
  if (auto const own = by_address_.find(target); own != by_address_.end())
    own->second.front()->changed_.notify_all();
}

void door_queue::look_again() {
  for (auto& [target, waiting] : by_address_)
    waiting.front()->changed_.notify_all();
}

} // namespace statefund::dispatch
