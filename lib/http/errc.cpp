#include "http/errc.hpp"

namespace statefund::http {

std::string_view room_of(errc) noexcept {
  return "http";
}

std::string_view describe(errc value) noexcept {
  switch (value) {
  case errc::malformed:
    return "what came is no HTTP/1.1 request";
  case errc::header_too_large:
    return "the request's header block is too long";
  case errc::body_too_large:
    return "the request's body is too long";
  case errc::client_too_slow:
    return "the request did not come in time";
  case errc::connection_lost:
    return "the connection ended before the request did";
  case errc::socket_in_use:
    return "another process listens on this socket";
  case errc::socket_unusable:
    return "the listening socket cannot be made";
  case errc::parameter_invalid:
    return "a query parameter cannot be used";
  }
  return "unknown error";
}

boost::system::error_code make_error_code(errc value) noexcept {
  return error_category::code_of(value);
}

} // namespace statefund::http
