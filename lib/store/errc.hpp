#pragma once

#include "error/category.hpp"

#include <boost/system/error_code.hpp>

#include <string_view>

namespace statefund::store {

enum class errc {
  lost = 1, // a write or sync has failed: nothing is ordered or shown any more, and the process ends
};

std::string_view room_of(errc) noexcept;
std::string_view describe(errc value) noexcept;
boost::system::error_code make_error_code(errc value) noexcept;

} // namespace statefund::store

STATEFUND_ERRC(statefund::store::errc)
