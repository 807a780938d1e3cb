#pragma once

namespace statefund::test_only {

// Mistakes that the simulation plants in the rooms, to prove that it finds them. They are in its own build of the rooms
// alone (STATEFUND_PLANTED_MISTAKES): in every other one nothing is planted, and the compiler leaves nothing of it.
enum class mistake {
  none,
  lost_wake_up,     // an address that waits after a turn is never called again
  reordered_retry,  // a batch that took no effect goes behind what came meanwhile
  beside_culprit,   // the first message of a batch that is refused is given up, whoever is the cause
  broken_function,  // messages are given up though no other call has succeeded
  refill_by_cursor, // what comes with a smaller key than was read already is taken for a row on disk
  spill_unwritten,  // a payload leaves memory before the store can read it back
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
