#include "clock/backoff.hpp"

#include "error/ensure.hpp"

#include <algorithm>

namespace statefund::clock {

std::chrono::nanoseconds backoff(backoff_limits const& limits, unsigned failures, unsigned random) noexcept {
  ensure(failures >= 1, "a back-off follows a failure");
  auto full = limits.initial;
  for (unsigned i = 1; i < failures && full < limits.max; ++i)
    full *= 2;
  full = std::min(full, limits.max);
  auto const half = full / 2;
  return half + std::chrono::nanoseconds(half.count() / 1024 * (random % 1025));
}

} // namespace statefund::clock
