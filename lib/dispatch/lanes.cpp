#include "dispatch/lanes.hpp"

#include "clock/backoff.hpp"
#include "dispatch/share.hpp"
#include "function/errc.hpp"
#include "log/log.hpp"

#include <algorithm>

namespace statefund::dispatch {

namespace {

constexpr log::logger logger{"dispatch"};

// Finding out costs one connect of each shard, so it is done sooner than a failed call is made again.
constexpr std::chrono::nanoseconds probe_interval_initial = std::chrono::milliseconds(10);
constexpr std::chrono::nanoseconds probe_interval_max = std::chrono::seconds(5);

// The Retry-After of SF0121 promises that a type unused for so long gives its place up.
constexpr std::chrono::seconds unused_min(60);
constexpr std::chrono::seconds unused_looked_for_every(1);
// An answer about missing states is made before any work is done: what takes longer is no such answer.
constexpr std::chrono::nanoseconds learning_max = std::chrono::seconds(1);

// The number whose page says what to do.
std::string reason_of(error const& why) {
  if (why.code == function::errc::name_unresolved)
    return to_string(number::name_unresolved);
  if (why.code == function::errc::out_of_descriptors)
    return to_string(number::out_of_descriptors);
  return to_string(number::endpoint_unreachable);
}

// False for the calls that were out already when its endpoint was found out of reach.
bool is_probe(permit const& held) noexcept {
  return held.probe != 0 && held.probe == held.of->probe;
}

} // namespace

lane* lanes::find(message::function_type const& type) {
  if (auto const known = by_type_.find(type); known != by_type_.end())
    return known->second->callee ? known->second.get() : nullptr;
  return function_of(type) ? &open(type) : nullptr;
}

function::handle lanes::function_of(message::function_type const& type) {
  auto const now = clock::steady::now();
  if (functions_.is_full() && now >= unused_looked_for_again_at_) {
    unused_looked_for_again_at_ = now + unused_looked_for_every;
    for (auto const& other : functions_.types())
      if (is_unused(other, now - unused_min)) {
        links_.close(functions_.forget(other));
        by_type_.erase(other);
      }
  }
  return functions_.find(type);
}

bool lanes::is_unused(message::function_type const& type, clock::steady::time_point since) const {
  auto const known = by_type_.find(type);
  if (known == by_type_.end())
    return true;
  lane const& own = *known->second;
  return !own.paused && own.success_wanted_by.empty() &&
         own.addresses_count + own.ready.size() + own.workers_count + own.leaving_count == 0 &&
         own.unused_since <= since && std::find(waiting_.begin(), waiting_.end(), &own) == waiting_.end();
}

lane& lanes::open(message::function_type const& type) {
  auto& own = by_type_[type];
  if (!own) {
    own = std::make_unique<lane>();
    own->type = type;
    own->limits.waiting_max.reset();
    own->specs = std::make_shared<message::state_specs>();
    unused(*own);
    bind(*own, function_of(type));
    // It may be declared, and have no place.
    if (!own->callee && functions_.is_full())
      probe_at(clock::steady::now() + unused_looked_for_every, type);
  }
  return *own;
}

void lanes::bind(lane& of, function::handle callee) {
  of.leaving_count += std::exchange(of.workers_count, 0);
  of.permits_count = 0;
  of.open_permits_count = 0;
  of.not_reached_count = 0;
  of.not_reached_is_logged = false;
  of.probe = 0;
  shares_are_stale_ = true;
  of.home = chosen_.shard;
  of.callee = std::move(callee);
  of.bound_generation = generation_;
  of.last_success = 0;
  std::erase(waiting_, &of);
  if (of.callee) {
    of.limits = of.callee->call_limits();
    std::size_t const calls_max = std::max<std::size_t>(1, of.limits.concurrent_calls_max);
    if (has_home(calls_max, chosen_.shards_count))
      of.home = home_of(of.type, chosen_.shards_count);
    of.permits_count = share_of_type(of.type, calls_max, chosen_.shard, chosen_.shards_count);
    of.open_permits_count = of.permits_count;
    // What was learned is worth a call, and stays where the function still tells by itself.
    auto declared = of.callee->declared_states();
    bool const were_declared = std::exchange(of.specs_are_declared, declared != nullptr);
    if (declared)
      of.specs = std::move(declared);
    else if (were_declared)
      of.specs = std::make_shared<message::state_specs>();
    of.is_learning = !of.specs_are_declared && (of.is_learning || were_declared);
    of.learners_max = 1;
    of.learns_until = {};
  }
  for (auto const& next : std::exchange(of.ready, {}))
    ready(of, next);
}

std::unordered_set<lane*> lanes::rebind() {
  ++generation_;
  std::unordered_set<lane*> other_marks;
  for (auto& [type, own] : by_type_) {
    auto callee = functions_.find(type);
    if (callee == own->callee)
      continue;
    auto const mark = own->limits.waiting_max;
    bind(*own, std::move(callee));
    if (!own->callee && own->waiting_messages_count > 0)
      logger.warning({number::function_unbound, "no module declares a function type any more; its messages wait"},
                     {{"function_type", to_text(type)}, {"messages", own->waiting_messages_count}});
    if (own->limits.waiting_max != mark && own->addresses_count > 0)
      other_marks.insert(own.get());
  }
  std::erase_if(by_type_, [](auto const& entry) {
    lane const& own = *entry.second;
    return !own.callee && !own.paused && own.addresses_count + own.ready.size() + own.leaving_count == 0;
  });
  for (auto const& [type, next] : std::exchange(early_, {}))
    ready(open(type), next);
  give_places();
  return other_marks;
}

void lanes::arrived(message::function_type const& type, ready_turn next, std::uint64_t generation) {
  if (generation > generation_)
    early_.emplace_back(type, next);
  else
    ready(open(type), next);
}

void lanes::ready(lane& of, ready_turn next) {
  if (of.home != chosen_.shard)
    return links_.send_home(of.home, of.type, next);
  of.ready.push_back(next);
  start_worker(of);
}

void lanes::pause(lane& of, message::pause why) {
  of.paused = std::move(why);
}

void lanes::resume(lane& of) {
  of.paused.reset();
  start_all(of);
}

bool lanes::withdraw(lane& of, mailbox::mailbox const& own) {
  return std::erase_if(of.ready, [&](ready_turn const& next) { return next.box == &own; }) > 0;
}

bool lanes::may_probe(lane const& of) noexcept {
  return of.probe == 0 && of.next_probe <= clock::steady::now();
}

bool lanes::wants_worker(lane const& of) noexcept {
  if (of.ready.empty() || of.paused)
    return false;
  return of.not_reached_count > 0 ? of.workers_count < of.permits_count && may_probe(of)
                                  : of.workers_count < calls_max_of(of);
}

std::size_t lanes::calls_max_of(lane const& of) noexcept {
  bool const is_over =
      !of.is_learning || (of.learns_until != clock::steady::time_point{} && of.learns_until <= clock::steady::now());
  return is_over ? of.open_permits_count : std::min(of.open_permits_count, of.learners_max);
}

void lanes::start_worker(lane& of) {
  if (stopped_ || held_ || held_up_ || !wants_worker(of))
    return;
  if (!has_place_for(of)) {
    if (std::find(waiting_.begin(), waiting_.end(), &of) == waiting_.end())
      waiting_.push_back(&of);
    return;
  }
  kept_count_ -= of.workers_count < of.own_calls_max ? 1 : 0;
  ++of.workers_count;
  ++calls_count_;
  if (of.not_reached_count > 0)
    of.probe = ++of.probes_total;
  if (of.is_learning && of.learns_until == clock::steady::time_point{}) {
    of.learns_until = clock::steady::now() + learning_max;
    probe_at(of.learns_until, of.type);
  }
  links_.start_worker({&of, of.callee, of.probe});
}

void lanes::go() {
  held_ = false;
  start_all();
}

void lanes::start_all() {
  for (auto& [type, own] : by_type_)
    start_all(*own);
}

void lanes::start_all(lane& of) {
  for (auto left = of.ready.size(); left > 0 && wants_worker(of); --left)
    start_worker(of);
}

void lanes::learned(permit const& held) {
  lane& of = *held.of;
  if (of.callee != held.callee || !std::exchange(of.is_learning, false))
    return;
  start_all(of);
}

void lanes::learned_nothing(permit const& held) {
  lane& of = *held.of;
  if (of.callee != held.callee || !of.is_learning)
    return;
  ++of.learners_max;
  start_all(of);
}

void lanes::not_reached(permit const& held, ready_turn back, error const& why) {
  lane& of = *held.of;
  if (of.callee != held.callee)
    return ready(of, back);
  of.learns_until = {};
  of.ready.push_front(back);
  ++of.counters.calls_failed_total;
  of.last_error = why.to_string();
  of.last_error_at_ms = clock::unix_ms();
  if (of.not_reached_count > 0 && !is_probe(held))
    return; // it was out already when another one found out
  auto const now = clock::steady::now();
  clock::backoff_limits const between{probe_interval_initial, std::min(probe_interval_max, of.limits.backoff.max)};
  auto const wait = clock::backoff(between, ++of.not_reached_count, static_cast<unsigned>(random_()));
  of.next_probe = now + wait;
  probe_at(of.next_probe, of.type);
  if ((of.not_reached_count & (of.not_reached_count - 1)) != 0) // the first, then ever more seldom
    return;
  if (of.not_reached_count == 1 && now < of.log_again_at)
    return; // an endpoint that comes and goes
  of.log_again_at = now + std::chrono::seconds(1);
  of.not_reached_is_logged = true;
  logger.warning({number::endpoint_not_reached, "an endpoint is not reached; one call at a time tries it"},
                 {{"function_type", to_text(of.type)},
                  {"error", of.last_error},
                  {"reason", reason_of(why)},
                  {"calls", of.not_reached_count},
                  {"addresses_waiting", of.ready.size()},
                  {"next_attempt_ms", std::chrono::duration_cast<std::chrono::milliseconds>(wait).count()}});
}

void lanes::reached(permit const& held) {
  lane& of = *held.of;
  if (of.callee != held.callee)
    return;
  if (of.not_reached_count > 0) {
    if (!is_probe(held))
      return; // over a connection that it had
    if (std::exchange(of.not_reached_is_logged, false))
      logger.info({number::endpoint_reached, "an endpoint is reached again"}, {{"function_type", to_text(of.type)},
                                                                               {"calls", of.not_reached_count},
                                                                               {"addresses_waiting", of.ready.size()}});
    of.not_reached_count = 0;
    of.probe = 0;
    of.open_permits_count = of.workers_count;
  }
  if (of.open_permits_count >= of.permits_count)
    return;
  ++of.open_permits_count;
  start_worker(of);
}

clock::deadline lanes::next_probe() const noexcept {
  return probes_.empty() ? clock::deadline::never() : clock::deadline::at(probes_.begin()->first);
}

void lanes::wake_probes() {
  auto const now = clock::steady::now();
  while (!probes_.empty() && probes_.begin()->first <= now) {
    auto const type = std::move(probes_.begin()->second);
    probes_.erase(probes_.begin());
    auto const known = by_type_.find(type);
    if (known == by_type_.end())
      continue;
    lane& own = *known->second;
    if (own.callee)
      start_all(own);
    else if (auto callee = function_of(type))
      bind(own, std::move(callee));
    else if (functions_.is_full())
      probe_at(now + unused_looked_for_every, type);
  }
}

void lanes::probe_at(clock::steady::time_point at, message::function_type const& type) {
  probes_.emplace(at, type);
  links_.probes_changed();
}

bool lanes::next(permit const& held, ready_turn& into) {
  bool const others_wait = !waiting_.empty() && (waiting_.size() > 1 || waiting_.front() != held.of);
  bool const is_kept = held.of->workers_count <= held.of->own_calls_max;
  return (is_kept || !others_wait) && first(held, into);
}

bool lanes::first(permit const& held, ready_turn& into) {
  lane& of = *held.of;
  if (stopped_ || held_up_ || of.paused || of.callee != held.callee || of.ready.empty())
    return false;
  if (of.not_reached_count > 0 && (!is_probe(held) || clock::steady::now() < of.next_probe))
    return false;
  into = of.ready.front();
  of.ready.pop_front();
  return true;
}

void lanes::worker_ended(permit const& held) {
  lane& of = *held.of;
  if (of.callee == held.callee)
    kept_count_ += --of.workers_count < of.own_calls_max ? 1 : 0;
  else
    --of.leaving_count;
  --calls_count_;
  if (of.callee == held.callee && is_probe(held))
    of.probe = 0;
  if (wants_worker(of) && std::find(waiting_.begin(), waiting_.end(), &of) == waiting_.end())
    waiting_.push_back(&of);
  give_places();
}

void lanes::give_places() {
  std::deque<lane*> without_place;
  // A lane that has nothing ready any more leaves the place to the one behind it.
  while (!stopped_ && !held_up_ && !waiting_.empty() && calls_count_ < calls_max_) {
    lane* const foremost = waiting_.front();
    waiting_.pop_front();
    if (!has_place_for(*foremost)) {
      without_place.push_back(foremost);
      continue;
    }
    start_worker(*foremost);
    // One worker was started: what it cannot take waits for the next place.
    if (foremost->ready.size() > 1 && wants_worker(*foremost))
      waiting_.push_back(foremost);
  }
  waiting_.insert(waiting_.begin(), without_place.begin(), without_place.end());
}

void lanes::go_on() {
  held_up_ = false;
  start_all();
}

void lanes::share_calls() {
  auto const takes_part = [](auto const& entry) { return entry.second->permits_count > 0; };
  auto const types_count = std::count_if(by_type_.begin(), by_type_.end(), takes_part);
  auto const own_calls = own_calls_of_type(calls_max_, static_cast<std::size_t>(types_count));
  kept_count_ = 0;
  for (auto& [type, own] : by_type_) {
    own->own_calls_max = std::min(own_calls, own->permits_count);
    kept_count_ += own->own_calls_max - std::min(own->own_calls_max, own->workers_count);
  }
  shares_are_stale_ = false;
  shared_among_count_ = by_type_.size();
}

bool lanes::has_place_for(lane const& of) noexcept {
  if (shares_are_stale_ || shared_among_count_ != by_type_.size())
    share_calls();
  if (calls_count_ >= calls_max_)
    return false;
  return of.workers_count < of.own_calls_max || calls_count_ + kept_count_ < calls_max_;
}

} // namespace statefund::dispatch
