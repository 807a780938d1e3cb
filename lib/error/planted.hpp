#pragma once

namespace statefund::test_only {

// Mistakes that tests/simulation and tests/crash plant in the rooms, to prove that they find them. They are in these
// tests' own builds of the rooms alone (STATEFUND_PLANTED_MISTAKES): in every other one nothing is planted, and the
// compiler leaves nothing of it.
enum class mistake {
  none,
  lost_wake_up,       // an address that waits after a turn is never called again
  reordered_retry,    // a batch that took no effect goes behind what came meanwhile
  beside_culprit,     // the first message of a batch that is refused is given up, whoever is the cause
  broken_function,    // messages are given up though no other call has succeeded
  success_untold,     // no other shard hears of a success that its addresses wait for
  expired_stays,      // a state that a turn has seen as expired is not deleted
  refill_by_cursor,   // what comes with a smaller key than was read already is taken for a row on disk
  spill_unwritten,    // a payload leaves memory before the store can read it back
  removed_comes_back, // a delayed message that was cancelled while it was read from the store is pending again
  alarms_apart,       // what is due is sent before the alarms of all shards have come as far
  disk_filled,        // who adds to a disk that is almost full goes on

  // Of the store.
  no_latch,                    // a failure is passed over, and RocksDB goes on when it can
  promise_in_log_alone,        // the promise file is not looked at
  recovered_counts_as_durable, // what a start found in the log is not written anew
  hole_in_log,                 // the log is replayed although a file of it is missing
  evict_by_older_mark,         // values leave memory once an earlier change of their address is written
  log_files_unchecked,         // nobody notices that a file of the log is missing
};

#ifdef STATEFUND_PLANTED_MISTAKES
inline mistake planted = mistake::none;
inline bool is_planted(mistake which) noexcept {
  return planted == which;
}
#else
constexpr bool is_planted(mistake) noexcept {
  return false;
}
#endif

} // namespace statefund::test_only
