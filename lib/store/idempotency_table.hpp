#pragma once

#include "store/store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Under which idempotency keys messages were accepted.
//   key   = partition (of the target), address target, text idempotency key
//   value = IdempotencyRow
namespace statefund::store::idempotency_table {

inline constexpr std::string_view name = "idempotency";

struct row {
  message::address self;
  key_row kept;
};

std::string key_of(std::uint32_t partition, message::address const& self, std::string_view idempotency_key);
// Ends in the number of the first message's change, big-endian, 8 bytes.
std::string value_of(message::accepted_key const& key, message::entry_key const& first);
std::optional<row> parse(std::string_view key, std::string_view value);

// Whether compaction may drop the row: its window has been over for a minute.
bool may_be_dropped(std::string_view value, std::int64_t now_ms) noexcept;

} // namespace statefund::store::idempotency_table
