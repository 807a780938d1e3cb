#include "store/idempotency_table.hpp"

#include "store/row_parts.hpp"

namespace statefund::store::idempotency_table {

using wire::length_tag;
using wire::varint_tag;

namespace {
constexpr std::int64_t grace_ms = 60'000;
}

std::string key_of(std::uint32_t partition, message::address const& self, std::string_view idempotency_key) {
  std::string key;
  put_partition(key, partition);
  put_address(key, self);
  put_text(key, idempotency_key);
  return key;
}

std::string value_of(message::accepted_key const& key, message::entry_key const& first) {
  std::string value;
  wire::put_varint_field(value, 1, static_cast<std::uint64_t>(key.expires_at_ms));
  wire::put_text(value, 2, key.fingerprint);
  wire::put_varint_field(value, 3, first.index);
  wire::put_length(value, 4, 8);
  put_number(value, first.number);
  return value;
}

std::optional<row> parse(std::string_view key, std::string_view value) {
  row one;
  std::uint32_t partition = 0;
  key_reader parts(key);
  if (!parts.take(partition) || !parts.take(one.self) || !parts.take(one.kept.key.idempotency_key) || !parts.at_end())
    return std::nullopt;
  bool has_number = false;
  wire::field_reader in(value);
  for (wire::field found; in.next(found);)
    switch (found.tag) {
    case varint_tag(1):
      one.kept.key.expires_at_ms = static_cast<std::int64_t>(found.varint);
      break;
    case length_tag(2):
      one.kept.key.fingerprint = found.bytes;
      break;
    case varint_tag(3):
      one.kept.first.index = static_cast<std::uint32_t>(found.varint);
      break;
    case length_tag(4): {
      key_reader number(found.bytes);
      has_number = number.take(one.kept.first.number) && number.at_end();
      break;
    }
    default:
      break;
    }
  return in.complete() && has_number ? std::optional(std::move(one)) : std::nullopt;
}

bool may_be_dropped(std::string_view value, std::int64_t now_ms) noexcept {
  std::int64_t expires_at_ms = now_ms;
  wire::field_reader in(value);
  for (wire::field found; in.next(found);)
    if (found.tag == varint_tag(1))
      expires_at_ms = static_cast<std::int64_t>(found.varint);
  return in.complete() && expires_at_ms < now_ms - grace_ms;
}

} // namespace statefund::store::idempotency_table
