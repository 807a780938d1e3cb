#pragma once

#include "error/category.hpp"

#include <boost/system/error_code.hpp>

#include <string_view>

namespace statefund::turn {

// What a function can ask for that cannot be done: its own error, named as such.
enum class errc {
  state_undeclared = 1, // a mutation of a state that this call did not carry
  state_type_mismatch,  // a value whose type is not the declared or the stored one
  nothing_new_asked,    // asks for states, and all of them were carried
  too_many_states,      // the type would have more states than states_max
  cancellation_without_token,
  delay_out_of_range, // negative, or above ten years
  target_incomplete,  // a message or record for an address or egress with an empty part
  states_too_large,   // its states and one message would not fit into a request any more
};

std::string_view room_of(errc) noexcept;
std::string_view describe(errc value) noexcept;
boost::system::error_code make_error_code(errc value) noexcept;

} // namespace statefund::turn

STATEFUND_ERRC(statefund::turn::errc)
