#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// The wire format of protobuf, as far as it is needed: messages as runs of fields, read and written one by one.
// For the .cpp files of wire/ and store/. It accepts exactly what protoc's C++ runtime accepts (nesting of 100
// included), so that lib/wire can put bytes into message/'s types without generated objects in between.
namespace statefund::wire {

enum class wire_type : std::uint32_t {
  varint = 0,
  fixed64 = 1,
  length = 2,      // bytes behind their length: text, bytes, a message
  group_begin = 3, // of old; only skipped
  group_end = 4,
  fixed32 = 5,
};

constexpr std::uint32_t tag_of(std::uint32_t number, wire_type type) noexcept {
  return number << 3 | static_cast<std::uint32_t>(type);
}

// What a `switch` over a field's tag compares with. A known number under another wire type is an unknown field.
constexpr std::uint32_t varint_tag(std::uint32_t number) noexcept {
  return tag_of(number, wire_type::varint);
}
constexpr std::uint32_t length_tag(std::uint32_t number) noexcept {
  return tag_of(number, wire_type::length);
}

struct field {
  std::uint32_t tag = 0;
  std::uint64_t varint = 0; // of a varint
  std::string_view bytes;   // of a length, borrowed from what is read

  std::uint32_t number() const noexcept { return tag >> 3; }
};

// Reads the fields of one message out of borrowed bytes:
//   for (field found; in.next(found);) switch (found.tag) { ... }
//   return in.complete();
class field_reader {
 public:
  explicit field_reader(std::string_view message) noexcept : field_reader(message, 100) {}

  // False at the end, and at the first byte that is no field: complete() tells the two apart.
  bool next(field& into) noexcept;
  bool complete() const noexcept { return !broken_ && at_ == end_; }

  // A reader of the message that a field holds, one level deeper.
  field_reader within(field const& found) const noexcept { return field_reader(found.bytes, depth_ - 1); }

 private:
  field_reader(std::string_view message, int depth) noexcept
      : at_(message.data()),
        end_(message.data() + message.size()),
        depth_(depth),
        broken_(depth < 0) {}

  template <int BytesMax>
  bool read_varint(std::uint64_t& into) noexcept;
  bool read_field(field& into) noexcept;
  bool skip_group(std::uint32_t number) noexcept;

  char const* at_;
  char const* end_;
  int depth_;
  bool broken_;
};

constexpr std::size_t varint_bytes(std::uint64_t value) noexcept {
  return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7;
}

// What a field of this many bytes takes, its tag and length included.
constexpr std::size_t length_field_bytes(std::uint32_t number, std::size_t bytes) noexcept {
  return varint_bytes(length_tag(number)) + varint_bytes(bytes) + bytes;
}
// The same, for proto3 fields that are left out when they hold their default.
constexpr std::size_t text_field_bytes(std::uint32_t number, std::string_view text) noexcept {
  return text.empty() ? 0 : length_field_bytes(number, text.size());
}
constexpr std::size_t varint_field_bytes(std::uint32_t number, std::uint64_t value) noexcept {
  return value == 0 ? 0 : varint_bytes(varint_tag(number)) + varint_bytes(value);
}

inline void put_varint(std::string& out, std::uint64_t value) {
  char bytes[10];
  std::size_t count = 0;
  for (; value >= 0x80; value >>= 7)
    bytes[count++] = static_cast<char>(value | 0x80);
  bytes[count++] = static_cast<char>(value);
  out.append(bytes, count);
}

// The head of a field whose bytes follow.
inline void put_length(std::string& out, std::uint32_t number, std::size_t bytes) {
  put_varint(out, length_tag(number));
  put_varint(out, bytes);
}

inline void put_text(std::string& out, std::uint32_t number, std::string_view text) {
  if (text.empty())
    return;
  put_length(out, number, text.size());
  out.append(text);
}

inline void put_varint_field(std::string& out, std::uint32_t number, std::uint64_t value) {
  if (value == 0)
    return;
  put_varint(out, varint_tag(number));
  put_varint(out, value);
}

} // namespace statefund::wire
