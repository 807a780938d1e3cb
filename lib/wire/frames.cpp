#include "wire/frames.hpp"

#include "wire/errc.hpp"
#include "wire/fields.hpp"
#include "wire/generation.hpp"
#include "wire/values.hpp"

#include <utility>

// frames  = { length: varint of at most 5 bytes, body: length bytes }
// message = { 1 target: address | 2 value: value | 3 idempotency_key: text | 4 delay_ms: int64 }
// record  = { 1 seq: uint64 | 2 from: address | 3 value: value }
// Addresses and values are those of the 3.x function protocol.

namespace statefund::wire {
namespace {

constexpr std::size_t length_bytes_max = 5;

bool read_message(field_reader in, ingress_message& into, fault& why) {
  for (field found; in.next(found);) {
    bool read = true;
    switch (found.tag) {
    case length_tag(1):
      read = read_address(in.within(found), into.target, why) || why.within("target");
      break;
    case length_tag(2):
      read = read_value(generation::v3, in.within(found), into.value, why) || why.within("value");
      break;
    case length_tag(3):
      read = read_text(found, "idempotency_key", into.idempotency_key, why);
      break;
    case varint_tag(4):
      into.delay_ms = static_cast<std::int64_t>(found.varint);
      break;
    default:
      break;
    }
    if (!read)
      return false;
  }
  return in.complete() || why.is(errc::malformed);
}

bool read_record(field_reader in, egress_record& into, fault& why) {
  for (field found; in.next(found);) {
    bool read = true;
    switch (found.tag) {
    case varint_tag(1):
      into.sequence = found.varint;
      break;
    case length_tag(2):
      read = read_address(in.within(found), into.from, why) || why.within("from");
      break;
    case length_tag(3):
      read = read_value(generation::v3, in.within(found), into.value, why) || why.within("value");
      break;
    default:
      break;
    }
    if (!read)
      return false;
  }
  return in.complete() || why.is(errc::malformed);
}

// Inside a frame there is no generation to be declared: a value of the 2.x shape is just not what is due here.
error to_frame_error(fault why) {
  if (why.code == errc::speaks_v2)
    why.code = errc::malformed;
  return why.to_error();
}

} // namespace

result<std::optional<frame>> next_frame(std::string_view available, std::size_t body_bytes_max) {
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < available.size(); ++i) {
    if (i == length_bytes_max)
      return error{errc::frame_length_invalid, {}};
    auto const byte = static_cast<unsigned char>(available[i]);
    length |= static_cast<std::uint64_t>(byte & 0x7FU) << (7 * i);
    if (byte >= 0x80)
      continue;
    if (length > body_bytes_max)
      return error{errc::frame_too_large,
                   std::to_string(length) + " bytes, at most " + std::to_string(body_bytes_max) + " are taken"};
    std::string_view const rest = available.substr(i + 1);
    if (rest.size() < length)
      return std::optional<frame>{};
    auto const bytes = static_cast<std::size_t>(length);
    return std::optional<frame>{{rest.substr(0, bytes), i + 1 + bytes}};
  }
  return std::optional<frame>{};
}

result<ingress_message> decode_ingress_message(std::string_view body) {
  result<ingress_message> decoded{ingress_message{{}, no_value(), {}, 0}};
  if (fault why; !read_message(field_reader(body), *decoded, why))
    return to_frame_error(std::move(why));
  if (!is_complete(decoded->target))
    return error{errc::target_incomplete, "target has an empty " + empty_parts(decoded->target)};
  if (!decoded->value.has_value && !decoded->value.bytes.empty())
    return error{errc::value_unmarked, {}};
  return decoded;
}

result<egress_record> decode_egress_record(std::string_view body) {
  result<egress_record> decoded{egress_record{0, {}, no_value()}};
  if (fault why; !read_record(field_reader(body), *decoded, why))
    return to_frame_error(std::move(why));
  return decoded;
}

void append_frame(std::string& out, ingress_message const& sent) {
  auto const delay = static_cast<std::uint64_t>(sent.delay_ms);
  put_varint(out, length_field_bytes(1, address_bytes(sent.target)) +
                      length_field_bytes(2, value_bytes(generation::v3, sent.value)) +
                      text_field_bytes(3, sent.idempotency_key) + varint_field_bytes(4, delay));
  put_address(out, 1, sent.target);
  put_value(out, 2, generation::v3, sent.value);
  put_text(out, 3, sent.idempotency_key);
  put_varint_field(out, 4, delay);
}

void append_frame(std::string& out, std::uint64_t sequence, message::address const& from,
                  message::typed_value const& value) {
  put_varint(out, varint_field_bytes(1, sequence) + length_field_bytes(2, address_bytes(from)) +
                      length_field_bytes(3, value_bytes(generation::v3, value)));
  put_varint_field(out, 1, sequence);
  put_address(out, 2, from);
  put_value(out, 3, generation::v3, value);
}

} // namespace statefund::wire
