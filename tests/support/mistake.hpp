#pragma once

#include <array>
#include <string_view>
#include <utility>

namespace statefund::support {

// Mistakes that the daemon could be built with. The simulation plants them, one at a time, to prove that it finds them.
enum class mistake {
  none,

  // Of the store (crash_store).
  consume_by_range,            // removes a mailbox's rows up to the newest one consumed, not each by its key
  queue_a_shard,               // changes are queued by shard, and written from one queue after another
  number_by_shard,             // shards take numbers in advance
  no_latch,                    // goes on after a write has failed
  recovered_counts_as_durable, // does not write anew what it found
  consumed_apart,              // what a change consumes is written after the change: it takes effect twice
  timer_loaded_twice,          // a delayed message comes back under two keys
  timer_in_seconds,            // a due time is kept in whole seconds: it comes early
  letter_stays,                // a dead letter is removed after the change that replays it: it is replayed twice
  stamp_of_first_write,        // a state that is written again expires as it was to before

  // Of what stands around dispatch (tests/simulation).
  duplicate_at_once,      // a duplicate is answered before the first is durable
  refusal_after_ordering, // 503 where the answer is not known
  doors_before_load,      // messages are accepted before all that was kept is loaded

  // Of the rooms themselves (error/planted.hpp).
  lost_wake_up,       // an address that waits after a turn is never called again
  reordered_retry,    // a batch that took no effect goes behind what came meanwhile
  beside_culprit,     // the first message of a batch that is refused is given up, whoever is the cause
  broken_function,    // messages are given up though no other call has succeeded
  success_untold,     // no other shard hears of a success that its addresses wait for
  expired_stays,      // a state that a turn has seen as expired is not deleted
  refill_by_cursor,   // what comes with a smaller key than was read already is taken for a row on disk
  removed_comes_back, // a delayed message that was cancelled while it was read from the store is pending again
  spill_unwritten,    // a payload leaves memory before the store can read it back
  alarms_apart,       // what is due is sent before the alarms of all shards have come as far
  disk_filled,        // who adds to a disk that is almost full goes on
};

inline constexpr std::array<std::pair<mistake, std::string_view>, 24> mistakes{{
    {mistake::consume_by_range, "consume-by-range"},
    {mistake::queue_a_shard, "queue-a-shard"},
    {mistake::number_by_shard, "number-by-shard"},
    {mistake::no_latch, "no-latch"},
    {mistake::recovered_counts_as_durable, "recovered-counts-as-durable"},
    {mistake::consumed_apart, "consumed-apart"},
    {mistake::timer_loaded_twice, "timer-loaded-twice"},
    {mistake::timer_in_seconds, "timer-in-seconds"},
    {mistake::letter_stays, "letter-stays"},
    {mistake::stamp_of_first_write, "stamp-of-first-write"},
    {mistake::duplicate_at_once, "duplicate-at-once"},
    {mistake::refusal_after_ordering, "refusal-after-ordering"},
    {mistake::doors_before_load, "doors-before-load"},
    {mistake::lost_wake_up, "lost-wake-up"},
    {mistake::reordered_retry, "reordered-retry"},
    {mistake::beside_culprit, "beside-culprit"},
    {mistake::broken_function, "broken-function"},
    {mistake::success_untold, "success-untold"},
    {mistake::expired_stays, "expired-stays"},
    {mistake::refill_by_cursor, "refill-by-cursor"},
    {mistake::spill_unwritten, "spill-unwritten"},
    {mistake::removed_comes_back, "removed-comes-back"},
    {mistake::alarms_apart, "alarms-apart"},
    {mistake::disk_filled, "disk-filled"},
}};

} // namespace statefund::support
