#include "wire/text_value.hpp"

#include "wire/errc.hpp"
#include "wire/fields.hpp"
#include "wire/utf8.hpp"

namespace statefund::wire {

// { 1: text }, and no bytes at all for the empty text
result<message::typed_value> text_value(std::string_view type_name, std::string_view text) {
  if (!is_utf8(text))
    return error{errc::not_utf8, {}};
  message::typed_value value{std::string(type_name), true, {}};
  value.bytes.reserve(text_field_bytes(1, text));
  put_text(value.bytes, 1, text);
  return value;
}

} // namespace statefund::wire
