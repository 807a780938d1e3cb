#include "dispatch/delayed.hpp"

#include "clock/deadline.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>

namespace statefund::dispatch {

namespace asio = boost::asio;
using clock::deadline;
using namespace std::chrono_literals;

namespace {

// Due times are of the wall clock, timers are steady: after a jump the difference is found by looking again.
constexpr auto looks_at_clock_every = 5s;
// So many fire before others get their turn.
constexpr int fired_in_a_row_max = 256;

deadline next_look(std::optional<std::int64_t> due_ms) {
  if (!due_ms)
    return deadline::never();
  auto const left = std::chrono::milliseconds(std::max<std::int64_t>(0, *due_ms - clock::unix_ms()));
  return deadline::after(std::min<clock::steady::duration>(left, looks_at_clock_every));
}

} // namespace

asio::awaitable<void> delayed::fire_when_due() {
  for (;;) {
    auto const due_ms = data_.delayed.earliest_due_ms();
    if (!due_ms || *due_ms > clock::unix_ms()) {
      auto const look_at = next_look(due_ms);
      auto const end = co_await data_.delivered.alarm_changed().wait(look_at);
      if (end == task::wait_end::cancelled)
        co_return;
      continue;
    }
    auto const now_ms = clock::unix_ms();
    for (int i = 0; i < fired_in_a_row_max && data_.delayed.count() > 0 && *data_.delayed.earliest_due_ms() <= now_ms;
         ++i)
      fire_first(now_ms);
    auto others = asio::post(data_.executor, asio::deferred);
    co_await std::move(others);
    if (loops_.closed())
      co_return;
  }
}

void delayed::fire_first(std::int64_t now_ms) {
  auto const& due = data_.delayed.front();
  lateness_seconds_.add(static_cast<double>(now_ms - due.set.due_ms) / 1000, lateness_seconds_bounds);
  message::change whole;
  whole.self = due.owner;
  whole.delayed_gone.push_back(due.key);
  whole.messages.push_back(due.set.message);
  auto const ordered = data_.store.commit(whole);
  data_.delivered.release(whole, ordered);
}

asio::awaitable<void> delayed::close() {
  loops_.cancel();
  co_await loops_.close();
}

} // namespace statefund::dispatch
