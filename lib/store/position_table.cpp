#include "store/position_table.hpp"

#include "store/row_parts.hpp"

namespace statefund::store::position_table {

using wire::varint_tag;

std::string key_of(std::uint32_t partition, std::string_view source) {
  std::string key;
  put_partition(key, partition);
  put_text(key, source);
  return key;
}

std::string value_of(message::source_position const& read) {
  std::string value;
  wire::put_varint_field(value, 1, static_cast<std::uint64_t>(read.position));
  return value;
}

std::optional<message::source_position> parse(std::string_view key, std::string_view value) {
  message::source_position row;
  std::uint32_t partition = 0;
  key_reader parts(key);
  if (!parts.take(partition) || !parts.take(row.source) || !parts.at_end())
    return std::nullopt;
  wire::field_reader in(value);
  for (wire::field found; in.next(found);)
    if (found.tag == varint_tag(1))
      row.position = static_cast<std::int64_t>(found.varint);
  return in.complete() ? std::optional(std::move(row)) : std::nullopt;
}

} // namespace statefund::store::position_table
