#pragma once

#include "message/batch.hpp"
#include "message/change.hpp"
#include "message/state_values.hpp"

#include <cstdint>

namespace statefund::dispatch {

// What a turn's change adds to what the store keeps, and what it removes. Pure.
//
// By what can grow: values, tokens, and the same amount for each message, waiting or delayed, and record; who sends it,
// and to whom, is left out. So a function that passes on what it gets, later, elsewhere or to an egress, adds no more
// than it removes. Of a delayed message that is cancelled the value is not known.
struct disk_balance {
  std::uint64_t added_bytes = 0;
  std::uint64_t removed_bytes = 0;
};

disk_balance balance_of(message::change const& whole, message::batch const& taken,
                        message::state_values const& carried);

} // namespace statefund::dispatch
