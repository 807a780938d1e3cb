#pragma once

#include "message/address.hpp"
#include "message/batch.hpp"
#include "message/typed_value.hpp"
#include "wire/fields.hpp"

#include <cstdint>
#include <string>
#include <string_view>

// What the tables' keys and values are made of. For store/'s own .cpp files. Pure.
//
// In keys numbers stand big-endian, so that rows sort as their numbers do, and a text stands behind its length (a
// varint), so that no key is the beginning of another one:
//   partition = 2 bytes | number = 8 bytes | index = 4 bytes | text = varint length, bytes
//   address   = text namespace, text type, text id
// Values are protobuf (proto/store.proto), in which texts may be any bytes.
namespace statefund::store {

void put_partition(std::string& key, std::uint32_t partition);
void put_text(std::string& key, std::string_view text);
void put_address(std::string& key, message::address const& self);
void put_number(std::string& key, std::uint64_t number);
void put_index(std::string& key, std::uint32_t index);
void put_entry_key(std::string& key, message::entry_key const& entry);
// Of an entry key that ends a key.
inline constexpr std::size_t entry_key_bytes = 12;

// Overwrites 8 bytes from `position` on.
void overwrite_number(char* position, std::uint64_t number) noexcept;

// The parts of a key in their order. Each `take` is false where the key has no such part there.
class key_reader {
 public:
  explicit key_reader(std::string_view key) noexcept : left_(key) {}

  bool take(std::uint32_t& partition_into) noexcept;
  bool take(std::string& into);
  bool take(message::address& into);
  bool take(std::uint64_t& into) noexcept;
  bool take(message::entry_key& into) noexcept;
  bool at_end() const noexcept { return left_.empty(); }

 private:
  std::string_view left_;
};

// Whole fields of a value: tag, length, content.
void put_address_field(std::string& out, std::uint32_t number, message::address const& value);
void put_value_field(std::string& out, std::uint32_t number, message::typed_value const& value);
// False: not protobuf.
bool read_address(wire::field_reader in, message::address& into);
bool read_value(wire::field_reader in, message::typed_value& into);

} // namespace statefund::store
