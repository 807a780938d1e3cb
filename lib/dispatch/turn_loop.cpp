#include "dispatch/turn_loop.hpp"

#include "clock/backoff.hpp"
#include "clock/deadline.hpp"
#include "dispatch/cancelled.hpp"
#include "dispatch/refill.hpp"
#include "error/ensure.hpp"
#include "error/planted.hpp"
#include "function/errc.hpp"
#include "log/log.hpp"
#include "turn/conclude.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>

namespace statefund::dispatch {

namespace asio = boost::asio;
using clock::deadline;
using mailbox::phase;

namespace {

constexpr log::logger logger{"dispatch"};

// Each is looked at before the next call.
constexpr std::size_t last_egresses_max = 16;

mailbox::marks marks_of(lane const& type) {
  return {type.limits.waiting_max};
}

} // namespace

turn_loop::turn_loop(shard_data& data, links others)
    : data_(data),
      links_(std::move(others)),
      workers_(data.executor),
      loops_(data.executor),
      backoffs_changed_(data.executor),
      room_wanted_(data.executor),
      looks_again_(data.executor),
      random_(data.chosen.random_seed + static_cast<unsigned>(data.place.shard)) {}

void turn_loop::start() {
  loops_.start(wake_backed_off());
  loops_.start(look_for_room());
}

void turn_loop::start_worker(permit held) {
  workers_.start(work(std::move(held)));
}

asio::awaitable<void> turn_loop::work(permit held) {
  ready_turn next{};
  for (bool goes_on = may_start_turn() && data_.types.first(held, next); goes_on;
       goes_on = may_start_turn() && data_.types.next(held, next)) {
    call_place const here{data_.place.shard, held.callee.get(), data_.types.generation()};
    turn_told told;
    if (next.shard == data_.place.shard)
      told = co_await run(*next.box, here);
    else
      told = co_await links_.run_there(next, here);
    hear(held, next, told);
  }
  data_.types.worker_ended(held);
}

void turn_loop::hear(permit const& held, ready_turn of, turn_told const& told) {
  if (told.end == turn_end::done || told.end == turn_end::failed || told.end == turn_end::given_up ||
      told.end == turn_end::held)
    data_.types.reached(held);
  if (told.end == turn_end::done)
    data_.types.learned(held);
  else if (told.end == turn_end::not_reached)
    data_.types.not_reached(held, of, told.why);
  else
    data_.types.learned_nothing(held);
}

asio::awaitable<turn_told> turn_loop::run(mailbox::mailbox& own, call_place at) {
  lane& type = data_.types.open(own.self().type);
  if (at.generation != data_.types.generation() || !type.callee) {
    data_.types.arrived(type.type, {data_.place.shard, &own}, at.generation);
    co_return turn_end::rebound;
  }
  if (own.paused || own.waiting_count() == 0) {
    goes_on(own, type);
    co_return turn_end::withdrawn;
  }
  own.stands = phase::in_flight;
  ++type.in_flight_count;
  auto told = co_await run_turn(own, type, at);
  own.out = nullptr;
  --type.in_flight_count;
  auto const verbs = at_rest_.empty() ? decltype(at_rest_)::node_type{} : at_rest_.extract(own.self());
  auto const end = told.end;
  if (end == turn_end::stopped || end == turn_end::not_reached)
    own.stands = phase::ready;
  if (end == turn_end::rebound || end == turn_end::done || end == turn_end::given_up)
    goes_on(own, type);
  if (verbs)
    for (auto const& work : verbs.mapped())
      work();
  co_return told;
}

void turn_loop::when_at_rest(message::address const& self, std::function<void()> work) {
  at_rest_[self].push_back(std::move(work));
}

void turn_loop::pause(mailbox::mailbox& own, message::pause why) {
  lane& type = data_.types.open(own.self().type);
  type.addresses_count += own.stands == phase::idle ? 1 : 0;
  type.paused_count += own.paused ? 0 : 1;
  own.paused = std::move(why);
  if (withdraw(own, type))
    goes_on(own, type);
}

void turn_loop::resume(mailbox::mailbox& own) {
  lane& type = data_.types.open(own.self().type);
  type.paused_count -= own.paused ? 1 : 0;
  own.paused.reset();
  forget_failures(own, type);
  turn::forget_attempts(own.tried);
  if (own.stands == phase::paused && withdraw(own, type))
    goes_on(own, type);
}

void turn_loop::skip_head(mailbox::mailbox& own) {
  lane& type = data_.types.open(own.self().type);
  auto const gone = take(own, type, 1);
  turn::after_removal(own.tried);
  ++type.counters.skipped_total;
  data_.delivered.consumed(gone);
  if (own.paused && own.paused->cause == message::pause_cause::by_failure)
    return resume(own);
  forget_failures(own, type);
  if (!own.paused && withdraw(own, type))
    goes_on(own, type);
}

bool turn_loop::withdraw(mailbox::mailbox& own, lane& type) {
  ensure(own.stands != phase::in_flight, "a verb waits for the turn in flight");
  if (own.stands == phase::ready)
    return data_.types.withdraw(type, own);
  if (own.stands == phase::backing_off) {
    auto const [first, last] = backing_off_.equal_range(own.next_attempt);
    backing_off_.erase(std::find_if(first, last, [&](auto const& entry) { return entry.second == &own; }));
    --type.backing_off_count;
  }
  if (own.stands == phase::held) {
    auto const by = held_.find(*own.waits_for);
    std::erase(by->second, &own);
    own.waits_for.reset();
    if (by->second.empty())
      held_.erase(by);
    --type.held_count;
  }
  if (std::exchange(own.awaits_success, false))
    std::erase(type.awaiting, &own);
  return true;
}

void turn_loop::goes_on(mailbox::mailbox& own, lane& type) {
  if (own.paused) {
    own.stands = phase::paused;
  } else if (own.waiting_count() > 0) {
    becomes_ready(own, type);
  } else {
    own.stands = phase::idle;
    if (--type.addresses_count == 0)
      data_.types.unused(type);
    data_.mailboxes.erase(own);
  }
}

void turn_loop::forget_failures(mailbox::mailbox& own, lane& type) {
  type.failing_count -= own.failures_count > 0 ? 1 : 0;
  own.failures_count = 0;
  own.last_error.clear();
}

asio::awaitable<result<message::reply>> turn_loop::call(call_place const& at, message::address const& self,
                                                        message::batch const& taken,
                                                        message::state_values const& states, deadline total) {
  if (at.shard == data_.place.shard)
    return at.callee->call(self, taken, states, total);
  return links_.call_there(at, self, taken, states, total);
}

asio::awaitable<turn_told> turn_loop::run_turn(mailbox::mailbox& own, lane& type, call_place at) {
  message::address const& self = own.self();
  function::handle const bound = type.callee; // a reload may bind the lane anew at each co_await
  if (auto const full = full_egress(own)) {
    hold(own, type, {}, *full);
    co_return turn_end::held_back;
  }
  if (wants_refill(data_, own, type)) {
    auto const filled = co_await refill(data_, self);
    if (!filled)
      co_return turn_end::stopped;
  }
  message::batch taken = take_next(own, type);
  own.out = &taken;
  if (type.limits.calls == message::call_when::durable) {
    auto const kept = co_await data_.store.durable(inputs_of(taken, type));
    if (!kept)
      co_return halt(own, type, std::move(taken), kept.error());
  }
  auto specs = type.specs; // what this turn learns is the type's once the answer is a good one
  for (std::size_t wishes_count = 0;;) {
    auto const total = deadline::after(type.limits.call_timeout); // one call, one budget
    message::state_values states{specs, {}};
    auto stored = co_await data_.store.read(self, *states.specs);
    if (!stored)
      co_return halt(own, type, std::move(taken), stored.error());
    if (type.callee != bound)
      co_return after_rebinding(own, type, std::move(taken));
    states.values = std::move(*stored);
    auto const expired = turn::take_out_expired(states, clock::unix_ms());
    if (auto const fit = turn::check_types(states); !fit)
      co_return after_failure(own, type, bound, std::move(taken), fit.error());

    auto const growth_bytes_max = cut(own, type, states, taken);
    auto answer = co_await call(at, self, taken, states, total); // attempts, pool, timeouts are inside
    if (!answer)
      co_return after_failure(own, type, bound, std::move(taken), answer.error());

    auto const pending = co_await find_cancelled(data_, self, *answer);
    if (!pending)
      co_return halt(own, type, std::move(taken), pending.error());
    turn::turn_facts const known{
        self, taken, states, expired, &*pending, data_.chosen.states_max, clock::unix_ms(), growth_bytes_max};
    auto judged = turn::conclude(known, std::move(*answer));
    if (!judged)
      co_return after_failure(own, type, bound, std::move(taken), judged.error());
    if (judged->wants_states()) {
      auto wider = widen(*specs, judged->missing(), ++wishes_count);
      if (!wider)
        co_return after_failure(own, type, bound, std::move(taken), wider.error());
      specs = std::move(*wider);
      continue;
    }
    if (auto const fit = learn(type, bound, specs); !fit)
      co_return after_failure(own, type, bound, std::move(taken), fit.error());
    message::change& whole = judged->change();
    if (auto const what = what_has_no_room(whole, taken, states)) {
      hold(own, type, std::move(taken), *what);
      co_return turn_end::held;
    }
    store::ticket const ordered = data_.store.commit(whole); // ordered at once, durable soon
    release(own, type, taken, whole, ordered);               // mailboxes and alarm now, departures once durable
    co_return turn_end::done;
  }
}

message::batch turn_loop::take_next(mailbox::mailbox& own, lane& type) {
  if (std::exchange(own.tried_generation, type.bound_generation) != type.bound_generation)
    own.tried = {};
  return take(own, type, turn::next_messages_max(own.tried, type.limits.batch_messages_max));
}

message::batch turn_loop::take(mailbox::mailbox& own, lane& type, std::size_t messages_max) {
  auto const bytes_of = [&](message::invocation const& one) {
    return type.callee ? type.callee->request_bytes_of(one) : one.value.size_bytes();
  };
  bool const was_shut = own.is_shut();
  auto const bytes = own.waiting_bytes();
  auto taken = own.take({messages_max, type.limits.payload_bytes_max}, marks_of(type), bytes_of);
  type.waiting_messages_count -= taken.size();
  type.waiting_bytes -= bytes - own.waiting_bytes();
  if (type.unbound_is_full && type.waiting_bytes * 2 <= data_.unbound_bytes_max()) {
    type.unbound_is_full = false;
    links_.unbound_has_room(type.type);
    data_.overdue_doors.look_again();
  }
  type.shut_count -= was_shut && !own.is_shut() ? 1 : 0;
  if (!own.is_shut()) {
    data_.overdue_doors.room_in(own.self());
    data_.doors.room_in(own.self());
  }
  return taken;
}

std::int64_t turn_loop::cut(mailbox::mailbox& own, lane& type, message::state_values const& states,
                            message::batch& taken) {
  auto const bytes_max = type.limits.payload_bytes_max;
  std::uint64_t const states_bytes = type.callee->request_bytes_of(own.self(), states);
  std::uint64_t bytes = states_bytes;
  std::uint64_t largest_bytes = 0;
  std::size_t count = 0;
  for (; count < taken.size(); ++count) {
    std::uint64_t const one_bytes = type.callee->request_bytes_of(taken[count]);
    bytes += one_bytes;
    if (count > 0 && bytes > bytes_max)
      break;
    largest_bytes = std::max(largest_bytes, one_bytes);
  }
  if (count < taken.size()) {
    auto const first = taken.begin() + static_cast<std::ptrdiff_t>(count);
    message::batch rest(std::make_move_iterator(first), std::make_move_iterator(taken.end()));
    taken.erase(first, taken.end());
    give_back(own, type, std::move(rest));
  }
  return static_cast<std::int64_t>(bytes_max) - static_cast<std::int64_t>(states_bytes + largest_bytes);
}

result<std::shared_ptr<message::state_specs const>> turn_loop::widen(message::state_specs const& carried,
                                                                     message::missing_states const& missing,
                                                                     std::size_t wishes_count) const {
  // A function that changes its mind each time would be called without a pause for ever.
  if (wishes_count > data_.chosen.states_max)
    return error{turn::errc::too_many_states, "it asked " + std::to_string(wishes_count) + " times in one turn"};
  auto all = turn::learn(carried, missing, data_.chosen.states_max);
  if (!all)
    return all.error();
  return std::make_shared<message::state_specs const>(std::move(*all));
}

result<void> turn_loop::learn(lane& type, function::handle const& bound,
                              std::shared_ptr<message::state_specs const> const& specs) const {
  if (specs == type.specs || type.callee != bound)
    return {};
  auto all = turn::learn(*type.specs, {*specs}, data_.chosen.states_max); // others have learned, meanwhile
  if (!all)
    return all.error();
  if (*all != *type.specs)
    type.specs = std::make_shared<message::state_specs>(std::move(*all));
  return {};
}

store::ticket turn_loop::inputs_of(message::batch const& taken, lane const& type) {
  auto all = type.last_change; // may be later than what this address has read; a sync makes both durable
  for (auto const& one : taken)
    all.merge(store::ticket(one.key.number));
  return all;
}

void turn_loop::give_back(mailbox::mailbox& own, lane& type, message::batch taken) {
  bool const was_shut = own.is_shut();
  auto const bytes = own.waiting_bytes();
  type.waiting_messages_count += taken.size();
  own.put_back(std::move(taken), marks_of(type));
  type.waiting_bytes += own.waiting_bytes() - bytes;
  type.shut_count += own.is_shut() && !was_shut ? 1 : 0;
}

void turn_loop::release(mailbox::mailbox& own, lane& type, message::batch const& taken, message::change& whole,
                        store::ticket ordered) noexcept {
  type.counters.batch_size.add(static_cast<double>(taken.size()), batch_size_bounds);
  ++type.counters.calls_succeeded_total;
  type.counters.out_local_total += whole.messages.size();
  type.counters.out_egress_total += whole.egress_records.size();
  own.last_egresses.clear();
  for (auto const* egress : message::egresses_of(whole.egress_records))
    if (own.last_egresses.size() < last_egresses_max)
      own.last_egresses.push_back(*egress);
  type.last_change.merge(ordered);
  if (own.tried_generation == type.bound_generation) { // else it says nothing of what is bound now
    turn::after_success(own.tried, taken.size(), type.limits.batch_messages_max);
    succeeded(type);
  }
  if (own.failures_count > 0)
    logger.info({number::call_recovered, "a call has succeeded after failures"},
                {{"address", to_text(own.self())}, {"failures", own.failures_count}});
  forget_failures(own, type);

  data_.delivered.release(whole, ordered);
  data_.delivered.consumed(taken); // after what the change adds, so that nobody sees a count of none between
}

void turn_loop::becomes_ready(mailbox::mailbox& own, lane& type) {
  own.stands = phase::ready;
  if (!test_only::is_planted(test_only::mistake::lost_wake_up))
    data_.types.ready(type, {data_.place.shard, &own});
}

turn_end turn_loop::after_rebinding(mailbox::mailbox& own, lane& type, message::batch taken) {
  give_back(own, type, std::move(taken));
  return turn_end::rebound;
}

turn_end turn_loop::halt(mailbox::mailbox& own, lane& type, message::batch taken, error const& why) {
  give_back(own, type, std::move(taken));
  data_.store_lost(why);
  return turn_end::stopped;
}

asio::awaitable<void> turn_loop::wake_backed_off() {
  while (!closed_) {
    auto const backed_off = backing_off_.empty() ? deadline::never() : deadline::at(backing_off_.begin()->first);
    auto const next = std::min(backed_off, data_.types.next_probe());
    auto const end = co_await backoffs_changed_.wait(next);
    if (end == task::wait_end::cancelled)
      co_return;
    data_.types.wake_probes();
    auto const now = clock::steady::now();
    while (!backing_off_.empty() && backing_off_.begin()->first <= now) {
      auto& own = *backing_off_.begin()->second;
      backing_off_.erase(backing_off_.begin());
      lane& type = data_.types.open(own.self().type);
      --type.backing_off_count;
      becomes_ready(own, type);
    }
  }
}

void turn_loop::for_some_waiting(std::function<void(mailbox::mailbox const&)> const& see) const {
  constexpr int looked_at_max = 10'000;
  int looked_at = 0;
  for (auto const& [at, own] : backing_off_)
    if (++looked_at <= looked_at_max)
      see(*own);
  for (auto const& [type, lane] : data_.types)
    if (!lane->ready.empty() && lane->ready.front().shard == data_.place.shard)
      see(*lane->ready.front().box); // first come, first served: nobody who is ready waits longer
}

asio::awaitable<void> turn_loop::close() {
  closed_ = true;
  data_.types.stop();
  loops_.cancel();
  co_await loops_.close();
  co_await workers_.close();
}

} // namespace statefund::dispatch
