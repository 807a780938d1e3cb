#pragma once

#include "clock/clock.hpp"
#include "dispatch/entrance.hpp"
#include "store/store.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace statefund::dispatch {

// How far the order may be ahead of what is durable. Pure.
struct sync_mark {
  std::uint64_t bytes_max = 64U << 20U;
  std::chrono::nanoseconds sync_max = std::chrono::seconds(5); // what takes longer is reported
  // Beside its bytes a change takes some hundred more of memory, in the queue and by what stays in the state cache for
  // it. So that is bounded, too, and about as bytes_max is: small changes that wait are no more than that.
  std::uint64_t changes_max = 200'000;

  bool is_full(store::not_durable const& behind) const noexcept {
    return (behind.bytes >= bytes_max && behind.bytes > 0) || behind.changes_count >= changes_max;
  }
  // Below half of both.
  bool has_room_again(store::not_durable const& behind) const noexcept {
    return behind.bytes == 0 || (behind.bytes < (bytes_max + 1) / 2 && behind.changes_count < (changes_max + 1) / 2);
  }
  bool is_late(store::not_durable const& behind, clock::steady::time_point now) const noexcept {
    return behind.bytes > 0 && now - behind.since >= sync_max;
  }
};

// Below the mark of free space: what a message from outside is answered. Any thread.
std::optional<refusal> refusal_for_space(store::store const& truth);

// Looks how far the store is behind, and says who waits for it: from the mark on no turn starts, until there is half of
// it; at the mark, and while a sync does not come back, nothing comes in from outside. What is ordered waits for the
// sync however long it takes. Nor does anything come in while the disk has too little room left, which is kept for what
// is here to end. Tells once that a sync is late. One shard, its thread.
class sync_watch {
 public:
  sync_watch(store::store const& truth, sync_mark const& mark) : store_(truth), mark_(mark) {}

  bool turns_wait();
  std::optional<refusal> closes_doors();

 private:
  store::not_durable look();

  store::store const& store_;
  sync_mark const mark_;
  bool is_full_ = false;
  bool is_late_ = false;
};

} // namespace statefund::dispatch
