#pragma once

#include "error/category.hpp"

#include <string_view>

namespace statefund::catalog {

// Why a module directory cannot be read at all, or not be watched. What is wrong with one file stands in the snapshot.
enum class errc {
  directory_missing = 1, // there is no directory of that name
  directory_unreadable,  // it is there and cannot be listed
  too_many_files,        // more than files_max module files
  watch_unavailable,     // the system gives no watch on it
};

std::string_view room_of(errc value) noexcept;
std::string_view describe(errc value) noexcept;
inline boost::system::error_code make_error_code(errc value) noexcept {
  return error_category::code_of(value);
}

} // namespace statefund::catalog

STATEFUND_ERRC(statefund::catalog::errc)
