#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace statefund::function {

// What a function counts of its attempts, of which a call may have several: for one shard, read on its thread.
struct attempt_counts {
  static constexpr std::array<double, 12> seconds_bounds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                         0.05,   0.1,   0.25,   1,     5,    30};

  std::map<std::string, std::uint64_t> failures_by_reason;               // "io", "read_timeout", "status_500", ...
  std::array<std::uint64_t, seconds_bounds.size() + 1> seconds_counts{}; // each bucket for itself; the last is open
  double seconds_sum = 0;
  std::size_t connections_idle_count = 0;
  std::size_t connections_busy_count = 0;

  // Calls that are out, whose last attempt has failed, and that try again.
  std::size_t calls_retrying_count = 0;
  // The last such attempt, of any of them.
  std::string last_error;
  std::int64_t last_error_at_ms = 0; // Unix
  unsigned last_failed_attempt = 0;  // of its call, from 1

  void took(double seconds) noexcept {
    std::size_t i = 0;
    while (i < seconds_bounds.size() && seconds > seconds_bounds[i])
      ++i;
    ++seconds_counts[i];
    seconds_sum += seconds;
  }
};

} // namespace statefund::function
