#pragma once

#include "store/store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// What waits for each address.
//   key   = partition, address target, number, index      (of the change that sent it)
//   value = MailboxRow
// Put once, deleted once, so that both vanish together where they meet.
namespace statefund::store::mailbox_table {

inline constexpr std::string_view name = "mailbox";

// Of all rows of a target.
std::string prefix_of(std::uint32_t partition, message::address const& target);
std::string key_of(std::uint32_t partition, message::address const& target, message::entry_key const& entry);
std::string value_of(message::envelope const& one);
// Absent: the row breaks the grammar.
std::optional<kept_message> parse(std::string_view key, std::string_view value);

} // namespace statefund::store::mailbox_table
