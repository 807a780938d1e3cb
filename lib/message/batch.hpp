#pragma once

#include "message/address.hpp"
#include "message/typed_value.hpp"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace statefund::message {

// Names one row of the store for good: the number of the change that made it, and its index in there. Put once,
// deleted once. Numbers grow in the store's order; they may be compared only within one partition.
struct entry_key {
  std::uint64_t number = 0;
  std::uint32_t index = 0;

  auto operator<=>(entry_key const&) const = default;
};

// A message's id for the outside, where it is opaque: "<number>-<index>" in hexadecimal digits.
std::string to_text(entry_key const& key);
std::optional<entry_key> parse_entry_key(std::string_view text);

// A message on its way to `target`. `caller` is absent for a message from outside.
struct envelope {
  address target;
  std::optional<address> caller;
  typed_value value;

  bool operator==(envelope const&) const = default;
};

// One message to a function, as it waits in the target's mailbox and is carried by a call.
struct invocation {
  entry_key key;
  std::optional<address> caller;
  typed_value value;

  bool operator==(invocation const&) const = default;
};

// What a waiting message takes in memory, as the marks count it: its texts, and a fixed amount for the rest of it, so
// that messages without a byte do not wait for nothing.
inline constexpr std::uint64_t message_overhead_bytes = 200;
inline std::uint64_t buffered_bytes(std::optional<address> const& caller, typed_value const& value) noexcept {
  return message_overhead_bytes + value.size_bytes() + (caller ? size_bytes(*caller) : 0);
}
inline std::uint64_t buffered_bytes(invocation const& one) noexcept {
  return buffered_bytes(one.caller, one.value);
}
inline std::uint64_t buffered_bytes(envelope const& one) noexcept {
  return buffered_bytes(one.caller, one.value);
}

// What one turn takes out of a mailbox, in arrival order; never empty when it reaches a function.
using batch = std::vector<invocation>;

} // namespace statefund::message
