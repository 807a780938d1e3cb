#include "dispatch/delayed.hpp"

#include "clock/deadline.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace statefund::dispatch {

namespace asio = boost::asio;
using clock::deadline;
using namespace std::chrono_literals;

namespace {

// Due times are of the wall clock, timers are steady: after a jump the difference is found by looking again.
constexpr auto looks_at_clock_every = 5s;
// While the store is behind: it does not tell when it has synced.
constexpr auto sync_looked_at_every = 20ms;
// So many before others get their turn.
constexpr int taken_in_a_row_max = 256;

deadline at(std::optional<std::int64_t> due_ms, std::int64_t now_ms) {
  if (!due_ms)
    return deadline::never();
  // In milliseconds, which hold any time; nanoseconds hold three centuries.
  return deadline::after(
      std::min<std::chrono::milliseconds>(std::chrono::milliseconds(*due_ms - now_ms), looks_at_clock_every));
}

} // namespace

void delayed::start() {
  window_.start();
  loops_.start(fire_when_due());
}

asio::awaitable<void> delayed::fire_when_due() {
  auto const own = data_.place.shard;
  while (!loops_.closed()) {
    watermarks_.raise(own, data_.delayed.none_due_before_ms(), links_.reached);
    if (auto const look_at = next_look()) {
      auto const end = co_await data_.delivered.alarm_changed().wait(*look_at);
      if (end == task::wait_end::cancelled)
        co_return;
      continue;
    }
    auto now_ms = clock::unix_ms();
    auto const others_ms = watermarks_.lowest_of_others_ms(own);
    auto behind = asio::post(data_.executor, asio::deferred); // what others have told of what is due before
    co_await std::move(behind);
    if (loops_.closed())
      co_return;
    now_ms = std::min(now_ms, clock::unix_ms()); // it may have been set back
    for (int i = 0; i < taken_in_a_row_max && data_.delayed.earliest_due_ms().value_or(INT64_MAX) <= now_ms &&
                    !data_.delayed.set_aside_is_full();
         ++i)
      take_first(others_ms);
    data_.delivered.alarm_changed().notify_all(); // the window has room
  }
}

// Absent: some can be taken.
std::optional<deadline> delayed::next_look() {
  auto const due_ms = data_.delayed.earliest_due_ms();
  auto const now_ms = clock::unix_ms();
  if (!due_ms || *due_ms > now_ms) {
    watermarks_.took(data_.place.shard, std::min(now_ms, data_.delayed.none_due_before_ms()));
    return at(due_ms, now_ms);
  }
  if (data_.sync.turns_wait())
    return deadline::after(sync_looked_at_every);
  if (!data_.delayed.set_aside_is_full())
    return std::nullopt;
  auto const& one = data_.delayed.first_set_aside();
  if (std::exchange(let_in_, one.row()) != one.row())
    links_.let_in(one.set.message.target, one.row());
  return deadline::never(); // a change that removes it changes the alarm
}

void delayed::take_first(std::int64_t others_ms) {
  auto const& due = data_.delayed.front();
  auto const& target = due.set.message.target;
  watermarks_.took(data_.place.shard, due.set.due_ms);
  bool const is_here = data_.delivered.shard_of(target) == data_.place.shard;
  if (is_here && due.set.due_ms <= others_ms && here_.admits(target))
    return fire(due);
  data_.delayed.set_aside_front();
  if (data_.delayed.first_for(target) == &due)
    links_.has_first(target, due.row());
}

std::optional<message::delayed_key> delayed::send(message::address const& target, std::size_t count_max,
                                                  message::delayed_key through) {
  auto const* first = data_.delayed.first_for(target);
  for (; count_max > 0 && first && first->row() <= through; --count_max) {
    fire(*first);
    first = data_.delayed.first_for(target);
  }
  data_.delivered.flush();
  return first ? std::optional(first->row()) : std::nullopt;
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

asio::awaitable<void> delayed::close() {
  loops_.cancel();
  co_await loops_.close();
  co_await window_.close();
}

} // namespace statefund::dispatch
