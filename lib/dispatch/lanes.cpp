#include "dispatch/lanes.hpp"

#include "dispatch/share.hpp"
#include "log/log.hpp"

#include <algorithm>

namespace statefund::dispatch {

namespace {
constexpr log::logger logger{"dispatch"};
} // namespace

lane* lanes::find(message::function_type const& type) {
  if (auto const known = by_type_.find(type); known != by_type_.end())
    return known->second->callee ? known->second.get() : nullptr;
  return functions_.find(type) ? &open(type) : nullptr;
}

lane& lanes::open(message::function_type const& type) {
  auto& own = by_type_[type];
  if (!own) {
    own = std::make_unique<lane>();
    own->type = type;
    own->limits.waiting_max.reset();
    own->specs = std::make_shared<message::state_specs>();
    bind(*own, functions_.find(type));
  }
  return *own;
}

void lanes::bind(lane& of, function::handle callee) {
  of.leaving_count += std::exchange(of.workers_count, 0);
  of.permits_count = 0;
  of.home = chosen_.shard;
  of.callee = std::move(callee);
  std::erase(waiting_, &of);
  if (of.callee) {
    of.limits = of.callee->call_limits();
    std::size_t const calls_max = std::max<std::size_t>(1, of.limits.concurrent_calls_max);
    if (has_home(calls_max, chosen_.shards_count))
      of.home = home_of(of.type, chosen_.shards_count);
    of.permits_count = share_of_type(of.type, calls_max, chosen_.shard, chosen_.shards_count);
    // What was learned is worth a call, and stays where the function still tells by itself.
    auto declared = of.callee->declared_states();
    bool const were_declared = std::exchange(of.specs_are_declared, declared != nullptr);
    if (declared)
      of.specs = std::move(declared);
    else if (were_declared)
      of.specs = std::make_shared<message::state_specs>();
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
    return !own.callee && own.addresses_count + own.ready.size() + own.leaving_count == 0;
  });
  for (auto const& [type, next] : std::exchange(early_, {}))
    ready(open(type), next);
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
  start_({&of, of.callee});
}

bool lanes::next(permit const& held, ready_turn& into) {
  bool const others_turn = !waiting_.empty() && (waiting_.size() > 1 || waiting_.front() != held.of);
  return !others_turn && first(held, into);
}

bool lanes::first(permit const& held, ready_turn& into) {
  lane& of = *held.of;
  if (stopped_ || of.callee != held.callee || of.ready.empty())
    return false;
  into = of.ready.front();
  of.ready.pop_front();
  return true;
}

void lanes::worker_ended(permit const& held) {
  lane& of = *held.of;
  --(of.callee == held.callee ? of.workers_count : of.leaving_count);
  --calls_count_;
  if (of.callee && !of.ready.empty() && std::find(waiting_.begin(), waiting_.end(), &of) == waiting_.end())
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
