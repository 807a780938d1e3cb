#pragma once

#include "message/change.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// How far sources have been read, by the messages of each partition.
//   key   = partition, text source
//   value = SourcePositionRow
namespace statefund::store::position_table {

inline constexpr std::string_view name = "position";

std::string key_of(std::uint32_t partition, std::string_view source);
std::string value_of(message::source_position const& read);
std::optional<message::source_position> parse(std::string_view key, std::string_view value);

} // namespace statefund::store::position_table
