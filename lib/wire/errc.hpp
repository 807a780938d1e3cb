#pragma once

#include "error/category.hpp"

#include <string_view>

namespace statefund::wire {

// All but call_too_large are about what somebody else sent: trying the same bytes again gives the same error.
enum class errc {
  malformed = 1,        // the bytes are not a message of the kind that is due here
  not_utf8,             // a text is not UTF-8
  speaks_v3,            // a 3.x answer where 2.x is declared
  speaks_v2,            // a 2.x answer where 3.x is declared
  mutation_unknown,     // a state mutation that is neither DELETE nor MODIFY
  target_incomplete,    // a message without a target, or whose target has an empty part
  egress_incomplete,    // an egress message whose egress has an empty part
  state_unnamed,        // a state is asked for without a name
  expiration_unusable,  // a state is asked for with an unknown expiration mode, or with a duration below 1 ms
  value_unmarked,       // a client's value has bytes, but not has_value
  frame_length_invalid, // what should be a frame's length is none
  frame_too_large,      // a frame is longer than the limit
  call_too_large,       // a call is beyond the 2 GiB that protobuf carries
};

std::string_view room_of(errc) noexcept;
std::string_view describe(errc value) noexcept;
inline boost::system::error_code make_error_code(errc value) noexcept {
  return error_category::code_of(value);
}

} // namespace statefund::wire

STATEFUND_ERRC(statefund::wire::errc)
