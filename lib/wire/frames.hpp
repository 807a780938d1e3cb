#pragma once

#include "error/result.hpp"
#include "message/address.hpp"
#include "message/typed_value.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// What clients and the ingress socket exchange as application/vnd.statefund.v1+protobuf, both ways, for both sides: a
// run of frames, each a message behind its length. Pure; any thread. docs/format/ingress.md has the grammar.
namespace statefund::wire {

struct frame {
  std::string_view body;       // borrowed from what was read
  std::size_t whole_bytes = 0; // with its length: skip as many to come to the next frame
};

// The frame that `available` begins with; nothing when more bytes are needed, which only their end makes an error.
// A length above body_bytes_max is told as soon as it is read.
// errc::frame_length_invalid, frame_too_large: where the next frame begins is not known; reading ends.
result<std::optional<frame>> next_frame(std::string_view available, std::size_t body_bytes_max);

// One message to a function. `delay_ms` is as sent: it may be negative. An empty key is none.
struct ingress_message {
  message::address target;
  message::typed_value value; // an absent one is {type_name "", no value}
  std::string idempotency_key;
  std::int64_t delay_ms = 0;

  bool operator==(ingress_message const&) const = default;
};

// errc::malformed: the body is no message; the lengths around it are not to be trusted either, so reading ends.
// errc::not_utf8, target_incomplete, value_unmarked: this message is refused, those behind it are not.
result<ingress_message> decode_ingress_message(std::string_view body);
void append_frame(std::string& out, ingress_message const& sent);

// One record of an egress.
struct egress_record {
  std::uint64_t sequence = 0;
  message::address from;
  message::typed_value value;

  bool operator==(egress_record const&) const = default;
};

// errc::malformed, not_utf8.
result<egress_record> decode_egress_record(std::string_view body);
void append_frame(std::string& out, std::uint64_t sequence, message::address const& from,
                  message::typed_value const& value);

} // namespace statefund::wire
