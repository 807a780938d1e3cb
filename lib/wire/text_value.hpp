#pragma once

#include "error/result.hpp"
#include "message/typed_value.hpp"
#include "wire/generation.hpp"

#include <string_view>

// A plain text as a value that a function's SDK reads as a string. Pure; any thread.
namespace statefund::wire {

// The type of a text: StringWrapper for 3.x, protobuf's own StringValue for 2.x. The bytes are the same.
inline constexpr std::string_view text_type_v3 = "io.statefun.types/string";
inline constexpr std::string_view text_type_v2 = "type.googleapis.com/google.protobuf.StringValue";
constexpr std::string_view text_type(generation speaks) noexcept {
  return speaks == generation::v2 ? text_type_v2 : text_type_v3;
}

// `type_name` is one of the above, as the function that it goes to wants it. errc::not_utf8.
result<message::typed_value> text_value(std::string_view type_name, std::string_view text);

} // namespace statefund::wire
