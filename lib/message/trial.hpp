#pragma once

#include <cstddef>
#include <vector>

namespace statefund::message {

// Messages that stand behind each other in a batch whose calls fail.
struct trial_part {
  std::size_t messages_count = 0;
  unsigned attempts_count = 0; // calls with these messages that failed, and that the function answered

  bool operator==(trial_part const&) const = default;
};

// What is known of an address's batch since its calls fail: kept with the mailbox, moved by turn/failure.hpp.
struct trial {
  // From the end of the batch to its head: the last one is called next, alone. Empty: no call has failed since the
  // last batch took effect. What arrives meanwhile is behind all of them.
  std::vector<trial_part> parts;
  unsigned thrown_count = 0; // calls with this batch answered 500, in a row

  // Outlives the batch, for it says how much of the function's work fits into a call's time.
  std::size_t messages_max = 0;   // of the next call; 0: what the module says
  std::size_t too_many_count = 0; // so many messages were not answered in time; 0: unknown
  unsigned in_time_count = 0;     // calls with messages_max that were, since it stands

  bool operator==(trial const&) const = default;
};

} // namespace statefund::message
