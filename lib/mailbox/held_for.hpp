#pragma once

#include "message/address.hpp"

#include <compare>
#include <string>
#include <variant>

namespace statefund::mailbox {

// What a held address waits for: room for what its last call came to. Its messages stay in their order, nothing is
// counted against it, and it goes on by itself.

// The egress that it writes to: until half of its mark is acknowledged.
struct egress_room {
  message::egress_id egress;
  auto operator<=>(egress_room const&) const = default;
};
// One more egress: it writes to one that is not there and that no module declares, and limits.egress_queues_max are.
struct another_egress {
  auto operator<=>(another_egress const&) const = default;
};
// The daemon's memory: its change adds more than it removes, and the hard mark is reached.
struct memory_room {
  auto operator<=>(memory_room const&) const = default;
};
// The store's disk: its change adds more than it removes, and room is short there.
struct disk_room {
  auto operator<=>(disk_room const&) const = default;
};
// A function type that no module declares, and for which limits.unbound_bytes_max is waiting already.
struct unbound_room {
  message::function_type type;
  auto operator<=>(unbound_room const&) const = default;
};

using held_for = std::variant<egress_room, another_egress, memory_room, disk_room, unbound_room>;

// "egress out/way", "another egress", "memory", "disk", "unbound ns/fn"
std::string to_text(held_for const& what);

} // namespace statefund::mailbox
