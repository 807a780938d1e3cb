#pragma once

#include "error/category.hpp"

#include <boost/system/error_code.hpp>

#include <string_view>

namespace statefund::function {

// How a call can fail, as far as dispatch can tell; the error's detail says which endpoint, stage and attempt.
enum class errc {
  endpoint_failed = 1,  // about the endpoint: reached, and cut, or answered 429, 502, 503 or 504
  endpoint_unreachable, // likewise: there is no connection to it
  name_unresolved,      // likewise: its host's name has no address
  out_of_descriptors,   // about us: no file descriptor is left for a connection
  message_refused,      // about the message: refused for good
  answer_unreadable,    // an answer of the right type whose bytes cannot be read
  wrong_generation,     // the endpoint speaks the other protocol generation
  function_in_error,    // the answer can be read and asks for what cannot be done
  call_cancelled,       // by us, because we stop
  endpoint_answered,    // about the endpoint: any other answer that is none of a function
  answered_500,         // likewise: what every SDK says when a function throws
  timed_out,            // about the endpoint: reached, and no answer in time
  answer_too_large,     // above payload_bytes_max, and not read
};

std::string_view room_of(errc) noexcept;
std::string_view describe(errc value) noexcept;
boost::system::error_code make_error_code(errc value) noexcept;

// There was no connection: the function has seen nothing of the call, and another call would get no further.
bool is_unreached(boost::system::error_code const& failed) noexcept;

} // namespace statefund::function

STATEFUND_ERRC(statefund::function::errc)
