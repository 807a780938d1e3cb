#include "store/delayed_table.hpp"

#include "store/row_parts.hpp"

namespace statefund::store::delayed_table {

using wire::length_tag;

namespace {
constexpr std::uint64_t sign_bit = std::uint64_t{1} << 63U; // flipped, negative numbers sort before others
}

std::string key_of(std::uint32_t partition, message::delayed_key const& entry) {
  std::string key;
  put_partition(key, partition);
  put_number(key, static_cast<std::uint64_t>(entry.due_ms) ^ sign_bit);
  put_entry_key(key, entry.key);
  return key;
}

std::string value_of(message::address const& owner, message::delayed_message const& set) {
  std::string value;
  put_address_field(value, 1, owner);
  wire::put_text(value, 2, set.cancellation_token);
  put_address_field(value, 3, set.message.target);
  if (set.message.caller)
    put_address_field(value, 4, *set.message.caller);
  put_value_field(value, 5, set.message.value);
  return value;
}

std::optional<kept_delayed> parse(std::string_view key, std::string_view value) {
  kept_delayed row;
  std::uint32_t partition = 0;
  std::uint64_t due = 0;
  key_reader parts(key);
  if (!parts.take(partition) || !parts.take(due) || !parts.take(row.key) || !parts.at_end())
    return std::nullopt;
  row.set.due_ms = static_cast<std::int64_t>(due ^ sign_bit);
  wire::field_reader in(value);
  for (wire::field found; in.next(found);) {
    bool read = true;
    switch (found.tag) {
    case length_tag(1):
      read = read_address(in.within(found), row.owner);
      break;
    case length_tag(2):
      row.set.cancellation_token = found.bytes;
      break;
    case length_tag(3):
      read = read_address(in.within(found), row.set.message.target);
      break;
    case length_tag(4):
      read = read_address(in.within(found), row.set.message.caller.emplace());
      break;
    case length_tag(5):
      read = read_value(in.within(found), row.set.message.value);
      break;
    default:
      break;
    }
    if (!read)
      return std::nullopt;
  }
  return in.complete() ? std::optional(std::move(row)) : std::nullopt;
}

} // namespace statefund::store::delayed_table
