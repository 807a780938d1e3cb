#pragma once

#include <algorithm>
#include <cstdint>

namespace statefund::mailbox {

// The daemon's mark for messages in memory: bodies being read, what is posted between shards, waiting or on a call, and
// delayed messages where the store has them nowhere else. In bytes, of which several threads may have taken a little
// more than there were. Pure.
//
// Up to the mark the outside comes in. From there on only what functions send comes in, up to the hard mark, twice as
// high. From there on a change that adds more than it removes waits; all others go on, so what can drain does.
//
// Where the store keeps messages on disk, payloads leave memory before the mark is reached: from seven eighths of it
// on, or from `spill_bytes_max` on, down to six sevenths of that.
struct memory_mark {
  std::uint64_t bytes_max = 256U << 20U;
  std::uint64_t spill_bytes_max = UINT64_MAX;

  bool admits(std::int64_t held_bytes, std::uint64_t more_bytes) const noexcept {
    return at_least_none(held_bytes) + more_bytes <= bytes_max;
  }
  // Below the hard mark there is room for one whole change, however large.
  bool is_full(std::int64_t held_bytes) const noexcept { return at_least_none(held_bytes) / 2 >= bytes_max; }
  bool holds(std::int64_t held_bytes, std::uint64_t added_bytes, std::uint64_t removed_bytes) const noexcept {
    return is_full(held_bytes) && added_bytes > removed_bytes;
  }
  // Everybody who was held goes on. The low mark of the hard one is the mark itself: at half of it the outside would
  // always be there before those who are held.
  bool has_room_again(std::int64_t held_bytes) const noexcept { return at_least_none(held_bytes) < bytes_max; }

  bool spills(std::int64_t held_bytes) const noexcept { return at_least_none(held_bytes) > spilled_from(); }
  // How much is to leave memory, where anything is.
  std::uint64_t excess_bytes(std::int64_t held_bytes) const noexcept {
    auto const down_to = spilled_from() / 7 * 6;
    return at_least_none(held_bytes) > down_to ? at_least_none(held_bytes) - down_to : 0;
  }
  // Up to where payloads leave again.
  std::uint64_t room_bytes(std::int64_t held_bytes) const noexcept {
    return spilled_from() - std::min(spilled_from(), at_least_none(held_bytes));
  }

 private:
  std::uint64_t spilled_from() const noexcept { return std::min(bytes_max - bytes_max / 8, spill_bytes_max); }
  static std::uint64_t at_least_none(std::int64_t bytes) noexcept {
    return bytes < 0 ? 0 : static_cast<std::uint64_t>(bytes);
  }
};

} // namespace statefund::mailbox
