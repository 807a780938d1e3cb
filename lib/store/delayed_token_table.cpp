#include "store/delayed_token_table.hpp"

#include "store/row_parts.hpp"

namespace statefund::store::delayed_token_table {

using wire::varint_tag;

std::string prefix_of(std::uint32_t partition, message::address const& owner, std::string_view cancellation_token) {
  std::string key;
  put_partition(key, partition);
  put_address(key, owner);
  put_text(key, cancellation_token);
  return key;
}

std::string key_of(std::uint32_t partition, message::address const& owner, std::string_view cancellation_token,
                   message::entry_key const& entry) {
  auto key = prefix_of(partition, owner, cancellation_token);
  put_entry_key(key, entry);
  return key;
}

std::string value_of(std::int64_t due_ms) {
  std::string value;
  wire::put_varint_field(value, 1, static_cast<std::uint64_t>(due_ms));
  return value;
}

std::optional<message::delayed_key> parse(std::string_view key, std::string_view value) {
  message::delayed_key row;
  std::uint32_t partition = 0;
  message::address owner;
  std::string cancellation_token;
  key_reader parts(key);
  if (!parts.take(partition) || !parts.take(owner) || !parts.take(cancellation_token) || !parts.take(row.key) ||
      !parts.at_end())
    return std::nullopt;
  wire::field_reader in(value);
  for (wire::field found; in.next(found);)
    if (found.tag == varint_tag(1))
      row.due_ms = static_cast<std::int64_t>(found.varint);
  return in.complete() ? std::optional(row) : std::nullopt;
}

} // namespace statefund::store::delayed_token_table
