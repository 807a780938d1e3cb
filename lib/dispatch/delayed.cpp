#include "dispatch/delayed.hpp"

#include "clock/deadline.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace statefund::dispatch {

namespace asio = boost::asio;
using clock::deadline;
using namespace std::chrono_literals;

namespace {

// Due times are of the wall clock, timers are steady: after a jump the difference is found by looking again.
constexpr auto looks_at_clock_every = 5s;
// While the store is behind: it does not tell when it has synced.
constexpr auto sync_looked_at_every = 20ms;
// So many fire before others get their turn.
constexpr int fired_in_a_row_max = 256;

deadline next_look(std::optional<std::int64_t> due_ms) {
  if (!due_ms)
    return deadline::never();
  auto const left = std::chrono::milliseconds(std::max<std::int64_t>(0, *due_ms - clock::unix_ms()));
  return deadline::after(std::min<clock::steady::duration>(left, looks_at_clock_every));
}

} // namespace

void delayed::start() {
  window_.start();
  loops_.start(fire_when_due());
}

asio::awaitable<void> delayed::fire_when_due() {
  while (!loops_.closed()) { // which may come in the moment in which something is due
    auto const due_ms = data_.delayed.earliest_due_ms();
    if (!due_ms || *due_ms > clock::unix_ms()) {
      auto const look_at = next_look(due_ms);
      auto const end = co_await data_.delivered.alarm_changed().wait(look_at);
      if (end == task::wait_end::cancelled)
        co_return;
      continue;
    }
    if (data_.sync.turns_wait()) {
      auto const look_at = deadline::after(sync_looked_at_every);
      auto const end = co_await data_.delivered.alarm_changed().wait(look_at);
      if (end == task::wait_end::cancelled)
        co_return;
      continue;
    }
    auto const now_ms = clock::unix_ms();
    for (int i = 0; i < fired_in_a_row_max && data_.delayed.earliest_due_ms().value_or(INT64_MAX) <= now_ms; ++i)
      take_first();
    data_.delivered.alarm_changed().notify_all(); // the window has room
    auto others = asio::post(data_.executor, asio::deferred);
    co_await std::move(others);
  }
}

void delayed::take_first() {
  auto const& due = data_.delayed.front();
  auto const target = due.set.message.target;
  bool const others_wait = data_.delayed.has_set_aside(target);
  bool const is_here = data_.delivered.shard_of(target) == data_.place.shard;
  if (!others_wait && is_here && room_in(target) > 0)
    return fire(due);
  if (data_.delayed.set_aside_is_full()) {
    if (!others_wait)
      return fire(due);
    fire(*data_.delayed.first_for(target));
  }
  data_.delayed.set_aside_front();
  if (waited_for_.insert(target).second)
    loops_.start(deliver_set_aside(target));
}

asio::awaitable<void> delayed::deliver_set_aside(message::address target) {
  co_await deliver_as_admitted(target);
  waited_for_.erase(target);
}

asio::awaitable<void> delayed::deliver_as_admitted(message::address const& target) {
  while (data_.delayed.has_set_aside(target)) {
    auto left = co_await room_for_(target);
    if (left == 0 || loops_.closed())
      co_return;
    for (; left > 0 && data_.delayed.has_set_aside(target); --left)
      fire(*data_.delayed.first_for(target));
  }
}

void delayed::fire(delayed_table::entry const& due) {
  lateness_seconds_.add(static_cast<double>(clock::unix_ms() - due.set.due_ms) / 1000, lateness_seconds_bounds);
  message::change whole;
  whole.self = due.owner;
  whole.delayed_gone.push_back({{due.set.due_ms, due.key}, due.set.cancellation_token});
  whole.messages.push_back(due.set.message);
  auto const ordered = data_.store.commit(whole);
  data_.delivered.release(whole, ordered);
}

std::size_t delayed::room_in(message::address const& target) {
  lane const& type = data_.types.open(target.type);
  if (type.unbound_is_full)
    return 0;
  auto const* const box = data_.mailboxes.find(target);
  if (box && box->is_shut())
    return 0;
  mailbox::marks const levels{type.limits.waiting_max};
  return std::min<std::size_t>(levels.room(box ? box->waiting_count() : 0), fired_in_a_row_max);
}

asio::awaitable<std::size_t> delayed::wait_for_room(message::address target) {
  auto const never = deadline::never();
  door_queue::place place(data_.overdue_doors, target);
  auto const came_first = co_await place.first(never);
  auto looked = came_first;
  while (looked != task::wait_end::cancelled) {
    if (auto const room = room_in(target); room > 0)
      co_return room;
    looked = co_await place.room(never);
  }
  co_return 0;
}

asio::awaitable<void> delayed::close() {
  loops_.cancel();
  co_await loops_.close();
  co_await window_.close();
}

} // namespace statefund::dispatch
