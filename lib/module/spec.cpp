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

std::string to_text(ingress_id const& value) {
  return value.name_space + '/' + value.name;
}

std::string_view to_string(kafka_offset_reset value) noexcept {
  return value == kafka_offset_reset::earliest ? "earliest" : "latest";
}

std::string_view to_string(kafka_start value) noexcept {
  switch (value) {
  case kafka_start::group_offsets:
    return "group-offsets";
  case kafka_start::earliest:
    return "earliest";
  case kafka_start::latest:
    return "latest";
  case kafka_start::specific_offsets:
    return "specific-offsets";
  case kafka_start::date:
    return "date";
  }
  return "unknown";
}

std::string_view to_string(kafka_delivery value) noexcept {
  switch (value) {
  case kafka_delivery::none:
    return "none";
  case kafka_delivery::at_least_once:
    return "at-least-once";
  case kafka_delivery::exactly_once:
    return "exactly-once";
  }
  return "unknown";
}

} // namespace statefund::module
