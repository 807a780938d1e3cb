#pragma once

#include "store/store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Who takes no turns: addresses, and types (whose id is empty).
//   key   = partition, address self
//   value = PauseRow
namespace statefund::store::pause_table {

inline constexpr std::string_view name = "pause";

std::string key_of(std::uint32_t partition, message::address const& self);
std::string value_of(message::pause const& why);
std::optional<kept_pause> parse(std::string_view key, std::string_view value);

} // namespace statefund::store::pause_table
