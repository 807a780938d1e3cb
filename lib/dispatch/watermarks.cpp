#include "dispatch/watermarks.hpp"

#include "error/planted.hpp"

#include <algorithm>

namespace statefund::dispatch {

void watermarks::took(std::size_t shard, std::int64_t due_ms) noexcept {
  if (auto& taken_ms = shards_[shard].taken_ms; due_ms > taken_ms)
    taken_ms = due_ms;
}

void watermarks::lower(std::size_t shard, std::int64_t due_ms) noexcept {
  auto& own = shards_[shard];
  auto const to_ms = std::max(due_ms, own.taken_ms);
  if (to_ms < own.due_ms.load(std::memory_order_relaxed))
    own.due_ms.store(to_ms, std::memory_order_seq_cst);
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

bool watermarks::reached_or_asks(std::size_t shard, std::int64_t due_ms) noexcept {
  if (lowest_ms() >= due_ms)
    return true;
  auto& own = shards_[shard].waits_for_ms;
  // Before it looks again: whoever moves in between tells.
  own.store(due_ms, std::memory_order_seq_cst);
  if (lowest_ms() < due_ms)
    return false;
  own.store(INT64_MAX, std::memory_order_seq_cst);
  return true;
}

} // namespace statefund::dispatch
