#pragma once

#include <boost/system/error_code.hpp>

#include <string>
#include <string_view>

namespace statefund::error_category {

// The category of a room's errc. The room gives, beside its enumeration, two functions that are found by argument:
//   std::string_view room_of(errc) noexcept;   the room's name
//   std::string_view describe(errc) noexcept;  one sentence fragment for each value
template <class Errc>
class of_room final : public boost::system::error_category {
 public:
  char const* name() const noexcept override { return room_of(Errc{}).data(); }
  std::string message(int value) const override { return std::string(describe(static_cast<Errc>(value))); }
};

template <class Errc>
boost::system::error_code code_of(Errc value) noexcept {
  static of_room<Errc> const category;
  return {static_cast<int>(value), category};
}

} // namespace statefund::error_category

// Makes Errc an error code enumeration. At file level, after the enumeration and its two functions.
#define STATEFUND_ERRC(Errc)                                                                                           \
  template <>                                                                                                          \
  struct boost::system::is_error_code_enum<Errc> : std::true_type {};
