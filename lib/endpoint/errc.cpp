#include "endpoint/errc.hpp"

namespace statefund::endpoint {

std::string_view room_of(errc) noexcept {
  return "endpoint";
}

std::string_view describe(errc value) noexcept {
  switch (value) {
  case errc::tls_failed:
    return "TLS failed";
  case errc::tls_cut_off:
    return "the connection was cut off, without TLS's close_notify";
  }
  return "unknown error";
}

} // namespace statefund::endpoint
