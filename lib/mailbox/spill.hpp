#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace statefund::mailbox {

// What a store with a disk lets leave memory first, once it is durable and can be read back. Pure.

// One mailbox: its head is what the next batch takes, its tail what waits behind that.
struct spill_candidate {
  bool can_run = true; // ready or in flight; not paused, held, backing off or unbound
  std::uint64_t head_bytes = 0;
  std::uint64_t tail_bytes = 0;
};

enum class spilled_part {
  tail,
  whole, // head and tail
};

struct spill_order {
  std::size_t index; // of the candidate
  spilled_part part;

  bool operator==(spill_order const&) const = default;
};

// Which parts go to free at least `bytes`, or all that may go. Tails of those who cannot run, then their heads, then
// tails of those who can; of each the largest first, so that few addresses are touched. The head of one who can run
// stays. Each candidate is named at most once.
std::vector<spill_order> what_to_spill(std::vector<spill_candidate> const& all, std::uint64_t bytes);

} // namespace statefund::mailbox
