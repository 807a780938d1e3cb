#pragma once

#include "error/result.hpp"
#include "message/reply.hpp"
#include "wire/generation.hpp"

#include <string_view>

// A function's answer out of bytes: the FromFunction that came back from an endpoint. Pure; any thread; nothing of the
// bytes is kept. Unknown fields are skipped.
namespace statefund::wire {

// Empty bytes, and an answer with neither member, are an empty invocation_result. As they come in:
// - delays and cancellation tokens are handed on as sent; a delayed entry with is_cancellation_request is a
//   delayed_cancel whatever else it holds;
// - an argument that is missing is {type_name "", no value} in both generations; one that is there has, in 2.x, a
// value;
// - MODIFY always gives a value: without has_value (3.x), or without a state_value, an empty one; 2.x ones are untyped;
// - an expiration of mode NONE has no duration.
//
// The errors are the function's, or about how the endpoint is declared; the error's detail names the entry
// ("outgoing_messages[2].target: id"): malformed, not_utf8, speaks_v2, speaks_v3, mutation_unknown, target_incomplete,
// egress_incomplete, state_unnamed, expiration_unusable.
//
// A 3.x answer is recognised under 2.x by field 101 and by a value's has_value, a 2.x answer under 3.x by a value's
// bytes. State values alone do not tell: their 2.x form is bare bytes.
result<message::reply> decode_answer(generation speaks, std::string_view bytes);

} // namespace statefund::wire
