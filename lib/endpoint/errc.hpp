#pragma once

#include "error/category.hpp"

#include <boost/system/error_code.hpp>

#include <string_view>

namespace statefund::endpoint {

// How the bytes of a connection fail, beside the system's own errors.
enum class errc {
  tls_failed = 1, // TLS came to an end that is none; the detail says why
  tls_cut_off,    // the connection ended without the word by which TLS ends
};

std::string_view room_of(errc) noexcept;
std::string_view describe(errc value) noexcept;
inline boost::system::error_code make_error_code(errc value) noexcept {
  return error_category::code_of(value);
}

} // namespace statefund::endpoint

STATEFUND_ERRC(statefund::endpoint::errc)
