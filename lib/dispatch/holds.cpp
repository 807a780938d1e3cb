// What turn_loop does about changes that have no room: in an egress, in memory, on the disk, or at an egress or a
// type that nobody declares; and about turns that wait for the store.

#include "clock/deadline.hpp"
#include "dispatch/disk_balance.hpp"
#include "dispatch/turn_loop.hpp"
#include "error/planted.hpp"
#include "log/log.hpp"

#include <chrono>
#include <utility>
#include <vector>

namespace statefund::dispatch {

namespace asio = boost::asio;
using clock::deadline;
using mailbox::phase;

namespace {

constexpr log::logger logger{"dispatch"};

std::uint64_t bytes_of(message::batch const& taken) {
  std::uint64_t bytes = 0;
  for (auto const& one : taken)
    bytes += message::buffered_bytes(one);
  return bytes;
}

void tell_held(message::address const& self, mailbox::held_for const& what) {
  if (std::holds_alternative<mailbox::egress_room>(what))
    logger.warning({number::egress_held, "an egress queue is full; addresses that write to it wait until it is read"},
                   {{"egress", to_text(std::get<mailbox::egress_room>(what).egress)}, {"address", to_text(self)}});
  else if (std::holds_alternative<mailbox::another_egress>(what))
    logger.warning(
        {number::another_egress_held,
         "there are limits.egress_queues_max egresses; who writes to another one that no module declares waits"},
        {{"address", to_text(self)}});
  else if (std::holds_alternative<mailbox::memory_room>(what))
    logger.warning({number::memory_held, "functions send more than is consumed; who adds to it waits for memory"},
                   {{"address", to_text(self)}});
  else if (std::holds_alternative<mailbox::disk_room>(what))
    logger.warning({number::disk_held, "the disk is almost full; functions that add to what it keeps wait for room"},
                   {{"address", to_text(self)}});
  else
    logger.warning(
        {number::unbound_held, "much waits for a type that no module declares; who sends to it waits"},
        {{"function_type", to_text(std::get<mailbox::unbound_room>(what).type)}, {"address", to_text(self)}});
}

// The memory mark sinks, the disk gets room, and the store syncs, without telling anybody: who waits looks again.
constexpr auto room_looked_for_every = std::chrono::milliseconds(20);

} // namespace

std::optional<mailbox::held_for> turn_loop::full_egress(mailbox::mailbox const& own) const {
  for (auto const& egress : own.last_egresses)
    if (auto const account = data_.store.find_account(egress);
        account && data_.chosen.egress_queue.is_full(account->bytes.load()))
      return mailbox::egress_room{egress};
  return std::nullopt;
}

std::optional<mailbox::held_for> turn_loop::egress_without_room(message::change const& whole) const {
  std::vector<message::egress_id const*> others;
  for (auto const* egress : message::egresses_of(whole.egress_records)) {
    auto const account = data_.store.find_account(*egress);
    if (account && data_.chosen.egress_queue.is_full(account->bytes.load()))
      return mailbox::egress_room{*egress};
    if (!account && !data_.declared->is_declared_egress(*egress))
      others.push_back(egress);
  }
  if (others.empty())
    return std::nullopt;
  auto const there_are = data_.store.accounts_count();
  // Another shard's change may have made one since it was looked for, and it may be the last.
  std::erase_if(others, [&](auto const* egress) { return data_.store.find_account(*egress) != nullptr; });
  if (!others.empty() && there_are + others.size() > data_.chosen.egress_queues_max)
    return mailbox::another_egress{};
  return std::nullopt;
}

std::optional<mailbox::held_for> turn_loop::what_has_no_room(message::change const& whole, message::batch const& taken,
                                                             message::state_values const& carried) const {
  if (auto egress = egress_without_room(whole))
    return egress;
  if (!full_unbound_.empty())
    for (auto const& one : whole.messages)
      if (full_unbound_.contains({one.target.type, data_.delivered.shard_of(one.target)}))
        return mailbox::unbound_room{one.target.type};
  if (has_no_memory(whole, taken))
    return mailbox::memory_room{};
  if (auto const lack = data_.store.lacks_space()) {
    auto const balance = balance_of(whole, taken, carried);
    if (lack->holds(balance.added_bytes, balance.removed_bytes) &&
        !test_only::is_planted(test_only::mistake::disk_filled))
      return mailbox::disk_room{};
  }
  return std::nullopt;
}

bool turn_loop::has_no_memory(message::change const& whole, message::batch const& taken) const {
  auto const held_bytes = data_.process.buffered_bytes.load(std::memory_order_relaxed);
  if (!data_.chosen.memory.is_full(held_bytes))
    return false;
  std::uint64_t added = 0;
  std::uint64_t removed = bytes_of(taken);
  for (auto const& one : whole.messages)
    added += message::buffered_bytes(one);
  for (auto const& one : whole.delayed_set)
    added += delayed_table::bytes_of(whole.self, one);
  for (auto const& one : whole.delayed_gone)
    removed += data_.delayed.bytes_of(one.row.key);
  return data_.chosen.memory.holds(held_bytes, added, removed);
}

std::vector<std::pair<mailbox::held_for, std::size_t>> turn_loop::held_counts() const {
  std::vector<std::pair<mailbox::held_for, std::size_t>> counts;
  counts.reserve(held_.size());
  for (auto const& [what, waiting] : held_)
    counts.emplace_back(what, waiting.size());
  return counts;
}

void turn_loop::hold(mailbox::mailbox& own, lane& type, message::batch taken, mailbox::held_for const& what) {
  if (!taken.empty())
    give_back(own, type, std::move(taken));
  own.stands = phase::held;
  own.waits_for = what;
  if (auto const* const full = std::get_if<mailbox::egress_room>(&what))
    own.last_egresses = {full->egress};
  ++type.held_count;
  auto& waiting = held_[what];
  if (waiting.empty())
    tell_held(own.self(), what);
  waiting.push_back(&own);
  if (waits_for_room())
    room_wanted_.notify_all();
}

void turn_loop::wake_first_held(mailbox::held_for const& what) {
  auto const waiting = held_.find(what);
  auto& own = *waiting->second.front();
  waiting->second.pop_front();
  if (waiting->second.empty())
    held_.erase(waiting);
  lane& type = data_.types.open(own.self().type);
  --type.held_count;
  own.waits_for.reset();
  becomes_ready(own, type);
}

void turn_loop::wake_held(mailbox::held_for const& what) {
  auto const found = held_.find(what);
  for (auto left = found == held_.end() ? 0 : found->second.size(); left > 0; --left)
    wake_first_held(what);
}

void turn_loop::egress_has_room(message::egress_id const& egress) {
  wake_held(mailbox::egress_room{egress});
}

void turn_loop::unbound_is_full(message::function_type const& type, std::size_t on_shard) {
  full_unbound_.emplace(type, on_shard);
}

void turn_loop::unbound_has_room(message::function_type const& type, std::size_t on_shard) {
  full_unbound_.erase({type, on_shard});
  wake_held(mailbox::unbound_room{type});
}

void turn_loop::room_looked_at_again() {
  wake_held(mailbox::memory_room{});
  wake_held(mailbox::disk_room{});
  wake_held(mailbox::another_egress{});
}

bool turn_loop::waits_for_room() const {
  return held_.contains(mailbox::memory_room{}) || held_.contains(mailbox::disk_room{});
}

asio::awaitable<void> turn_loop::look_for_room() {
  while (!closed_) {
    while (!waits_for_room() && !data_.types.is_held_up()) {
      auto const never = deadline::never();
      auto const end = co_await room_wanted_.wait(never);
      if (end == task::wait_end::cancelled)
        co_return;
    }
    auto const next_look = deadline::after(room_looked_for_every);
    auto const slept = co_await looks_again_.wait(next_look);
    if (slept == task::wait_end::cancelled)
      co_return;
    auto const held_bytes = data_.process.buffered_bytes.load(std::memory_order_relaxed);
    if (data_.chosen.memory.has_room_again(held_bytes))
      wake_held(mailbox::memory_room{});
    else if (!data_.chosen.memory.is_full(held_bytes) && held_.contains(mailbox::memory_room{}))
      wake_first_held(mailbox::memory_room{}); // what is held may be all that is there: it must not wait for itself
    if (!data_.store.lacks_space())
      wake_held(mailbox::disk_room{});
    if (data_.types.is_held_up() && !data_.sync.turns_wait())
      data_.types.go_on();
  }
}

bool turn_loop::may_start_turn() {
  if (!data_.sync.turns_wait())
    return true;
  data_.types.hold_up();
  room_wanted_.notify_all();
  return false;
}

} // namespace statefund::dispatch
