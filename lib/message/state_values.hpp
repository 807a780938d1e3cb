#pragma once

#include "message/typed_value.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace statefund::message {

enum class expiration_mode {
  none,         // never expires
  after_write,  // counts from the last MODIFY
  after_invoke, // counts from the last MODIFY or the last concluded call that carried the value
};

struct expiration {
  expiration_mode mode = expiration_mode::none;
  std::chrono::milliseconds after{0};

  bool operator==(expiration const&) const = default;
};

// A state that a function has declared: in the module's YAML (2.x, without a type) or by its own answer (3.x).
struct state_spec {
  std::string name;
  std::string type_name; // empty: untyped
  expiration expires;

  bool operator==(state_spec const&) const = default;
};

// Immutable once made; learning a state makes a new list.
using state_specs = std::vector<state_spec>;

// The states that one call carries: exactly those of `specs`, `values[i]` for `specs[i]`, absent where none is held.
struct state_values {
  std::shared_ptr<state_specs const> specs;
  std::vector<std::optional<stored_value>> values;
};

} // namespace statefund::message
