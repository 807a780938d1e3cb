#include "wire/errc.hpp"

namespace statefund::wire {

std::string_view room_of(errc) noexcept {
  return "wire";
}

std::string_view describe(errc value) noexcept {
  switch (value) {
  case errc::malformed:
    return "the bytes are not the protobuf message that is due here";
  case errc::not_utf8:
    return "a text is not UTF-8";
  case errc::speaks_v3:
    return "this endpoint speaks the 3.x protocol; declare it as `kind: io.statefun.endpoints.v2/http`";
  case errc::speaks_v2:
    return "this endpoint speaks the 2.x protocol; declare it in a `version: \"2.0\"` module";
  case errc::mutation_unknown:
    return "a state mutation is neither DELETE (0) nor MODIFY (1)";
  case errc::target_incomplete:
    return "a message's target needs a namespace, a type and an id";
  case errc::egress_incomplete:
    return "an egress message needs an egress namespace and an egress type";
  case errc::state_unnamed:
    return "a state is asked for without a name";
  case errc::expiration_unusable:
    return "a state's expiration is NONE (0), or AFTER_WRITE (1) or AFTER_INVOKE (2) with at least 1 ms";
  case errc::value_unmarked:
    return "a value has bytes, but has_value is not set";
  case errc::frame_length_invalid:
    return "a frame begins with its length, a varint of at most 5 bytes";
  case errc::frame_too_large:
    return "a frame is longer than allowed";
  case errc::call_too_large:
    return "the call is beyond the 2 GiB that protobuf carries";
  }
  return "unknown error";
}

} // namespace statefund::wire
