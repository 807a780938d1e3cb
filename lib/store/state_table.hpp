#pragma once

#include "message/address.hpp"
#include "message/typed_value.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// The states of each address.
//   key   = partition, address self, text name
//   value = StateRow
// When a row expires stands in the row itself, so that nobody judges a value by another one's time.
namespace statefund::store::state_table {

inline constexpr std::string_view name = "state";

struct row {
  message::address self;
  std::string name;
  message::stored_value kept;
};

std::string prefix_of(std::uint32_t partition, message::address const& self);
std::string key_of(std::uint32_t partition, message::address const& self, std::string_view state);
std::string value_of(message::stored_value const& kept);
std::optional<message::stored_value> parse_value(std::string_view value);
std::optional<row> parse(std::string_view key, std::string_view value);

// Whether compaction may drop the row: it expired a minute and 1 % of the time before, so that a clock that is set back
// a little does not miss it. Reads nothing but the value's own stamp.
bool may_be_dropped(std::string_view value, std::int64_t now_ms) noexcept;

} // namespace statefund::store::state_table
