#include "module/spec.hpp"

namespace statefund::module {

std::string_view to_string(protocol value) noexcept {
  return value == protocol::v2 ? "2.x" : "3.x";
}

std::string to_text(function_pattern const& value) {
  return value.name_space + '/' + value.name.value_or("*");
}

} // namespace statefund::module
