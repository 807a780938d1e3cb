#include "clock/clock.hpp"

#include "error/ensure.hpp"

namespace statefund::clock {
namespace {

std::atomic<moved_clock*> moved{nullptr};

} // namespace

steady::time_point steady::now() noexcept {
  if (auto const* by_hand = moved.load(std::memory_order_acquire)) [[unlikely]]
    return time_point(duration(by_hand->steady_ns_.load(std::memory_order_acquire)));
  return time_point(std::chrono::steady_clock::now().time_since_epoch());
}

std::int64_t unix_ms() noexcept {
  if (auto const* by_hand = moved.load(std::memory_order_acquire)) [[unlikely]]
    return (by_hand->steady_ns_.load(std::memory_order_acquire) +
            by_hand->wall_offset_ns_.load(std::memory_order_acquire)) /
           1'000'000;
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

steady::duration wait_traits::to_wait_duration(steady::duration left) noexcept {
  if (left <= steady::duration::zero())
    return steady::duration::zero();
  if (moved.load(std::memory_order_acquire)) [[unlikely]]
    return steady::duration::max();
  return left;
}

moved_clock::moved_clock(std::int64_t unix_ms_at_start)
    : steady_ns_(1'000'000'000'000),
      wall_offset_ns_(unix_ms_at_start * 1'000'000 - 1'000'000'000'000) {
  ensure(moved.exchange(this) == nullptr, "one moved clock at a time");
}

moved_clock::~moved_clock() {
  moved.store(nullptr);
}

void moved_clock::advance(steady::duration by) noexcept {
  ensure(by >= steady::duration::zero(), "a monotonic clock moves forward");
  steady_ns_.fetch_add(by.count(), std::memory_order_acq_rel);
}

void moved_clock::jump_wall(std::chrono::milliseconds by) noexcept {
  wall_offset_ns_.fetch_add(std::chrono::nanoseconds(by).count(), std::memory_order_acq_rel);
}

} // namespace statefund::clock
