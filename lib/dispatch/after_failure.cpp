// What turn_loop does about calls that fail, as turn/failure.hpp decides.

#include "clock/backoff.hpp"
#include "dispatch/turn_loop.hpp"
#include "error/planted.hpp"
#include "function/errc.hpp"
#include "log/log.hpp"
#include "turn/conclude.hpp"

#include <algorithm>
#include <utility>

namespace statefund::dispatch {

using mailbox::phase;

namespace {

constexpr log::logger logger{"dispatch"};

// Whose page says what to do about the error.
number number_of(error const& why) {
  if (why.code == function::errc::wrong_generation)
    return number::generation_mismatch;
  if (why.code == function::errc::function_in_error)
    return number::function_in_error;
  if (why.code == function::errc::message_refused)
    return number::call_refused;
  if (why.code == function::errc::answer_unreadable || why.code == function::errc::answer_too_large)
    return number::answer_unreadable;
  if (why.code.category() != make_error_code(turn::errc{}).category())
    return number::call_failed;
  switch (static_cast<turn::errc>(why.code.value())) {
  case turn::errc::state_undeclared:
    return number::state_undeclared;
  case turn::errc::state_type_mismatch:
    return number::state_type_mismatch;
  case turn::errc::nothing_new_asked:
    return number::nothing_new_asked;
  case turn::errc::too_many_states:
    return number::too_many_states;
  case turn::errc::cancellation_without_token:
    return number::cancellation_without_token;
  case turn::errc::delay_out_of_range:
    return number::delay_out_of_range;
  case turn::errc::target_incomplete:
    return number::target_invalid;
  case turn::errc::states_too_large:
    return number::states_too_large;
  }
  return number::function_in_error;
}

// Of a call that reached its endpoint and was not cancelled.
turn::failure meaning_of(error const& why) {
  if (why.code == function::errc::endpoint_failed)
    return turn::failure::unanswered;
  if (why.code == function::errc::timed_out)
    return turn::failure::too_slow;
  if (why.code == function::errc::answer_too_large)
    return turn::failure::too_large;
  if (why.code == function::errc::answered_500)
    return turn::failure::thrown;
  // An endpoint of the other generation refuses every message: its module is wrong, not they.
  if (why.code == function::errc::endpoint_answered || why.code == function::errc::wrong_generation)
    return turn::failure::answered;
  return turn::failure::refused;
}

} // namespace

turn_told turn_loop::after_failure(mailbox::mailbox& own, lane& type, function::handle const& bound,
                                   message::batch taken, error const& why) {
  if (type.callee != bound && why.code != function::errc::call_cancelled)
    return after_rebinding(own, type, std::move(taken)); // it says nothing of what is bound now
  auto const count = taken.size();
  give_back(own, type, std::move(taken));
  if (why.code == function::errc::call_cancelled)
    return turn_end::stopped;
  if (function::is_unreached(why.code))
    return {turn_end::not_reached, why};
  if (own.tried.parts.empty())
    own.failing_since = data_.process.successes_total.load(std::memory_order_relaxed);
  type.failing_count += own.failures_count++ == 0 ? 1 : 0;
  own.last_error = why.to_string();
  ++type.counters.calls_failed_total;
  type.last_error = own.last_error;
  type.last_error_at_ms = clock::unix_ms();
  auto const parts_count = own.tried.parts.size();
  auto const next = turn::after_failure(own.tried, meaning_of(why), count, type.limits.attempts_max);
  if (parts_count < 2 && own.tried.parts.size() > 1)
    logger.info({number::batch_in_parts, "a batch that fails is called in parts, until the cause stands alone"},
                {{"address", to_text(own.self())}, {"error", own.last_error}, {"messages", count}});
  switch (next) {
  case turn::next_call::none:
    return give_up(own, type, why);
  case turn::next_call::at_once:
    if (test_only::is_planted(test_only::mistake::beside_culprit))
      return give_up(own, type, why);
    becomes_ready(own, type);
    return turn_end::failed;
  case turn::next_call::later:
    break;
  }
  return back_off(own, type, why);
}

turn_end turn_loop::back_off(mailbox::mailbox& own, lane& type, error const& why) {
  auto const wait = clock::backoff(type.limits.backoff, own.failures_count, static_cast<unsigned>(random_()));
  own.next_attempt = clock::steady::now() + wait;
  own.stands = phase::backing_off;
  ++type.backing_off_count;
  backing_off_.emplace(own.next_attempt, &own);
  backoffs_changed_.notify_all();
  // An outage fails every address of a type: one line a second tells it as well as thousands.
  if (auto const now = clock::steady::now(); now >= type.log_again_at) {
    logger.warning({number_of(why), "a call failed; its messages stay first in their mailbox and are sent again"},
                   {{"address", to_text(own.self())},
                    {"error", own.last_error},
                    {"failures", own.failures_count},
                    {"messages", own.waiting_count()},
                    {"next_attempt_ms", std::chrono::duration_cast<std::chrono::milliseconds>(wait).count()},
                    {"unlogged", type.unlogged_failures_count}});
    type.log_again_at = now + std::chrono::seconds(1);
    type.unlogged_failures_count = 0;
  } else {
    ++type.unlogged_failures_count;
  }
  return turn_end::failed;
}

turn_end turn_loop::give_up(mailbox::mailbox& own, lane& type, error const& why) {
  given_up_for because{number_of(why), why.to_string()};
  if (meaning_of(why) != turn::failure::refused)
    because.text.insert(0, std::to_string(own.tried.parts.back().attempts_count) +
                               " attempts are used up; the last one: ");
  bool const others_succeed = type.last_success > own.failing_since;
  auto const goes = turn::judge_culprit(type.limits.then,
                                        others_succeed || test_only::is_planted(test_only::mistake::broken_function));
  if (goes == turn::culprit_goes::nowhere)
    return pause_for(own, type, number::address_paused, std::move(because));
  if (goes == turn::culprit_goes::later)
    return await_success(own, type, std::move(because));
  message::dead_letter letter{own.head(), because.text, clock::unix_ms()};
  if (goes == turn::culprit_goes::to_dead_letters && !data_.store.has_room_for(letter)) {
    because.text.insert(0, "the dead letters are full; ");
    return pause_for(own, type, number::dead_letters_full, std::move(because));
  }
  return set_aside(own, type, std::move(letter), goes, because.page);
}

turn_end turn_loop::set_aside(mailbox::mailbox& own, lane& type, message::dead_letter letter, turn::culprit_goes where,
                              number page) {
  bool const is_kept = where == turn::culprit_goes::to_dead_letters;
  logger.warning(is_kept ? log::event{number::message_dead_lettered,
                                      "a message is refused for good: it is set aside, and the rest goes on"}
                         : log::event{number::message_skipped,
                                      "a message is refused for good: it is dropped, and the rest goes on"},
                 {{"address", to_text(own.self())},
                  {"message_id", to_text(letter.message.key)},
                  {"error", letter.reason},
                  {"reason", to_string(page)},
                  {"messages", own.waiting_count() - 1}});
  message::change whole;
  whole.self = own.self();
  whole.consumed.push_back(letter.message.key);
  if (is_kept)
    whole.dead_letters.push_back(std::move(letter));
  type.last_change.merge(data_.store.commit(whole));
  data_.delivered.consumed(take(own, type, 1));
  ++(is_kept ? type.counters.dead_letters_total : type.counters.skipped_total);
  turn::after_removal(own.tried);
  forget_failures(own, type);
  return turn_end::given_up;
}

turn_end turn_loop::pause_for(mailbox::mailbox& own, lane& type, number what, given_up_for because) {
  auto const id = to_text(own.head().key);
  auto const address = to_text(own.self());
  logger.error({what, "a message is refused for good: its address is paused, until an operator resumes or skips it"},
               {{"address", address},
                {"message_id", id},
                {"error", because.text},
                {"reason", to_string(because.page)},
                {"messages", own.waiting_count()},
                {"to_try_again", "statefunctl resume " + address},
                {"to_drop_it", "statefunctl skip " + address + ' ' + id}});
  stand_paused(own, type, std::move(because.text));
  message::change whole;
  whole.self = own.self();
  whole.pause = message::pause_row{own.paused};
  data_.store.commit(whole);
  return turn_end::failed;
}

turn_end turn_loop::await_success(mailbox::mailbox& own, lane& type, given_up_for because) {
  auto const id = to_text(own.head().key);
  auto const address = to_text(own.self());
  logger.warning({number::verdict_waits, "a message is refused for good, and so may be all: its address waits until "
                                         "another call of its function type succeeds"},
                 {{"address", address},
                  {"message_id", id},
                  {"error", because.text},
                  {"reason", to_string(because.page)},
                  {"messages", own.waiting_count()},
                  {"to_try_again", "statefunctl resume " + address},
                  {"to_drop_it", "statefunctl skip " + address + ' ' + id}});
  stand_paused(own, type, "waits until another call of its function type succeeds: " + because.text);
  own.awaits_success = true;
  type.awaiting.push_back(&own);
  if (type.awaiting.size() == 1)
    ask_for_success(type);
  return turn_end::failed;
}

void turn_loop::stand_paused(mailbox::mailbox& own, lane& type, std::string reason) {
  own.paused = message::pause{message::pause_cause::by_failure, std::move(reason), clock::unix_ms()};
  own.stands = phase::paused;
  ++type.paused_count;
}

void turn_loop::succeeded(lane& type) {
  type.last_success = 1 + data_.process.successes_total.fetch_add(1, std::memory_order_relaxed);
  for (auto const shard : std::exchange(type.success_wanted_by, {}))
    if (!test_only::is_planted(test_only::mistake::success_untold))
      links_.tell_success(shard, type.type, success_of(type));
  if (!type.awaiting.empty())
    wake_awaiting(type);
}

void turn_loop::wake_awaiting(lane& type) {
  auto const waited = std::exchange(type.awaiting, {});
  for (auto* const own : waited) {
    if (own->failing_since >= type.last_success && own->tried_generation == type.bound_generation) {
      type.awaiting.push_back(own);
      continue;
    }
    own->awaits_success = false;
    own->paused.reset();
    --type.paused_count;
    goes_on(*own, type);
  }
}

void turn_loop::success_wanted(std::size_t by, message::function_type const& type, std::uint64_t since,
                               std::uint64_t generation) {
  lane* const own = data_.types.find(type);
  if (!own)
    return;
  if (own->last_success > since && data_.types.generation() >= generation)
    links_.tell_success(by, type, success_of(*own));
  else if (std::find(own->success_wanted_by.begin(), own->success_wanted_by.end(), by) == own->success_wanted_by.end())
    own->success_wanted_by.push_back(by);
}

void turn_loop::success_told(message::function_type const& type, success told) {
  lane* const own = data_.types.find(type);
  if (!own || told.from_generation > data_.types.generation())
    return; // of what is not known yet to be the same function; rebound() asks again
  if (told.to_generation >= own->bound_generation)
    own->last_success = std::max(own->last_success, told.place);
  wake_awaiting(*own);
  ask_for_success(*own);
}

void turn_loop::ask_for_success(lane const& type) {
  if (type.awaiting.empty())
    return;
  auto const earlier = [](auto const* left, auto const* right) { return left->failing_since < right->failing_since; };
  auto const* const first = *std::min_element(type.awaiting.begin(), type.awaiting.end(), earlier);
  links_.ask_for_success(type.type, first->failing_since, data_.types.generation());
}

success turn_loop::success_of(lane const& type) const {
  return {type.last_success, type.bound_generation, data_.types.generation()};
}

void turn_loop::rebound() {
  for (auto const& [type, lane] : data_.types)
    if (!lane->awaiting.empty()) {
      wake_awaiting(*lane);
      ask_for_success(*lane);
    }
}

} // namespace statefund::dispatch
