#pragma once

#include <chrono>

namespace statefund::clock {

struct backoff_limits {
  std::chrono::nanoseconds initial;
  std::chrono::nanoseconds max;
};

// The wait before attempt `failures + 1`: `initial` doubled with each failure up to `max`, then spread over the upper
// half of that ("equal jitter"), so that those who failed together do not come back together.
// `failures` >= 1; `random` is uniform over all values. Pure.
std::chrono::nanoseconds backoff(backoff_limits const& limits, unsigned failures, unsigned random) noexcept;

} // namespace statefund::clock
