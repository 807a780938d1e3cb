#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace statefund::dispatch {

// How far the alarms of all shards have come. What a shard's addresses have set and is due before its watermark has
// been sent, or the shard of its target was told of it: so what addresses of different shards set for one target can
// come in due order. Times are of the wall clock, in milliseconds. A shard moves its own, on its thread; any thread
// looks.
class watermarks {
 public:
  // None has begun: INT64_MIN.
  explicit watermarks(std::size_t shards_count) : shards_(shards_count) {}

  // The shard has taken what is due before. Below it nothing lowers the watermark any more, however the clock is set
  // back.
  void took(std::size_t shard, std::int64_t due_ms) noexcept;
  // Something was set that is due earlier.
  void lower(std::size_t shard, std::int64_t due_ms) noexcept;
  // Calls `tell` for each shard that has asked, and may go on.
  template <class Tell>
  void raise(std::size_t shard, std::int64_t due_ms, Tell const& tell) {
    auto& own = shards_[shard].due_ms;
    if (due_ms <= own.load(std::memory_order_relaxed))
      return;
    own.store(due_ms, std::memory_order_seq_cst);
    auto const lowest = lowest_ms();
    for (std::size_t i = 0; i < shards_.size(); ++i)
      if (shards_[i].is_told(lowest))
        tell(i);
  }

  std::int64_t lowest_ms() const noexcept;
  // INT64_MAX: there are none.
  std::int64_t lowest_of_others_ms(std::size_t shard) const noexcept;
  // Whether all have come as far. If not, the shard will be told, once, in place of what it has asked before.
  bool reached_or_asks(std::size_t shard, std::int64_t due_ms) noexcept;

 private:
  struct alignas(64) of_shard { // a cache line each
    bool is_told(std::int64_t lowest_ms) noexcept {
      auto const asks_ms = waits_for_ms.load(std::memory_order_seq_cst);
      return asks_ms != INT64_MAX && asks_ms <= lowest_ms &&
             waits_for_ms.exchange(INT64_MAX, std::memory_order_seq_cst) != INT64_MAX;
    }

    std::atomic<std::int64_t> due_ms = INT64_MIN;
    std::atomic<std::int64_t> waits_for_ms = INT64_MAX; // nothing
    std::int64_t taken_ms = INT64_MIN;                  // of its thread
  };

  std::vector<of_shard> shards_;
};

} // namespace statefund::dispatch
