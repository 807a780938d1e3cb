#include "dispatch/watermarks.hpp"

#include "error/planted.hpp"

#include <algorithm>

namespace statefund::dispatch {

void watermarks::lower(std::size_t shard, std::int64_t due_ms) noexcept {
  auto& own = shards_[shard].due_ms;
  if (due_ms < own.load(std::memory_order_relaxed))
    own.store(due_ms, std::memory_order_seq_cst);
}

bool watermarks::set(std::size_t shard, std::int64_t due_ms) noexcept {
  auto& own = shards_[shard].due_ms;
  if (own.load(std::memory_order_relaxed) == due_ms)
    return false;
  own.store(due_ms, std::memory_order_seq_cst);
  return somebody_waits_.load(std::memory_order_seq_cst) && somebody_waits_.exchange(false, std::memory_order_seq_cst);
}

std::int64_t watermarks::lowest_ms() const noexcept {
  return lowest_of_others_ms(shards_.size());
}

std::int64_t watermarks::lowest_of_others_ms(std::size_t shard) const noexcept {
  auto lowest = INT64_MAX;
  for (std::size_t i = 0; i < shards_.size(); ++i)
    if (i != shard && !test_only::is_planted(test_only::mistake::alarms_apart))
      lowest = std::min(lowest, shards_[i].due_ms.load(std::memory_order_seq_cst));
  return lowest;
}

bool watermarks::has_to_wait(std::size_t shard, std::int64_t due_ms) noexcept {
  if (lowest_of_others_ms(shard) >= due_ms)
    return false;
  // Said before it looks again: one that moves in between tells.
  somebody_waits_.store(true, std::memory_order_seq_cst);
  return lowest_of_others_ms(shard) < due_ms;
}

} // namespace statefund::dispatch
