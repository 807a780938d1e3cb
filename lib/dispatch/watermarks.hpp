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

  void lower(std::size_t shard, std::int64_t due_ms) noexcept;
  // True: others may wait for it, and have to be told.
  bool set(std::size_t shard, std::int64_t due_ms) noexcept;

  std::int64_t lowest_ms() const noexcept;
  // INT64_MAX: there are none.
  std::int64_t lowest_of_others_ms(std::size_t shard) const noexcept;
  // Whether another one has something left that is due before; then who moves its own is asked to tell.
  bool has_to_wait(std::size_t shard, std::int64_t due_ms) noexcept;

 private:
  struct alignas(64) of_shard { // a cache line each
    std::atomic<std::int64_t> due_ms = INT64_MIN;
  };

  std::vector<of_shard> shards_;
  std::atomic<bool> somebody_waits_ = false;
};

} // namespace statefund::dispatch
