#pragma once

#include "error/result.hpp"
#include "message/address.hpp"
#include "message/batch.hpp"
#include "message/change.hpp"
#include "message/reply.hpp"
#include "message/state_values.hpp"
#include "turn/errc.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace statefund::turn {

// The delayed messages that one address has set and that are still pending, by cancellation token. A token may stand
// for several: cancelling it removes them all.
using pending_delayed = std::unordered_map<std::string, std::list<message::delayed_key>>;

// What a turn knows when the answer is there. All borrowed.
struct turn_facts {
  message::address const& self;
  message::batch const& taken;
  message::state_values const& states;           // what the call carried
  std::vector<std::string> const& expired_names; // states whose stored value the call did not carry, for it had expired
  pending_delayed const* delayed;                // null: none
  std::size_t states_max;
  std::int64_t now_ms;           // Unix milliseconds
  std::int64_t growth_bytes_max; // by how much the states may grow, so that one message still fits beside them
};

// Either the change that the answer amounts to, or the wish for states that the call did not carry.
class verdict {
 public:
  explicit verdict(message::change whole) : judged_(std::move(whole)) {}
  explicit verdict(message::missing_states missing) : judged_(std::move(missing)) {}

  bool wants_states() const noexcept { return std::holds_alternative<message::missing_states>(judged_); }
  message::missing_states const& missing() const { return std::get<message::missing_states>(judged_); }
  message::change& change() { return std::get<message::change>(judged_); }

 private:
  std::variant<message::change, message::missing_states> judged_;
};

// Batch + states + answer -> change, or the function's error. Pure.
//
// - A state may be mutated if this call carried it, with the type that is declared and stored; an empty type, declared
//   or stored, takes any.
// - after_write counts from a MODIFY; after_invoke also from this call for every value that it carried, written only
//   when it moves the expiry by more than 1 % of the duration. An expired state is deleted.
// - Delays count from `now_ms`. Sends and cancellations of one answer apply in order.
// - States may grow up to `growth_bytes_max`, and shrink whatever that is.
// - Asking for nothing new is an error.
result<verdict> conclude(turn_facts const& known, message::reply answer);

// Takes every value out that has expired by `now_ms`, and names them: a function does not get to see it, and the change
// of a call that saw it as absent deletes it.
std::vector<std::string> take_out_expired(message::state_values& states, std::int64_t now_ms);

// Before a call: a stored value whose type is not the one declared for its state.
result<void> check_types(message::state_values const& states);

// The specs that a call carries after `known` and what the function asked for; a name asked for anew takes the new
// spec. errc::too_many_states: they would be more than `states_max`.
result<message::state_specs> learn(message::state_specs const& known, message::missing_states const& missing,
                                   std::size_t states_max);

} // namespace statefund::turn
