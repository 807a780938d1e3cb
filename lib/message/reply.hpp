#pragma once

#include "message/address.hpp"
#include "message/state_values.hpp"
#include "message/typed_value.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace statefund::message {

// A function's answer as it was sent, of either protocol generation, not yet judged.

struct state_mutation {
  std::string name;
  std::optional<typed_value> value; // absent: DELETE

  bool operator==(state_mutation const&) const = default;
};

struct outgoing_message {
  address target;
  typed_value value;

  bool operator==(outgoing_message const&) const = default;
};

struct delayed_send {
  std::int64_t delay_ms = 0; // as sent: may be negative, which is the function's error
  address target;
  typed_value value;
  std::string cancellation_token; // empty: cannot be cancelled

  bool operator==(delayed_send const&) const = default;
};

struct delayed_cancel {
  std::string cancellation_token; // as sent: may be empty, which is the function's error

  bool operator==(delayed_cancel const&) const = default;
};

struct egress_message {
  egress_id egress;
  typed_value value;

  bool operator==(egress_message const&) const = default;
};

struct invocation_result {
  std::vector<state_mutation> mutations;
  std::vector<outgoing_message> messages;
  std::vector<std::variant<delayed_send, delayed_cancel>> delayed; // they apply in this order
  std::vector<egress_message> egresses;

  bool operator==(invocation_result const&) const = default;
};

// IncompleteInvocationContext: "call me again with the same batch, and with these states too". 3.x only.
struct missing_states {
  state_specs specs;

  bool operator==(missing_states const&) const = default;
};

using reply = std::variant<invocation_result, missing_states>;

} // namespace statefund::message
