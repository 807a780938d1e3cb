#include "store/pause_table.hpp"

#include "store/row_parts.hpp"

namespace statefund::store::pause_table {

using wire::length_tag;
using wire::varint_tag;

std::string key_of(std::uint32_t partition, message::address const& self) {
  std::string key;
  put_partition(key, partition);
  put_address(key, self);
  return key;
}

std::string value_of(message::pause const& why) {
  std::string value;
  wire::put_varint_field(value, 1, why.cause == message::pause_cause::by_failure ? 1 : 0);
  wire::put_text(value, 2, why.reason);
  wire::put_varint_field(value, 3, static_cast<std::uint64_t>(why.since_ms));
  return value;
}

std::optional<kept_pause> parse(std::string_view key, std::string_view value) {
  kept_pause row;
  std::uint32_t partition = 0;
  key_reader parts(key);
  if (!parts.take(partition) || !parts.take(row.self) || !parts.at_end())
    return std::nullopt;
  wire::field_reader in(value);
  for (wire::field found; in.next(found);)
    switch (found.tag) {
    case varint_tag(1):
      row.why.cause = found.varint == 1 ? message::pause_cause::by_failure : message::pause_cause::by_operator;
      break;
    case length_tag(2):
      row.why.reason = found.bytes;
      break;
    case varint_tag(3):
      row.why.since_ms = static_cast<std::int64_t>(found.varint);
      break;
    default:
      break;
    }
  return in.complete() ? std::optional(std::move(row)) : std::nullopt;
}

} // namespace statefund::store::pause_table
