#pragma once

#include "function/function.hpp"
#include "message/address.hpp"

#include <cstddef>
#include <functional>

namespace statefund::dispatch {

// What the modules declare, as far as dispatch asks. Pure functions of one moment's modules, which they hold; called on
// the threads of all shards at a time.
struct declarations {
  // A function for one shard, on its thread. Null: no module declares the type.
  std::function<function::handle(message::function_type const&, std::size_t shard)> make;
  std::function<bool(message::egress_id const&)> is_declared_egress;
};

// Whether the next declarations make of this type what is in force already; pure, like them.
using keeps_function = std::function<bool(message::function_type const&)>;

} // namespace statefund::dispatch
