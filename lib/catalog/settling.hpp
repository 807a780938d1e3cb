#pragma once

#include "clock/deadline.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

namespace statefund::catalog {

// When a burst of changes is over: once nothing has happened for `quiet_time`, and at the latest `burst_max` after the
// first thing that did. Pure; a value is one burst.
class settling {
 public:
  static constexpr std::chrono::milliseconds quiet_time{250};
  static constexpr std::chrono::seconds burst_max{2};

  void changed(clock::steady::time_point now) noexcept {
    begun(now);
    is_changed_ = true;
  }
  // A file has come that may still be written, so that a change will follow. If none does, it was whole when it came.
  void begun(clock::steady::time_point now) noexcept {
    first_ = first_.value_or(now);
    last_ = now;
  }

  // Never, as long as nothing has happened.
  clock::deadline settles_at() const noexcept {
    if (!first_)
      return clock::deadline::never();
    auto const latest = *first_ + burst_max;
    return clock::deadline::at(is_changed_ ? std::min(last_ + quiet_time, latest) : latest);
  }

 private:
  std::optional<clock::steady::time_point> first_;
  clock::steady::time_point last_;
  bool is_changed_ = false;
};

} // namespace statefund::catalog
