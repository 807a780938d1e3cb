#pragma once

#include "function_protocol_v2.pb.h"
#include "function_protocol_v3.pb.h"
#include "ingress.pb.h"

#include "message/address.hpp"
#include "message/reply.hpp"
#include "message/typed_value.hpp"
#include "wire/generation.hpp"

#include <optional>

// What protoc's runtime makes of the same bytes, from our .proto files: the second opinion on lib/wire.
namespace statefund::wire::test {

struct v2 {
  static constexpr generation speaks = generation::v2;
  using to_function = protocol::v2::ToFunction;
  using from_function = protocol::v2::FromFunction;
};
struct v3 {
  static constexpr generation speaks = generation::v3;
  using to_function = protocol::v3::ToFunction;
  using from_function = protocol::v3::FromFunction;
};

template <class Address>
message::address plain_address(Address const& from) {
  return {{from.namespace_(), from.type()}, from.id()};
}
inline message::typed_value plain(google::protobuf::Any const& from) {
  return {from.type_url(), true, from.value()};
}
inline message::typed_value plain(protocol::v3::TypedValue const& from) {
  return {from.typename_(), from.has_value(), from.value()};
}
inline message::typed_value plain(ingress::v1::TypedValue const& from) {
  return {from.typename_(), from.has_value(), from.value()};
}
template <class Entry>
message::typed_value plain_argument(Entry const& from) {
  return from.has_argument() ? plain(from.argument()) : message::typed_value{{}, false, {}};
}

inline message::typed_value plain_state(protocol::v2::FromFunction::PersistedValueMutation const& from) {
  return {{}, true, from.state_value()};
}
inline message::typed_value plain_state(protocol::v3::FromFunction::PersistedValueMutation const& from) {
  auto const& value = from.state_value();
  return {value.typename_(), true, value.has_value() ? value.value() : std::string()};
}

template <class Response>
message::invocation_result plain_result(Response const& from) {
  message::invocation_result into;
  for (auto const& one : from.state_mutations()) {
    auto& mutation = into.mutations.emplace_back();
    mutation.name = one.state_name();
    if (one.mutation_type() == 1)
      mutation.value = plain_state(one);
  }
  for (auto const& one : from.outgoing_messages())
    into.messages.push_back({plain_address(one.target()), plain_argument(one)});
  for (auto const& one : from.delayed_invocations()) {
    std::string token;
    if constexpr (requires { one.cancellation_token(); }) {
      token = one.cancellation_token();
      if (one.is_cancellation_request()) {
        into.delayed.emplace_back(message::delayed_cancel{token});
        continue;
      }
    }
    into.delayed.emplace_back(
        message::delayed_send{one.delay_in_ms(), plain_address(one.target()), plain_argument(one), token});
  }
  for (auto const& one : from.outgoing_egresses())
    into.egresses.push_back({{one.egress_namespace(), one.egress_type()}, plain_argument(one)});
  return into;
}

inline message::reply plain_reply(protocol::v2::FromFunction const& from) {
  return plain_result(from.invocation_result());
}
inline message::reply plain_reply(protocol::v3::FromFunction const& from) {
  if (!from.has_incomplete_invocation_context())
    return plain_result(from.invocation_result());
  message::missing_states into;
  for (auto const& one : from.incomplete_invocation_context().missing_values()) {
    auto const& expires = one.expiration_spec();
    auto& spec = into.specs.emplace_back(message::state_spec{one.state_name(), one.type_typename(), {}});
    if (expires.mode() == 0)
      continue;
    spec.expires = {expires.mode() == 1 ? message::expiration_mode::after_write
                                        : message::expiration_mode::after_invoke,
                    std::chrono::milliseconds(expires.expire_after_millis())};
  }
  return into;
}

} // namespace statefund::wire::test
