#pragma once

#include "clock/clock.hpp"

#include <chrono>
#include <cstdint>

namespace statefund::clock {

// What both clocks show at a moment.
struct reading {
  steady::time_point at;
  std::int64_t wall_ms;
};
reading read_both() noexcept;

// From here on a wall clock that was set is told of. What expires is kept for a minute longer, so that less takes
// nothing that a clock that is set back could have shown again.
inline constexpr std::chrono::milliseconds wall_jump_min = std::chrono::minutes(1);

// How far the wall clock was set between two readings: ahead, or, below zero, back. Zero, where that is less than
// wall_jump_min: clocks that are slewed, or read one after the other, differ a little. Pure.
std::chrono::milliseconds wall_jump(reading const& before, reading const& now) noexcept;

} // namespace statefund::clock
