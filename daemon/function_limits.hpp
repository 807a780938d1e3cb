#pragma once

#include "function/function.hpp"
#include "module/spec.hpp"

namespace statefund::daemon {

// What dispatch is told of a function that a module declares: for the whole daemon. Pure.
function::limits limits_of(module::function_spec const& spec);

} // namespace statefund::daemon
