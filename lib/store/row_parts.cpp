#include "store/row_parts.hpp"

namespace statefund::store {

using wire::length_tag;
using wire::varint_tag;

namespace {

template <std::size_t Bytes>
void put_big_endian(std::string& key, std::uint64_t number) {
  for (std::size_t i = Bytes; i > 0; --i)
    key.push_back(static_cast<char>(number >> (8 * (i - 1))));
}

template <std::size_t Bytes>
bool take_big_endian(std::string_view& from, std::uint64_t& into) noexcept {
  if (from.size() < Bytes)
    return false;
  into = 0;
  for (std::size_t i = 0; i < Bytes; ++i)
    into = into << 8U | static_cast<unsigned char>(from[i]);
  from.remove_prefix(Bytes);
  return true;
}

} // namespace

void put_partition(std::string& key, std::uint32_t partition) {
  put_big_endian<2>(key, partition);
}

void put_text(std::string& key, std::string_view text) {
  wire::put_varint(key, text.size());
  key.append(text);
}

void put_address(std::string& key, message::address const& self) {
  put_text(key, self.type.name_space);
  put_text(key, self.type.name);
  put_text(key, self.id);
}

void put_number(std::string& key, std::uint64_t number) {
  put_big_endian<8>(key, number);
}

void put_index(std::string& key, std::uint32_t index) {
  put_big_endian<4>(key, index);
}

void put_entry_key(std::string& key, message::entry_key const& entry) {
  put_number(key, entry.number);
  put_index(key, entry.index);
}

void overwrite_number(char* position, std::uint64_t number) noexcept {
  for (int i = 7; i >= 0; --i, number >>= 8U)
    position[i] = static_cast<char>(number);
}

bool key_reader::take(std::uint32_t& partition_into) noexcept {
  std::uint64_t wide = 0;
  bool const is_there = take_big_endian<2>(left_, wide);
  partition_into = static_cast<std::uint32_t>(wide);
  return is_there;
}

bool key_reader::take(std::string& into) {
  std::uint64_t length = 0;
  for (unsigned shift = 0;; shift += 7) {
    if (left_.empty() || shift > 28)
      return false;
    auto const byte = static_cast<unsigned char>(left_.front());
    left_.remove_prefix(1);
    length |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
    if (byte == 0 && shift > 0)
      return false; // a text has one form, so that a row has one key
    if (byte < 0x80)
      break;
  }
  if (left_.size() < length)
    return false;
  into = left_.substr(0, length);
  left_.remove_prefix(length);
  return true;
}

bool key_reader::take(message::address& into) {
  return take(into.type.name_space) && take(into.type.name) && take(into.id);
}

bool key_reader::take(std::uint64_t& into) noexcept {
  return take_big_endian<8>(left_, into);
}

bool key_reader::take(message::entry_key& into) noexcept {
  std::uint64_t index = 0;
  if (!take_big_endian<8>(left_, into.number) || !take_big_endian<4>(left_, index))
    return false;
  into.index = static_cast<std::uint32_t>(index);
  return true;
}

void put_address_field(std::string& out, std::uint32_t number, message::address const& value) {
  wire::put_length(out, number,
                   wire::text_field_bytes(1, value.type.name_space) + wire::text_field_bytes(2, value.type.name) +
                       wire::text_field_bytes(3, value.id));
  wire::put_text(out, 1, value.type.name_space);
  wire::put_text(out, 2, value.type.name);
  wire::put_text(out, 3, value.id);
}

void put_value_field(std::string& out, std::uint32_t number, message::typed_value const& value) {
  wire::put_length(out, number,
                   wire::text_field_bytes(1, value.type_name) +
                       wire::varint_field_bytes(2, static_cast<std::uint64_t>(value.has_value)) +
                       wire::text_field_bytes(3, value.bytes));
  wire::put_text(out, 1, value.type_name);
  wire::put_varint_field(out, 2, static_cast<std::uint64_t>(value.has_value));
  wire::put_text(out, 3, value.bytes);
}

bool read_address(wire::field_reader in, message::address& into) {
  for (wire::field found; in.next(found);)
    switch (found.tag) {
    case length_tag(1):
      into.type.name_space = found.bytes;
      break;
    case length_tag(2):
      into.type.name = found.bytes;
      break;
    case length_tag(3):
      into.id = found.bytes;
      break;
    default:
      break;
    }
  return in.complete();
}

bool read_value(wire::field_reader in, message::typed_value& into) {
  into.has_value = false;
  for (wire::field found; in.next(found);)
    switch (found.tag) {
    case length_tag(1):
      into.type_name = found.bytes;
      break;
    case varint_tag(2):
      into.has_value = found.varint != 0;
      break;
    case length_tag(3):
      into.bytes = found.bytes;
      break;
    default:
      break;
    }
  return in.complete();
}

} // namespace statefund::store
