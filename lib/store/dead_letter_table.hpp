#pragma once

#include "store/store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Messages that were set aside.
//   key   = partition, address self, number, index      (of the change that sent the message)
//   value = DeadLetterRow
namespace statefund::store::dead_letter_table {

inline constexpr std::string_view name = "dead_letter";

std::string key_of(std::uint32_t partition, dead_letter_id const& id);
std::string value_of(message::dead_letter const& letter);
std::optional<dead_letter_row> parse(std::string_view key, std::string_view value);

} // namespace statefund::store::dead_letter_table
