#pragma once

#include "store/store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// The records of each egress, until they are acknowledged.
//   key   = partition (of the egress), text namespace, text name, number (the sequence)
//   value = EgressRow
// Put once, deleted once. And how far each egress has been read, in a table of its own:
//   key   = partition (of the egress), text namespace, text name
//   value = EgressCursorRow
namespace statefund::store::egress_table {

inline constexpr std::string_view name = "egress";
inline constexpr std::string_view cursors_name = "egress_cursor";

struct row {
  message::egress_id egress;
  numbered_record record;
};
struct cursor_row {
  message::egress_id egress;
  std::uint64_t gone_through = 0; // the highest sequence that was acknowledged
};

std::string prefix_of(std::uint32_t partition, message::egress_id const& egress); // a cursor's key, too
std::string key_of(std::uint32_t partition, message::egress_id const& egress, std::uint64_t sequence);
std::string value_of(message::address const& from, message::typed_value const& value);
std::optional<row> parse(std::string_view key, std::string_view value);

std::string cursor_value_of(std::uint64_t gone_through);
std::optional<cursor_row> parse_cursor(std::string_view key, std::string_view value);

} // namespace statefund::store::egress_table
