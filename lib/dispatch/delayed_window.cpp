#include "dispatch/delayed_window.hpp"

#include "clock/clock.hpp"
#include "clock/deadline.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace statefund::dispatch {

namespace asio = boost::asio;
using clock::deadline;
using namespace std::chrono_literals;

namespace {

// The edge is of the wall clock, which may be set.
constexpr std::chrono::milliseconds looks_at_clock_every = 5s;
// Of one read, after which others get their turn.
constexpr std::size_t rows_max = 256;
constexpr std::uint64_t rows_bytes_max = 1U << 20U;

} // namespace

void delayed_window::start() {
  if (data_.delayed.holds_all())
    return;
  loops_.start(load_ahead());
  loops_.start(let_go_when_written());
}

asio::awaitable<void> delayed_window::load_ahead() {
  auto const ahead = data_.chosen.delayed_window;
  while (!loops_.closed()) {
    auto const now_ms = clock::unix_ms();
    if (data_.delayed.wants_more(now_ms + ahead.count() / 2)) {
      bool const goes_on = co_await load(now_ms + ahead.count());
      if (!goes_on)
        co_return;
      continue;
    }
    auto const left = std::chrono::milliseconds(data_.delayed.loaded_through().due_ms - now_ms) - ahead / 2;
    // Where too much is here already, it is told when there is room.
    auto const next_look =
        deadline::after(left < 0ms ? looks_at_clock_every : std::min(left + 1ms, looks_at_clock_every));
    auto const end = co_await data_.delivered.alarm_changed().wait(next_look);
    if (end == task::wait_end::cancelled)
      co_return;
  }
}

asio::awaitable<bool> delayed_window::load(std::int64_t due_ms) {
  auto& table = data_.delayed;
  auto const from = table.loaded_through();
  table.move_edge(due_ms);
  auto const shards_count = static_cast<std::uint32_t>(data_.place.shards_count);
  for (auto partition = static_cast<std::uint32_t>(data_.place.shard); partition < data_.place.partition_count;
       partition += shards_count) {
    auto after = from;
    for (bool all_seen = false; !all_seen;) {
      removed_rows::read const looked_at(table.removed());
      auto const edge = table.edge();
      auto rows = co_await data_.store.read_delayed(partition, after, edge, rows_max, rows_bytes_max);
      if (!rows) {
        data_.store_lost(rows.error());
        co_return false;
      }
      for (auto& one : *rows) {
        after = one.row();
        table.load({one.key, std::move(one.owner), std::move(one.set)});
      }
      table.let_go();
      all_seen = rows->empty();
      if (all_seen)
        continue;
      auto others = asio::post(data_.executor, asio::deferred);
      co_await std::move(others);
      if (loops_.closed())
        co_return false;
    }
  }
  table.all_loaded();
  data_.delivered.alarm_changed().notify_all();
  co_return true;
}

asio::awaitable<void> delayed_window::let_go_when_written() {
  while (!loops_.closed()) {
    auto const newest = data_.delayed.newest_beyond();
    if (!newest) {
      auto const never = deadline::never();
      auto const end = co_await data_.delivered.alarm_changed().wait(never);
      if (end == task::wait_end::cancelled)
        co_return;
      continue;
    }
    auto const written = co_await data_.store.durable(*newest);
    if (!written) {
      data_.store_lost(written.error());
      co_return;
    }
    data_.delayed.let_go();
  }
}

asio::awaitable<void> delayed_window::close() {
  loops_.cancel();
  co_await loops_.close();
}

} // namespace statefund::dispatch
