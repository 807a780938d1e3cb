#include "wire/call.hpp"

#include "error/ensure.hpp"
#include "wire/errc.hpp"
#include "wire/fields.hpp"
#include "wire/utf8.hpp"
#include "wire/values.hpp"

#include <cstdint>
#include <limits>

// call       = { 100: { 1 target: address | 2 state: state ... | 3 invocations: invocation ... } }
// state      = { 1 state_name: text | 2 state_value: bytes (2.x) or value (3.x) }
// invocation = { 1 caller: address | 2 argument: value }
// The argument is written even if it is empty: the SDKs look into it without asking.

namespace statefund::wire {
namespace {

constexpr std::uint32_t batch_request = 100;
constexpr std::size_t length_bytes_max = 5;

std::size_t state_bytes(generation speaks, std::string_view name,
                        std::optional<message::stored_value> const& held) noexcept {
  std::size_t const named = text_field_bytes(1, name);
  if (!held)
    return named;
  return named + (speaks == generation::v2 ? text_field_bytes(2, held->value.bytes)
                                           : length_field_bytes(2, value_bytes(speaks, held->value)));
}

std::size_t invocation_content_bytes(generation speaks, message::invocation const& one) noexcept {
  return (one.caller ? length_field_bytes(1, address_bytes(*one.caller)) : 0) +
         length_field_bytes(2, value_bytes(speaks, one.value));
}

std::size_t content_bytes(generation speaks, message::address const& self,
                          message::state_values const& states) noexcept {
  std::size_t sum = length_field_bytes(1, address_bytes(self));
  for (std::size_t i = 0; i < states.values.size(); ++i)
    sum += length_field_bytes(2, state_bytes(speaks, (*states.specs)[i].name, states.values[i]));
  return sum;
}

bool check(message::address const& value, fault& why) {
  bool const sound = is_utf8(value.type.name_space) && is_utf8(value.type.name) && is_utf8(value.id);
  return sound || why.is(errc::not_utf8);
}

// A proto3 parser refuses a text that is not UTF-8, or, worse, puts something else in its place.
bool check(generation speaks, message::address const& self, message::batch const& taken,
           message::state_values const& states, fault& why) {
  if (!check(self, why))
    return why.within("target");
  for (std::size_t i = 0; i < states.values.size(); ++i) {
    auto const& held = states.values[i];
    bool const typed_well = speaks == generation::v2 || !held || is_utf8(held->value.type_name);
    if (!typed_well || !is_utf8((*states.specs)[i].name)) {
      why.is(errc::not_utf8);
      return why.within("state", i);
    }
  }
  for (std::size_t i = 0; i < taken.size(); ++i) {
    message::invocation const& one = taken[i];
    if (one.caller && !check(*one.caller, why))
      return why.within("caller") || why.within("invocations", i);
    if (!is_utf8(one.value.type_name)) {
      why.is(errc::not_utf8);
      return why.within("argument") || why.within("invocations", i);
    }
  }
  return true;
}

void put_state(std::string& out, generation speaks, std::string_view name,
               std::optional<message::stored_value> const& held) {
  put_length(out, 2, state_bytes(speaks, name, held));
  put_text(out, 1, name);
  if (!held)
    return;
  if (speaks == generation::v2)
    put_text(out, 2, held->value.bytes);
  else
    put_value(out, 2, speaks, held->value);
}

void put_invocation(std::string& out, generation speaks, message::invocation const& one) {
  put_length(out, 3, invocation_content_bytes(speaks, one));
  if (one.caller)
    put_address(out, 1, *one.caller);
  put_value(out, 2, speaks, one.value);
}

} // namespace

std::size_t invocation_bytes(generation speaks, message::invocation const& one) noexcept {
  return length_field_bytes(3, invocation_content_bytes(speaks, one));
}

std::size_t call_bytes_max(generation speaks, message::address const& self,
                           message::state_values const& states) noexcept {
  return varint_bytes(length_tag(batch_request)) + length_bytes_max + content_bytes(speaks, self, states);
}

result<std::string> encode_call(generation speaks, message::address const& self, message::batch const& taken,
                                message::state_values const& states) {
  ensure(!taken.empty(), "a call carries at least one invocation");
  ensure(states.values.size() == (states.specs ? states.specs->size() : 0), "a call has one value, or none, a spec");

  if (fault why; !check(speaks, self, taken, states, why))
    return why.to_error();

  // Every message stands behind its length, so all lengths are known before the first byte is written.
  std::size_t content = content_bytes(speaks, self, states);
  for (auto const& one : taken)
    content += invocation_bytes(speaks, one);
  std::size_t const bytes = length_field_bytes(batch_request, content);
  if (bytes > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
    return error{errc::call_too_large, std::to_string(bytes) + " bytes"};

  std::string out;
  out.reserve(bytes);
  put_length(out, batch_request, content);
  put_address(out, 1, self);
  for (std::size_t i = 0; i < states.values.size(); ++i)
    put_state(out, speaks, (*states.specs)[i].name, states.values[i]);
  for (auto const& one : taken)
    put_invocation(out, speaks, one);
  return out;
}

} // namespace statefund::wire
