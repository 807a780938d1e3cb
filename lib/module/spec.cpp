#include "module/spec.hpp"

namespace statefund::module {

std::string_view to_string(protocol value) noexcept {
  return value == protocol::v2 ? "2.x" : "3.x";
}

std::string_view to_string(on_failure value) noexcept {
  switch (value) {
  case on_failure::pause:
    return "pause";
  case on_failure::dead_letter:
    return "dead-letter";
  case on_failure::skip:
    return "skip";
  }
  return "unknown";
}

std::string_view to_string(call_when value) noexcept {
  return value == call_when::ordered ? "ordered" : "durable";
}

std::string to_text(function_pattern const& value) {
  return value.name_space + '/' + value.name.value_or("*");
}

} // namespace statefund::module
