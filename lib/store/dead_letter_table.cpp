#include "store/dead_letter_table.hpp"

#include "store/row_parts.hpp"

namespace statefund::store::dead_letter_table {

using wire::length_tag;
using wire::varint_tag;

std::string key_of(std::uint32_t partition, dead_letter_id const& id) {
  std::string key;
  put_partition(key, partition);
  put_address(key, id.self);
  put_entry_key(key, id.key);
  return key;
}

std::string value_of(message::dead_letter const& letter) {
  std::string value;
  if (letter.message.caller)
    put_address_field(value, 1, *letter.message.caller);
  put_value_field(value, 2, letter.message.value);
  wire::put_text(value, 3, letter.reason);
  wire::put_varint_field(value, 4, static_cast<std::uint64_t>(letter.at_ms));
  return value;
}

std::optional<dead_letter_row> parse(std::string_view key, std::string_view value) {
  dead_letter_row row;
  auto& [self, letter] = row;
  std::uint32_t partition = 0;
  key_reader parts(key);
  if (!parts.take(partition) || !parts.take(self) || !parts.take(letter.message.key) || !parts.at_end())
    return std::nullopt;
  wire::field_reader in(value);
  for (wire::field found; in.next(found);) {
    bool read = true;
    switch (found.tag) {
    case length_tag(1):
      read = read_address(in.within(found), letter.message.caller.emplace());
      break;
    case length_tag(2):
      read = read_value(in.within(found), letter.message.value);
      break;
    case length_tag(3):
      letter.reason = found.bytes;
      break;
    case varint_tag(4):
      letter.at_ms = static_cast<std::int64_t>(found.varint);
      break;
    default:
      break;
    }
    if (!read)
      return std::nullopt;
  }
  return in.complete() ? std::optional(std::move(row)) : std::nullopt;
}

} // namespace statefund::store::dead_letter_table
