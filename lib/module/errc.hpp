#pragma once

#include "error/category.hpp"

#include <string_view>

namespace statefund::module {

// How a single value of a module file or of the settings fails to be read. Errors of whole files are diagnostics.
enum class errc {
  duration_invalid = 1, // not <number><unit>, or too large
  size_invalid,         // not <number><unit>, or too large
  endpoint_invalid,     // not an endpoint that a function can be reached at
  date_invalid,         // not a date with time and zone
  template_invalid,     // not an address with fields of a message in it
};

std::string_view room_of(errc value) noexcept;
std::string_view describe(errc value) noexcept;
inline boost::system::error_code make_error_code(errc value) noexcept {
  return error_category::code_of(value);
}

} // namespace statefund::module

STATEFUND_ERRC(statefund::module::errc)
