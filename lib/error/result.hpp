#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include <string>
#include <string_view>

namespace statefund {

// An operating error: which one, by a room's errc, and what was found here, in words for the one who reads the log.
struct [[nodiscard]] error {
  boost::system::error_code code;
  std::string detail;

  // "<sentence of the code>: <detail>"
  std::string to_string() const;
};

// What a thing that can fail returns. Whoever calls handles it in the next line; value() on an error is a
// programmer's error and ends the process.
template <class T>
using result = boost::system::result<T, error>;

[[noreturn]] void throw_exception_from_error(error const& failure, boost::source_location const& where);

} // namespace statefund
