#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace statefund::message {

// The one value inside the daemon. `type_name` is a 3.x typename or a 2.x Any.type_url, unchanged; `bytes` are the
// value's own bytes, never looked into. Towards 2.x `has_value` is dropped, from 2.x it is true.
// has_value with empty bytes is a value (an int 0, say); without it there is none.
struct typed_value {
  std::string type_name;
  bool has_value = true;
  std::string bytes;

  bool operator==(typed_value const&) const = default;
  std::size_t size_bytes() const noexcept { return type_name.size() + bytes.size(); }
};

// A value as the store keeps it. Milliseconds since the Unix epoch; 0 = never expires.
struct stored_value {
  typed_value value;
  std::int64_t expires_at_ms = 0;

  bool operator==(stored_value const&) const = default;
};

} // namespace statefund::message
