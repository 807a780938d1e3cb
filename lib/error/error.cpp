#include "error/ensure.hpp"
#include "error/number.hpp"
#include "error/result.hpp"

#include <cstdio>
#include <cstdlib>

namespace statefund {

std::string error::to_string() const {
  return detail.empty() ? code.message() : code.message() + ": " + detail;
}

void throw_exception_from_error(error const& failure, boost::source_location const& where) {
  std::fprintf(stderr, "value() of a failed result: %s\n", failure.to_string().c_str());
  broken_promise("a result is handled before its value is taken",
                 std::source_location::current()); // boost's location has another type; it is printed above
  (void)where;
}

std::string to_string(number value) {
  std::string const digits = std::to_string(static_cast<unsigned>(value));
  return "SF" + std::string(4 - digits.size(), '0') + digits;
}

void broken_promise(char const* promise, std::source_location const& where) noexcept {
  std::fprintf(stderr, "%s:%u: %s: broken promise: %s\n", where.file_name(), static_cast<unsigned>(where.line()),
               where.function_name(), promise);
  std::abort();
}

} // namespace statefund
