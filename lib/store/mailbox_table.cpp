#include "store/mailbox_table.hpp"

#include "store/row_parts.hpp"

namespace statefund::store::mailbox_table {

using wire::length_tag;

std::string prefix_of(std::uint32_t partition, message::address const& target) {
  std::string key;
  key.reserve(size_bytes(target) + 8 + entry_key_bytes);
  put_partition(key, partition);
  put_address(key, target);
  return key;
}

std::string key_of(std::uint32_t partition, message::address const& target, message::entry_key const& entry) {
  auto key = prefix_of(partition, target);
  put_entry_key(key, entry);
  return key;
}

std::string value_of(message::envelope const& one) {
  std::string value;
  value.reserve(one.value.size_bytes() + (one.caller ? size_bytes(*one.caller) : 0) + 32);
  if (one.caller)
    put_address_field(value, 1, *one.caller);
  put_value_field(value, 2, one.value);
  return value;
}

std::optional<kept_message> parse(std::string_view key, std::string_view value) {
  kept_message row;
  std::uint32_t partition = 0;
  key_reader parts(key);
  if (!parts.take(partition) || !parts.take(row.envelope.target) || !parts.take(row.key) || !parts.at_end())
    return std::nullopt;
  wire::field_reader in(value);
  for (wire::field found; in.next(found);)
    switch (found.tag) {
    case length_tag(1):
      if (!read_address(in.within(found), row.envelope.caller.emplace()))
        return std::nullopt;
      break;
    case length_tag(2):
      if (!read_value(in.within(found), row.envelope.value))
        return std::nullopt;
      break;
    default:
      break;
    }
  return in.complete() ? std::optional(std::move(row)) : std::nullopt;
}

} // namespace statefund::store::mailbox_table
