#include "endpoint/pool.hpp"

#include "error/ensure.hpp"
#include "task/timer.hpp"
#include "task/with_deadline.hpp"

#include <utility>

namespace statefund::endpoint {

namespace asio = boost::asio;

namespace {

// Without a ttl, idle connections that their server has closed are looked for this often.
constexpr std::chrono::seconds closed_check_interval{30};

} // namespace

pool::pool(asio::any_io_executor executor, std::size_t size, std::optional<std::chrono::nanoseconds> ttl)
    : executor_(std::move(executor)),
      size_(size),
      ttl_(ttl),
      evictions_(executor_) {
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

void pool::lease::put(stream_socket connected) {
  ensure(of_ != nullptr && !held_, "a place takes one connection");
  held_ = of_->opened_.emplace(of_->opened_.end(), std::move(connected));
  // Runs for as long as anything is open, so that giving and taking idle ones touches no timer.
  if (!of_->evicting_ && !of_->closed_) {
    of_->evicting_ = true;
    of_->evictions_.start(of_->evict());
  }
}

void pool::lease::give_back() && {
  ensure(of_ != nullptr && held_, "there is a connection to give back");
  if (of_->closed_ || !(*held_)->reusable() || of_->is_too_old(**held_))
    return; // it ends with this lease
  of_->idle_.push_back(*held_);
  --of_->leases_count_;
  of_ = nullptr;
}

pool::lease pool::take() {
  ensure(leases_count_ < size_, "no more calls are out than the pool has room for");
  while (!idle_.empty()) {
    auto const last = idle_.back();
    idle_.pop_back();
    if (last->is_quiet() && !is_too_old(*last)) {
      ++leases_count_;
      return {*this, last};
    }
    opened_.erase(last);
  }
  return take_empty();
}

pool::lease pool::take_empty() {
  ensure(leases_count_ < size_, "no more calls are out than the pool has room for");
  if (leases_count_ + idle_.size() == size_) {
    opened_.erase(idle_.front());
    idle_.erase(idle_.begin());
  }
  ++leases_count_;
  return {*this, std::nullopt};
}

bool pool::is_too_old(connection const& which) const noexcept {
  return ttl_ && clock::steady::now() - which.opened_at() >= *ttl_;
}

asio::awaitable<void> pool::evict() {
  for (;;) {
    evict_now();
    if (opened_.empty() || closed_)
      break;
    task::timer next(executor_, next_eviction());
    auto wait = next.async_wait(asio::deferred);
    auto const waited = co_await task::with_deadline(std::move(wait), clock::deadline::never());
    if (waited.has_error())
      break;
  }
  evicting_ = false;
}

void pool::evict_now() {
  auto const is_of_no_use = [this](connections::iterator which) {
    bool const useless = is_too_old(*which) || !which->is_quiet();
    if (useless)
      opened_.erase(which);
    return useless;
  };
  std::erase_if(idle_, is_of_no_use);
}

clock::steady::time_point pool::next_eviction() const noexcept {
  auto const now = clock::steady::now();
  if (!ttl_)
    return now + closed_check_interval;
  for (auto const& each : opened_) // those too old are out on a call, and are not taken back
    if (auto const end = each.opened_at() + *ttl_; end > now)
      return end;
  return now + *ttl_;
}

asio::awaitable<void> pool::close() {
  closed_ = true;
  for (auto const each : idle_)
    opened_.erase(each);
  idle_.clear();
  evictions_.cancel();
  co_await evictions_.close();
}

} // namespace statefund::endpoint
