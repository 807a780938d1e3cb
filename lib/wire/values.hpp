#pragma once

#include "error/result.hpp"
#include "message/address.hpp"
#include "message/typed_value.hpp"
#include "wire/errc.hpp"
#include "wire/fields.hpp"
#include "wire/generation.hpp"

#include <string>
#include <string_view>

// Address and value, which every format of this room holds. For wire/'s own .cpp files.
namespace statefund::wire {

// Why reading failed, and where: a path of field names that grows as the calls return.
struct fault {
  errc code = errc::malformed;
  std::string path;

  // Both return false, so that `return why.is(...)` ends a read.
  bool is(errc found) noexcept {
    code = found;
    return false;
  }
  bool within(std::string_view outer) {
    path = path.empty() ? std::string(outer) : std::string(outer) + '.' + path;
    return false;
  }
  bool within(std::string_view list, std::size_t index) {
    return within(std::string(list) + '[' + std::to_string(index) + ']');
  }

  error to_error() const { return {code, path}; }
};

bool read_text(field const& found, std::string_view name, std::string& into, fault& why);
bool read_address(field_reader in, message::address& into, fault& why);

// In protobuf's way a field that comes twice is merged, so `into` may hold something. A value of the other generation
// is a fault. A value read into `no_value()` and never met in the bytes stays that.
bool read_value(generation speaks, field_reader in, message::typed_value& into, fault& why);
inline message::typed_value no_value() {
  return {{}, false, {}};
}

bool is_complete(message::address const& target) noexcept;
// Names the parts that are empty.
std::string empty_parts(message::address const& target);

std::size_t address_bytes(message::address const& value) noexcept;
std::size_t value_bytes(generation speaks, message::typed_value const& value) noexcept;
// The whole field: tag, length, content.
void put_address(std::string& out, std::uint32_t number, message::address const& value);
void put_value(std::string& out, std::uint32_t number, generation speaks, message::typed_value const& value);

} // namespace statefund::wire
