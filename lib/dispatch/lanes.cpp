#include "dispatch/lanes.hpp"

#include "dispatch/share.hpp"

#include <algorithm>

namespace statefund::dispatch {

lane* lanes::find(message::function_type const& type) {
  if (auto const known = by_type_.find(type); known != by_type_.end())
    return known->second.get();
  auto callee = functions_.find(type);
  if (!callee)
    return nullptr;
  auto made = std::make_unique<lane>();
  made->type = type;
  made->limits = callee->call_limits();
  std::size_t const calls_max = std::max<std::size_t>(1, made->limits.concurrent_calls_max);
  made->home = has_home(calls_max, chosen_.shards_count) ? home_of(type, chosen_.shards_count) : chosen_.shard;
  made->permits_count = share_of_type(type, calls_max, chosen_.shard, chosen_.shards_count);
  made->specs = callee->declared_states() ? callee->declared_states() : std::make_shared<message::state_specs>();
  made->callee = std::move(callee);
  return by_type_.emplace(type, std::move(made)).first->second.get();
}

void lanes::ready(lane& of, ready_turn next) {
  if (of.home != chosen_.shard)
    return send_home_(of.home, of.type, next);
  of.ready.push_back(next);
  start_workers(of);
}

void lanes::start_workers(lane& of) {
  if (stopped_ || of.ready.empty() || of.workers_count >= of.permits_count)
    return;
  if (calls_count_ >= calls_max_) {
    if (std::find(waiting_.begin(), waiting_.end(), &of) == waiting_.end())
      waiting_.push_back(&of);
    return;
  }
  ++of.workers_count;
  ++calls_count_;
  start_(of);
}

bool lanes::next(lane& of, ready_turn& into) {
  bool const others_turn = !waiting_.empty() && (waiting_.size() > 1 || waiting_.front() != &of);
  return !others_turn && first(of, into);
}

bool lanes::first(lane& of, ready_turn& into) {
  if (stopped_ || of.ready.empty())
    return false;
  into = of.ready.front();
  of.ready.pop_front();
  return true;
}

void lanes::worker_ended(lane& of) {
  --of.workers_count;
  --calls_count_;
  if (!of.ready.empty() && std::find(waiting_.begin(), waiting_.end(), &of) == waiting_.end())
    waiting_.push_back(&of);
  // A lane that has nothing ready any more leaves the place to the one behind it.
  while (!stopped_ && !waiting_.empty() && calls_count_ < calls_max_) {
    lane* const foremost = waiting_.front();
    waiting_.pop_front();
    start_workers(*foremost);
    // One worker was started: what it cannot take waits for the next place.
    if (foremost->ready.size() > 1 && foremost->workers_count < foremost->permits_count)
      waiting_.push_back(foremost);
  }
}

} // namespace statefund::dispatch
