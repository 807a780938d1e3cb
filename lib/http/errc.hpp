#pragma once

#include "error/category.hpp"

#include <boost/system/error_code.hpp>

#include <string_view>

namespace statefund::http {

enum class errc {
  malformed = 1,     // what came is no HTTP/1.1 request
  header_too_large,  // the header block is longer than the limit
  body_too_large,    // the body is longer than the limit
  client_too_slow,   // header or body did not come in time
  connection_lost,   // the client is gone, or the server is ending
  socket_in_use,     // another process listens there
  socket_unusable,   // a listening socket cannot be made there
  parameter_invalid, // a query parameter is unknown, comes twice or cannot be read
};

std::string_view room_of(errc) noexcept;
std::string_view describe(errc value) noexcept;
boost::system::error_code make_error_code(errc value) noexcept;

} // namespace statefund::http

STATEFUND_ERRC(statefund::http::errc)
