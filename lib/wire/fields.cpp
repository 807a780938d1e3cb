#include "wire/fields.hpp"

namespace statefund::wire {

// Tags and lengths have at most 5 bytes, values 10; what does not fit the type is cut off, as protobuf's runtime does.
template <int BytesMax>
bool field_reader::read_varint(std::uint64_t& into) noexcept {
  std::uint64_t value = 0;
  for (int i = 0; i < BytesMax && at_ != end_; ++i) {
    auto const byte = static_cast<unsigned char>(*at_++);
    value |= static_cast<std::uint64_t>(byte & 0x7FU) << (7 * i);
    if (byte < 0x80) {
      into = value;
      return true;
    }
  }
  return false;
}

bool field_reader::next(field& into) noexcept {
  if (broken_ || at_ == end_)
    return false;
  if (read_field(into))
    return true;
  broken_ = true;
  return false;
}

bool field_reader::read_field(field& into) noexcept {
  std::uint64_t tag = 0;
  if (!read_varint<5>(tag))
    return false;
  into.tag = static_cast<std::uint32_t>(tag);
  if (into.number() == 0)
    return false;
  auto const left = static_cast<std::size_t>(end_ - at_);
  switch (static_cast<wire_type>(into.tag & 7U)) {
  case wire_type::varint:
    return read_varint<10>(into.varint);
  case wire_type::fixed64:
    at_ += left < 8 ? 0 : 8;
    return left >= 8;
  case wire_type::fixed32:
    at_ += left < 4 ? 0 : 4;
    return left >= 4;
  case wire_type::length: {
    std::uint64_t length = 0;
    if (!read_varint<5>(length) || length > static_cast<std::size_t>(end_ - at_))
      return false;
    into.bytes = {at_, static_cast<std::size_t>(length)};
    at_ += length;
    return true;
  }
  case wire_type::group_begin:
    return skip_group(into.number());
  case wire_type::group_end:
    break; // of no group that was begun; inside one, skip_group has seen it first
  }
  return false;
}

bool field_reader::skip_group(std::uint32_t number) noexcept {
  if (depth_ <= 0)
    return false;
  --depth_;
  for (;;) {
    char const* const before = at_;
    std::uint64_t tag = 0;
    if (!read_varint<5>(tag))
      return false;
    if (static_cast<std::uint32_t>(tag) == tag_of(number, wire_type::group_end))
      break;
    at_ = before;
    field skipped;
    if (!read_field(skipped))
      return false;
  }
  ++depth_;
  return true;
}

} // namespace statefund::wire
