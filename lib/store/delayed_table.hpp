#pragma once

#include "store/store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Delayed messages that are pending, in due order.
//   key   = partition (of who set it), due, number, index      due = its Unix milliseconds, the sign bit flipped:
//   number value = DelayedRow
// Put once, deleted once.
namespace statefund::store::delayed_table {

inline constexpr std::string_view name = "delayed";

std::string key_of(std::uint32_t partition, message::delayed_key const& entry);
std::string value_of(message::address const& owner, message::delayed_message const& set);
std::optional<kept_delayed> parse(std::string_view key, std::string_view value);

} // namespace statefund::store::delayed_table
