#pragma once

#include "message/failure_policy.hpp"
#include "message/trial.hpp"

#include <cstddef>

// What is done about calls that fail: pure functions over values.
namespace statefund::turn {

// What a failed call says of its messages.
enum class failure {
  unanswered, // nothing: the connection was cut, or somebody before the function asked for patience
  too_slow,   // fewer of them may be answered in time
  too_large,  // fewer of them may be answered with less; the function has answered
  thrown,     // one of them may be the cause, or the function itself; it has answered 500
  answered,   // the function, or what stands at its place, has answered something else
  refused,    // one of them is refused for good
};

enum class next_call {
  later,   // the same messages, or the first of them, after a back-off
  at_once, // the first half
  none,    // one message stands alone: it is the culprit, and its policy says what becomes of it
};

// How many messages the next call carries at most.
std::size_t next_messages_max(message::trial const& of, std::size_t batch_messages_max) noexcept;

// A call with the first `taken_count` messages has failed. From then on the batch is frozen: it is called in parts, in
// order, until all of it has taken effect.
//
// - Refused, or `attempts_max` (0: no bound) calls used up, or three calls in a row answered 500: the part is halved,
//   and a half that fails so is halved again, until the culprit stands alone. Only calls that the function answered
//   count, and a half has those of its whole.
// - Too slow or too large: the next call carries half as many messages.
next_call after_failure(message::trial& of, failure why, std::size_t taken_count, unsigned attempts_max);

// The first `taken_count` messages have taken effect.
void after_success(message::trial& of, std::size_t taken_count, std::size_t batch_messages_max) noexcept;

// The first message is gone without a call: set aside, dropped or skipped.
void after_removal(message::trial& of) noexcept;

// The next call is as the first one with these messages.
void forget_attempts(message::trial& of) noexcept;

// What becomes of a culprit.
enum class culprit_goes {
  nowhere, // its address is paused
  to_dead_letters,
  away,  // it is dropped
  later, // its address waits, and tries again once another call has succeeded
};

// `others_succeed`: another call of the type has succeeded since the batch failed first and since the type was bound.
// Where none has it may be the function that is broken, and then no message is given up for it.
culprit_goes judge_culprit(message::on_failure policy, bool others_succeed) noexcept;

} // namespace statefund::turn
