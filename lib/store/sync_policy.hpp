#pragma once

#include <chrono>

namespace statefund::store {

// When a change counts as durable, and answers are given. The order is the same in all.
enum class sync_mode {
  always,   // once it is synced
  interval, // once it is written; all that was written is synced within the interval
  never,    // once it is written; the system syncs when it likes
};

struct sync_policy {
  sync_mode mode = sync_mode::always;
  std::chrono::nanoseconds interval = std::chrono::milliseconds(100);
};

} // namespace statefund::store
