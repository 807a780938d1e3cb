#include "store/egress_table.hpp"

#include "store/row_parts.hpp"

namespace statefund::store::egress_table {

using wire::length_tag;
using wire::varint_tag;

namespace {

bool take_egress(key_reader& parts, message::egress_id& into) {
  std::uint32_t partition = 0;
  return parts.take(partition) && parts.take(into.name_space) && parts.take(into.name);
}

} // namespace

std::string prefix_of(std::uint32_t partition, message::egress_id const& egress) {
  std::string key;
  put_partition(key, partition);
  put_text(key, egress.name_space);
  put_text(key, egress.name);
  return key;
}

std::string key_of(std::uint32_t partition, message::egress_id const& egress, std::uint64_t sequence) {
  auto key = prefix_of(partition, egress);
  put_number(key, sequence);
  return key;
}

std::string value_of(message::address const& from, message::typed_value const& record) {
  std::string value;
  value.reserve(size_bytes(from) + record.size_bytes() + 32);
  put_address_field(value, 1, from);
  put_value_field(value, 2, record);
  return value;
}

std::optional<row> parse(std::string_view key, std::string_view value) {
  row one;
  key_reader parts(key);
  if (!take_egress(parts, one.egress) || !parts.take(one.record.sequence) || !parts.at_end())
    return std::nullopt;
  wire::field_reader in(value);
  for (wire::field found; in.next(found);)
    switch (found.tag) {
    case length_tag(1):
      if (!read_address(in.within(found), one.record.from))
        return std::nullopt;
      break;
    case length_tag(2):
      if (!read_value(in.within(found), one.record.value))
        return std::nullopt;
      break;
    default:
      break;
    }
  return in.complete() ? std::optional(std::move(one)) : std::nullopt;
}

std::string cursor_value_of(std::uint64_t gone_through) {
  std::string value;
  wire::put_varint_field(value, 1, gone_through);
  return value;
}

std::optional<cursor_row> parse_cursor(std::string_view key, std::string_view value) {
  cursor_row one;
  key_reader parts(key);
  if (!take_egress(parts, one.egress) || !parts.at_end())
    return std::nullopt;
  wire::field_reader in(value);
  for (wire::field found; in.next(found);)
    if (found.tag == varint_tag(1))
      one.gone_through = found.varint;
  return in.complete() ? std::optional(std::move(one)) : std::nullopt;
}

} // namespace statefund::store::egress_table
