#pragma once

#include "function/function.hpp"
#include "message/address.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace statefund::dispatch {

// What the modules declare, as far as dispatch asks. Pure functions of one moment's modules, which they hold; called on
// the threads of all shards at a time.
struct declarations {
  // A function for one shard, on its thread. Null: no module declares the type.
  std::function<function::handle(message::function_type const&, std::size_t shard)> make;
  std::function<bool(message::egress_id const&)> is_declared_egress;
  // The type that a plain text from outside gets on its way to this function type; its bytes are a protobuf message
  // with the text as field 1. Absent: no module declares the type.
  std::function<std::optional<std::string>(message::function_type const&)> text_type_name;
};

// Whether the next declarations make of this type what is in force already; pure, like them.
using keeps_function = std::function<bool(message::function_type const&)>;

} // namespace statefund::dispatch
