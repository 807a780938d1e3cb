#include "module/errc.hpp"

namespace statefund::module {

std::string_view room_of(errc) noexcept {
  return "module";
}

std::string_view describe(errc value) noexcept {
  switch (value) {
  case errc::duration_invalid:
    return "not a duration";
  case errc::size_invalid:
    return "not a size";
  case errc::endpoint_invalid:
    return "not an endpoint";
  case errc::date_invalid:
    return "not a date";
  case errc::template_invalid:
    return "not an address template";
  }
  return "unknown error";
}

} // namespace statefund::module
