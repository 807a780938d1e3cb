#include "store/state_table.hpp"

#include "clock/clock.hpp"
#include "store/row_parts.hpp"

namespace statefund::store::state_table {

using wire::length_tag;
using wire::varint_tag;

namespace {
constexpr std::int64_t grace_ms = 60'000;
}

std::string prefix_of(std::uint32_t partition, message::address const& self) {
  std::string key;
  key.reserve(size_bytes(self) + 32);
  put_partition(key, partition);
  put_address(key, self);
  return key;
}

std::string key_of(std::uint32_t partition, message::address const& self, std::string_view state) {
  auto key = prefix_of(partition, self);
  put_text(key, state);
  return key;
}

std::string value_of(message::stored_value const& kept) {
  std::string value;
  value.reserve(kept.value.size_bytes() + 40);
  wire::put_varint_field(value, 1, static_cast<std::uint64_t>(kept.expires_at_ms));
  put_value_field(value, 2, kept.value);
  if (auto const now_ms = clock::unix_ms(); kept.expires_at_ms > now_ms)
    wire::put_varint_field(value, 3, static_cast<std::uint64_t>(kept.expires_at_ms - now_ms));
  return value;
}

std::optional<message::stored_value> parse_value(std::string_view value) {
  message::stored_value kept;
  wire::field_reader in(value);
  for (wire::field found; in.next(found);)
    switch (found.tag) {
    case varint_tag(1):
      kept.expires_at_ms = static_cast<std::int64_t>(found.varint);
      break;
    case length_tag(2):
      if (!read_value(in.within(found), kept.value))
        return std::nullopt;
      break;
    default:
      break;
    }
  return in.complete() ? std::optional(std::move(kept)) : std::nullopt;
}

std::optional<row> parse(std::string_view key, std::string_view value) {
  row one;
  std::uint32_t partition = 0;
  key_reader parts(key);
  if (!parts.take(partition) || !parts.take(one.self) || !parts.take(one.name) || !parts.at_end())
    return std::nullopt;
  auto kept = parse_value(value);
  if (!kept)
    return std::nullopt;
  one.kept = std::move(*kept);
  return one;
}

bool may_be_dropped(std::string_view value, std::int64_t now_ms) noexcept {
  std::int64_t expires_at_ms = 0;
  std::int64_t duration_ms = 0;
  wire::field_reader in(value);
  for (wire::field found; in.next(found);)
    if (found.tag == varint_tag(1))
      expires_at_ms = static_cast<std::int64_t>(found.varint);
    else if (found.tag == varint_tag(3))
      duration_ms = static_cast<std::int64_t>(found.varint);
  return in.complete() && expires_at_ms != 0 && expires_at_ms < now_ms - grace_ms - duration_ms / 100;
}

} // namespace statefund::store::state_table
