#pragma once

#include "error/category.hpp"

#include <boost/system/error_code.hpp>

#include <string_view>

namespace statefund::task {

enum class errc {
  deadline_reached = 1, // the operation was cancelled because its deadline passed
};

std::string_view room_of(errc) noexcept;
std::string_view describe(errc value) noexcept;
boost::system::error_code make_error_code(errc value) noexcept;

} // namespace statefund::task

STATEFUND_ERRC(statefund::task::errc)
