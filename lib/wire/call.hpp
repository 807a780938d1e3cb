#pragma once

#include "error/result.hpp"
#include "message/address.hpp"
#include "message/batch.hpp"
#include "message/state_values.hpp"
#include "wire/generation.hpp"

#include <cstddef>
#include <string>

// One call as bytes: the ToFunction that is posted to an endpoint. Pure; any thread.
namespace statefund::wire {

// Requires a batch of at least one, and a value (or none) for each of the states' specs; specs may be null when there
// are no values. Every state is listed; one without a value by its name alone, and so is, in 2.x, one with an empty
// value, for 2.x cannot tell them apart. Towards 2.x type names of states and has_value are dropped.
//
// errc::not_utf8: an address, a type name or a state's name is not UTF-8 (the path says which); no function could be
// called with it. Doors and answers are checked, so this is met only for what came in before a check was there.
// errc::call_too_large: more than 2 GiB.
result<std::string> encode_call(generation speaks, message::address const& self, message::batch const& taken,
                                message::state_values const& states);

// What a batch is cut by: encode_call() gives at most
//   call_bytes_max(speaks, self, states) + the sum of invocation_bytes(speaks, i) over the batch
// bytes, and at most 4 less. Bytes of the 3.x generation are never fewer than those of 2.x.
std::size_t call_bytes_max(generation speaks, message::address const& self,
                           message::state_values const& states) noexcept;
std::size_t invocation_bytes(generation speaks, message::invocation const& one) noexcept;

} // namespace statefund::wire
