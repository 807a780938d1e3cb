#pragma once

#include "clock/clock.hpp"

#include <algorithm>

namespace statefund::clock {

// A point in time by which something must have happened. Made once and passed down; a duration is not.
class deadline {
 public:
  static deadline after(steady::duration budget) noexcept {
    auto const now = steady::now();
    return budget >= steady::time_point::max() - now ? never() : deadline(now + budget);
  }
  static deadline at(steady::time_point when) noexcept { return deadline(when); }
  static constexpr deadline never() noexcept { return deadline(steady::time_point::max()); }

  steady::time_point when() const noexcept { return when_; }
  bool is_never() const noexcept { return when_ == steady::time_point::max(); }
  bool reached() const noexcept { return !is_never() && steady::now() >= when_; }
  // Zero once reached.
  steady::duration left() const noexcept {
    return is_never() ? steady::duration::max() : std::max(when_ - steady::now(), steady::duration::zero());
  }

  auto operator<=>(deadline const&) const = default;

 private:
  explicit constexpr deadline(steady::time_point when) noexcept : when_(when) {}
  steady::time_point when_;
};

} // namespace statefund::clock
