#pragma once

#include <atomic>
#include <cstdint>

namespace statefund::dispatch {

enum class serving_state {
  starting, // not yet ready
  serving,
  paused,   // starts nothing until it is resumed
  draining, // asked to stop: nothing new comes in, what waits goes on
  stopping, // nothing starts any more
};

// What the shards of one process count together. Relaxed: an overshoot of one message a shard is allowed for.
struct totals {
  std::atomic<serving_state> state{serving_state::starting};
  std::atomic<std::int64_t> buffered_bytes{0};         // bodies being read, messages waiting or on a call
  std::atomic<std::int64_t> pending_messages_count{0}; // ordered and not consumed, wherever they are
  std::atomic<std::int64_t> delayed_count{0};          // pending
  std::atomic<std::int64_t> delayed_far_count{0};      // of them, in the store alone
  std::atomic<std::uint64_t> successes_total{0};       // calls that took effect: tells which of two came first
};

} // namespace statefund::dispatch
