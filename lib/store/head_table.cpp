#include "store/head_table.hpp"

#include "wire/fields.hpp"

namespace statefund::store::head_table {

using wire::varint_tag;

std::string value_of(format const& one) {
  std::string value;
  wire::put_varint_field(value, 1, one.version);
  wire::put_varint_field(value, 2, one.partition_count);
  return value;
}

std::optional<format> parse_format(std::string_view value) {
  format one{0, 0};
  wire::field_reader in(value);
  for (wire::field found; in.next(found);)
    if (found.tag == varint_tag(1))
      one.version = static_cast<std::uint32_t>(found.varint);
    else if (found.tag == varint_tag(2))
      one.partition_count = static_cast<std::uint32_t>(found.varint);
  return in.complete() && one.version > 0 && one.partition_count > 0 ? std::optional(one) : std::nullopt;
}

std::string value_of(head const& one) {
  std::string value;
  wire::put_varint_field(value, 1, one.last_number);
  wire::put_varint_field(value, 2, one.synced_through);
  wire::put_varint_field(value, 3, one.number_before);
  wire::put_varint_field(value, 4, one.delayed_count);
  return value;
}

std::optional<head> parse_head(std::string_view value) {
  head one;
  wire::field_reader in(value);
  for (wire::field found; in.next(found);)
    if (found.tag == varint_tag(1))
      one.last_number = found.varint;
    else if (found.tag == varint_tag(2))
      one.synced_through = found.varint;
    else if (found.tag == varint_tag(3))
      one.number_before = found.varint;
    else if (found.tag == varint_tag(4))
      one.delayed_count = found.varint;
  return in.complete() ? std::optional(one) : std::nullopt;
}

} // namespace statefund::store::head_table
