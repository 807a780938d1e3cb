#pragma once

#include "message/address.hpp"
#include "message/change.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// The pending delayed messages that have a cancellation token, by who set them: what a cancel finds them by.
//   key   = partition, address owner, text cancellation token, number, index
//   value = DelayedTokenRow
// Put and removed with its row in `delayed`, each once.
namespace statefund::store::delayed_token_table {

inline constexpr std::string_view name = "delayed_token";

// Of all rows under a token.
std::string prefix_of(std::uint32_t partition, message::address const& owner, std::string_view cancellation_token);
std::string key_of(std::uint32_t partition, message::address const& owner, std::string_view cancellation_token,
                   message::entry_key const& entry);
std::string value_of(std::int64_t due_ms);
// Absent: the row breaks the grammar.
std::optional<message::delayed_key> parse(std::string_view key, std::string_view value);

} // namespace statefund::store::delayed_token_table
