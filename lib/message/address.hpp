#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

namespace statefund::message {

// What a module declares and a pool is kept for: <namespace>/<name>. A namespace may itself hold slashes.
struct function_type {
  std::string name_space;
  std::string name;

  bool operator==(function_type const&) const = default;
  auto operator<=>(function_type const&) const = default;
};

// One function instance: the unit of state, of order and of "one call at a time".
struct address {
  function_type type;
  std::string id;

  bool operator==(address const&) const = default;
  auto operator<=>(address const&) const = default;
};

inline std::size_t size_bytes(address const& value) noexcept {
  return value.type.name_space.size() + value.type.name.size() + value.id.size();
}

// One way out of the daemon: <namespace>/<name>.
struct egress_id {
  std::string name_space;
  std::string name;

  bool operator==(egress_id const&) const = default;
  auto operator<=>(egress_id const&) const = default;
};

// Addresses as text, everywhere but in module files: three segments split by '/', each percent-encoded, so that
// '/', '%' and control bytes inside a segment survive. Egress ids and function types have two segments.
std::string to_text(address const& value);
std::string to_text(function_type const& value);
std::string to_text(egress_id const& value);

// `fault` is a sentence fragment that says what was found and what is expected; empty when `value` is set.
template <class T>
struct parsed {
  std::optional<T> value;
  std::string_view fault;
};
parsed<address> parse_address(std::string_view text);
parsed<function_type> parse_function_type(std::string_view text);
parsed<egress_id> parse_egress_id(std::string_view text);

// Percent-encoding of one path segment (RFC 3986, 2.1 and 2.3): unreserved bytes and "!$&'()*+,;=:@" stay.
std::string percent_encode(std::string_view segment);
std::optional<std::string> percent_decode(std::string_view segment);

// Stable over versions, machines and restarts, for it stands first in every stored key: FNV-1a (64 bit) over the
// three parts, each followed by a zero byte, folded once. Nothing stored names a shard; shard = partition mod shards.
std::uint32_t partition_of(address const& value, std::uint32_t partition_count) noexcept;
std::uint32_t partition_of(egress_id const& value, std::uint32_t partition_count) noexcept;

std::ostream& operator<<(std::ostream& out, address const& value);
std::ostream& operator<<(std::ostream& out, function_type const& value);
std::ostream& operator<<(std::ostream& out, egress_id const& value);

} // namespace statefund::message

template <>
struct std::hash<statefund::message::function_type> {
  std::size_t operator()(statefund::message::function_type const& value) const noexcept;
};
// Not noexcept: libstdc++'s maps then keep the hash with each entry and need not hash three strings again to erase one.
template <>
struct std::hash<statefund::message::address> {
  std::size_t operator()(statefund::message::address const& value) const;
};
template <>
struct std::hash<statefund::message::egress_id> {
  std::size_t operator()(statefund::message::egress_id const& value) const noexcept;
};
