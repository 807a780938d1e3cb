#include "endpoint/pool.hpp"

#include "error/ensure.hpp"

#include <utility>

namespace statefund::endpoint {

namespace asio = boost::asio;

pool::pool(asio::any_io_executor executor, std::size_t size, std::optional<std::chrono::nanoseconds> ttl,
           unsigned random_seed)
    : executor_(std::move(executor)),
      size_(size),
      ttl_(ttl),
      random_(random_seed),
      changed_(executor_),
      tasks_(executor_) {
  ensure(size_ > 0, "a pool has room");
}

pool::~pool() {
  ensure(closed_ && leases_count_ == 0, "a pool ends closed, after the last call");
}

pool::lease::lease(lease&& other) noexcept : of_(std::exchange(other.of_, nullptr)), held_(other.held_) {}

pool::lease::~lease() {
  if (of_ == nullptr)
    return;
  --of_->leases_count_;
  if (held_)
    of_->opened_.erase(*held_);
}

void pool::lease::put(stream opened, std::string address) {
  ensure(of_ != nullptr && !held_, "a place takes one connection");
  held_ = of_->opened_.emplace(of_->opened_.end(), std::move(opened), std::move(address), of_->end_of_new());
}

void pool::lease::give_back() && {
  ensure(of_ != nullptr && held_, "there is a connection to give back");
  auto const ends = (*held_)->ends;
  if (of_->closed_ || !(*held_)->link.reusable() || ends.reached())
    return; // it ends with this lease
  of_->idle_.add(*held_, ends);
  of_->idle_changed();
  --of_->leases_count_;
  of_ = nullptr;
}

pool::lease pool::take() {
  ensure(leases_count_ < size_, "no more calls are out than the pool has room for");
  while (!idle_.empty()) {
    auto const last = idle_.take_newest();
    if (last.state == idle_state::watched) {
      last.which->link.wake();
      idle_changed();
    }
    if (!last.ends.reached() && last.which->link.is_quiet()) {
      ++leases_count_;
      return {*this, last.which};
    }
    opened_.erase(last.which);
  }
  return take_empty();
}

pool::lease pool::take_empty() {
  ensure(leases_count_ < size_, "no more calls are out than the pool has room for");
  if (leases_count_ + idle_.size() == size_) {
    opened_.erase(idle_.take_oldest().which);
    idle_changed();
  }
  ++leases_count_;
  return {*this, std::nullopt};
}

clock::deadline pool::end_of_new() {
  return ttl_ ? clock::deadline::after(age_max(*ttl_, static_cast<unsigned>(random_()))) : clock::deadline::never();
}

// Runs for as long as anything is idle, and looks once an interval while anything comes and goes: so giving and taking
// touch no timer.
asio::awaitable<void> pool::look_after_idle() {
  for (look(); !idle_.empty(); look()) {
    auto const next = idle_.next_look(clock::steady::now());
    sees_change_ = !idle_.all_watched();
    co_await changed_.wait(next);
  }
  idle_.shrink();
  looking_after_ = false;
}

void pool::look() {
  auto const seen = idle_.look(clock::steady::now());
  for (auto const each : seen.ended)
    opened_.erase(each);
  for (auto const stay : seen.to_watch)
    tasks_.start(watch(stay));
}

asio::awaitable<void> pool::watch(std::uint64_t stay) {
  auto const* at = idle_.find(stay);
  while (at != nullptr && at->which->link.is_quiet()) { // what came may have been for TLS alone
    auto resting = at->which->link.rest();
    co_await std::move(resting);
    at = idle_.find(stay);
  }
  if (auto const over = idle_.take(stay)) {
    opened_.erase(*over);
    idle_changed();
  }
}

void pool::idle_changed() {
  if (!looking_after_) {
    looking_after_ = true;
    sees_change_ = true;
    tasks_.start(look_after_idle());
  } else if (!sees_change_) {
    sees_change_ = true;
    changed_.notify_all();
  }
}

asio::awaitable<void> pool::close() {
  closed_ = true;
  while (!idle_.empty())
    opened_.erase(idle_.take_newest().which);
  changed_.notify_all(); // and all tasks end by themselves
  co_await tasks_.close();
}

} // namespace statefund::endpoint
