#include "turn/failure.hpp"

#include "error/ensure.hpp"

#include <algorithm>

namespace statefund::turn {

using message::on_failure;
using message::trial;

namespace {

constexpr unsigned thrown_until_halved = 3;
// A function that was slow for a while is found out to be faster, at the price of a failed call or two.
constexpr unsigned in_time_until_forgotten = 64;

bool counts(failure why) noexcept {
  return why == failure::too_large || why == failure::thrown || why == failure::answered;
}

// The messages of the call stand as a part of their own.
void freeze(trial& of, std::size_t taken_count) {
  if (of.parts.empty())
    of.parts.push_back({taken_count, 0});
  auto& whole = of.parts.back();
  ensure(taken_count > 0 && taken_count <= whole.messages_count, "a call carries messages of one part");
  if (whole.messages_count == taken_count)
    return;
  whole.messages_count -= taken_count;
  of.parts.push_back({taken_count, whole.attempts_count});
}

void halve(trial& of) {
  auto& second = of.parts.back();
  auto const first = second.messages_count / 2;
  second.messages_count -= first;
  of.parts.push_back({first, second.attempts_count});
}

void gone(trial& of, std::size_t count) noexcept {
  if (of.parts.empty())
    return;
  auto& part = of.parts.back();
  part.messages_count -= std::min(count, part.messages_count);
  if (part.messages_count == 0)
    of.parts.pop_back();
  if (of.parts.empty())
    of.thrown_count = 0;
}

} // namespace

std::size_t next_messages_max(trial const& of, std::size_t batch_messages_max) noexcept {
  auto count = batch_messages_max;
  if (of.messages_max > 0)
    count = std::min(count, of.messages_max);
  if (!of.parts.empty())
    count = std::min(count, of.parts.back().messages_count);
  return count;
}

next_call after_failure(trial& of, failure why, std::size_t taken_count, unsigned attempts_max) {
  freeze(of, taken_count);
  auto& part = of.parts.back();
  part.attempts_count += counts(why) ? 1 : 0;
  if (why == failure::thrown)
    ++of.thrown_count;
  else if (of.thrown_count < thrown_until_halved)
    of.thrown_count = 0;
  if (why == failure::too_slow || why == failure::too_large) {
    of.messages_max = std::max<std::size_t>(1, taken_count / 2);
    of.too_many_count = taken_count;
    of.in_time_count = 0;
  }

  bool const given_up =
      why == failure::refused || (counts(why) && attempts_max > 0 && part.attempts_count >= attempts_max);
  if (taken_count == 1)
    return given_up ? next_call::none : next_call::later;
  if (given_up || (why == failure::thrown && of.thrown_count >= thrown_until_halved))
    halve(of);
  return why == failure::refused ? next_call::at_once : next_call::later;
}

void after_success(trial& of, std::size_t taken_count, std::size_t batch_messages_max) noexcept {
  gone(of, taken_count);
  if (of.messages_max == 0 || taken_count < of.messages_max)
    return;
  if (taken_count >= of.too_many_count || ++of.in_time_count >= in_time_until_forgotten)
    of.too_many_count = of.in_time_count = 0;
  // Between what was in time and what was not there is room for half of it: to double for ever would fail for ever.
  auto const doubled = of.messages_max * 2;
  of.messages_max = of.too_many_count == 0 ? doubled : std::min(doubled, (of.messages_max + of.too_many_count) / 2);
  if (of.messages_max >= batch_messages_max)
    of.messages_max = 0;
}

void after_removal(trial& of) noexcept {
  gone(of, 1);
}

void forget_attempts(trial& of) noexcept {
  if (!of.parts.empty())
    of.parts.back().attempts_count = 0;
}

culprit_goes judge_culprit(on_failure policy, bool others_succeed) noexcept {
  if (policy == on_failure::pause)
    return culprit_goes::nowhere;
  if (!others_succeed)
    return culprit_goes::later;
  return policy == on_failure::skip ? culprit_goes::away : culprit_goes::to_dead_letters;
}

} // namespace statefund::turn
