#include "wire/values.hpp"

#include "wire/utf8.hpp"

// address    = { 1 namespace: text | 2 type: text | 3 id: text }
// value, 3.x = { 1 typename: text | 2 has_value: varint | 3 value: bytes }
// value, 2.x = { 1 type_url: text | 2 value: bytes }
// What holds its default is left out. A value whose field 2 has the other generation's wire type is of that generation.

namespace statefund::wire {

bool read_text(field const& found, std::string_view name, std::string& into, fault& why) {
  if (!is_utf8(found.bytes)) {
    why.is(errc::not_utf8);
    return why.within(name);
  }
  into = found.bytes;
  return true;
}

bool read_address(field_reader in, message::address& into, fault& why) {
  for (field found; in.next(found);) {
    bool read = true;
    switch (found.tag) {
    case length_tag(1):
      read = read_text(found, "namespace", into.type.name_space, why);
      break;
    case length_tag(2):
      read = read_text(found, "type", into.type.name, why);
      break;
    case length_tag(3):
      read = read_text(found, "id", into.id, why);
      break;
    default:
      break;
    }
    if (!read)
      return false;
  }
  return in.complete() || why.is(errc::malformed);
}

bool read_value(generation speaks, field_reader in, message::typed_value& into, fault& why) {
  bool const v2 = speaks == generation::v2;
  if (v2)
    into.has_value = true;
  for (field found; in.next(found);) {
    switch (found.tag) {
    case length_tag(1):
      if (!read_text(found, v2 ? "type_url" : "typename", into.type_name, why))
        return false;
      break;
    case varint_tag(2):
      if (v2)
        return why.is(errc::speaks_v3);
      into.has_value = found.varint != 0;
      break;
    case length_tag(2):
      if (!v2)
        return why.is(errc::speaks_v2);
      into.bytes = found.bytes;
      break;
    case length_tag(3):
      if (!v2)
        into.bytes = found.bytes;
      break;
    default:
      break;
    }
  }
  return in.complete() || why.is(errc::malformed);
}

bool is_complete(message::address const& target) noexcept {
  return !target.type.name_space.empty() && !target.type.name.empty() && !target.id.empty();
}

std::string empty_parts(message::address const& target) {
  std::string parts;
  auto const add = [&parts](std::string const& part, std::string_view name) {
    if (part.empty())
      parts.append(parts.empty() ? "" : ", ").append(name);
  };
  add(target.type.name_space, "namespace");
  add(target.type.name, "type");
  add(target.id, "id");
  return parts;
}

std::size_t address_bytes(message::address const& value) noexcept {
  return text_field_bytes(1, value.type.name_space) + text_field_bytes(2, value.type.name) +
         text_field_bytes(3, value.id);
}

std::size_t value_bytes(generation speaks, message::typed_value const& value) noexcept {
  return speaks == generation::v2
             ? text_field_bytes(1, value.type_name) + text_field_bytes(2, value.bytes)
             : text_field_bytes(1, value.type_name) + varint_field_bytes(2, value.has_value ? 1 : 0) +
                   text_field_bytes(3, value.bytes);
}

void put_address(std::string& out, std::uint32_t number, message::address const& value) {
  put_length(out, number, address_bytes(value));
  put_text(out, 1, value.type.name_space);
  put_text(out, 2, value.type.name);
  put_text(out, 3, value.id);
}

void put_value(std::string& out, std::uint32_t number, generation speaks, message::typed_value const& value) {
  put_length(out, number, value_bytes(speaks, value));
  put_text(out, 1, value.type_name);
  if (speaks == generation::v3)
    put_varint_field(out, 2, value.has_value ? 1 : 0);
  put_text(out, speaks == generation::v2 ? 2 : 3, value.bytes);
}

} // namespace statefund::wire
