#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace statefund::clock {

class moved_clock;

// The process's monotonic clock: the system's, or one that a test moves by hand. Every timer of the daemon runs on it.
// Any thread.
struct steady {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<steady>;
  static constexpr bool is_steady = true;

  static time_point now() noexcept;
};

// Milliseconds since the Unix epoch, by the wall clock: what due and expiry times are kept in. Any thread.
std::int64_t unix_ms() noexcept;

// Tells asio how long to sleep until a time point of `steady`. A moved clock does not pass by itself: whoever moves it
// wakes the event loops (tests/support).
struct wait_traits {
  static steady::duration to_wait_duration(steady::duration left) noexcept;
  static steady::duration to_wait_duration(steady::time_point const& at) noexcept {
    return to_wait_duration(at - steady::now());
  }
};

// While it lives, time passes only by hand. One at a time, made before any timer and outliving all of them.
class moved_clock {
 public:
  explicit moved_clock(std::int64_t unix_ms_at_start = 1'700'000'000'000);
  ~moved_clock();
  moved_clock(moved_clock const&) = delete;
  moved_clock& operator=(moved_clock const&) = delete;

  void advance(steady::duration by) noexcept;            // both clocks
  void jump_wall(std::chrono::milliseconds by) noexcept; // the wall clock alone, in either direction

 private:
  friend struct steady;
  friend std::int64_t unix_ms() noexcept;
  std::atomic<std::int64_t> steady_ns_;
  std::atomic<std::int64_t> wall_offset_ns_;
};

} // namespace statefund::clock
