#include "clock/wall_jump.hpp"

namespace statefund::clock {

reading read_both() noexcept {
  return {steady::now(), unix_ms()};
}

std::chrono::milliseconds wall_jump(reading const& before, reading const& now) noexcept {
  auto const passed = std::chrono::duration_cast<std::chrono::milliseconds>(now.at - before.at);
  auto const jumped = std::chrono::milliseconds(now.wall_ms - before.wall_ms) - passed;
  return std::chrono::abs(jumped) >= wall_jump_min ? jumped : std::chrono::milliseconds::zero();
}

} // namespace statefund::clock
