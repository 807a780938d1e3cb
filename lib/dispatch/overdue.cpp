#include "dispatch/overdue.hpp"

#include "clock/deadline.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>

namespace statefund::dispatch {

namespace asio = boost::asio;
using clock::deadline;

namespace {

// So many before others get their turn.
constexpr std::size_t in_a_row_max = 256;

} // namespace

std::pair<std::size_t const, message::delayed_key> const& overdue::waiting::first() const {
  auto const is_earlier = [](auto const& a, auto const& b) { return a.second < b.second; };
  return *std::min_element(first_by_shard.begin(), first_by_shard.end(), is_earlier);
}

bool overdue::admits(message::address const& target) {
  return !by_target_.contains(target) && room_in(target) > 0;
}

void overdue::has_first(std::size_t shard, message::address const& target, message::delayed_key first) {
  if (loops_.closed())
    return;
  auto const [found, is_new] = by_target_.try_emplace(target, data_.executor);
  auto& own = found->second;
  own.first_by_shard.insert_or_assign(shard, first);
  if (is_new || own.stands_at)
    wait_for_watermarks(found->first, own);
}

void overdue::sent(std::size_t shard, message::address const& target, std::optional<message::delayed_key> left) {
  auto& own = by_target_.at(target);
  if (left)
    own.first_by_shard.insert_or_assign(shard, *left);
  else
    own.first_by_shard.erase(shard);
  own.asks = false;
  own.answered.notify_all();
}

void overdue::let_in(message::address const& target, message::delayed_key through) {
  auto const found = by_target_.find(target);
  if (found == by_target_.end())
    return;
  found->second.let_in_through = std::max(found->second.let_in_through, through);
  data_.overdue_doors.room_in(target);
}

void overdue::wait_for_watermarks(message::address const& target, waiting& own) {
  if (own.stands_at)
    ahead_.erase(*own.stands_at);
  own.stands_at = own.first().second;
  ahead_.emplace(*own.stands_at, &target);
  look_again();
}

void overdue::look_again() {
  for (std::size_t i = 0; !loops_.closed() && !ahead_.empty(); ++i) {
    if (!watermarks_.reached_or_asks(data_.place.shard, ahead_.begin()->first.due_ms))
      return;
    if (i == in_a_row_max) {
      asio::post(data_.executor, [this] { look_again(); });
      return;
    }
    message::address const& target = *ahead_.begin()->second;
    ahead_.erase(ahead_.begin());
    by_target_.at(target).stands_at.reset();
    loops_.start(send_all(target));
  }
}

asio::awaitable<void> overdue::send_all(message::address target) {
  auto& [key, own] = *by_target_.find(target);
  door_queue::place door(data_.overdue_doors, target);
  for (;;) {
    auto const reached_ms = all_is_told_through_ms(own);
    auto behind = asio::post(data_.executor, asio::deferred); // what was told, and sent, before
    co_await std::move(behind);
    if (loops_.closed())
      co_return;
    if (own.first_by_shard.empty())
      break;
    if (own.first().second.due_ms > reached_ms) {
      wait_for_watermarks(key, own);
      co_return;
    }
    auto const [shard, count_max, through] = next(own, reached_ms, room_in(target));
    if (count_max == 0) {
      auto const never = deadline::never();
      auto const looked = co_await door.room(never);
      if (looked == task::wait_end::cancelled)
        co_return;
      continue;
    }
    own.asks = true;
    send_from_(shard, target, count_max, through);
    while (own.asks) {
      auto const never = deadline::never();
      auto const end = co_await own.answered.wait(never);
      if (end == task::wait_end::cancelled)
        co_return;
    }
  }
  by_target_.erase(target);
}

std::int64_t overdue::all_is_told_through_ms(waiting const& own) const {
  // Looked at first: what is set from now on is not due before. Where the clock was set back, what waits does not wait
  // for it.
  auto const now_ms = clock::unix_ms();
  auto const known_ms = own.first_by_shard.empty() ? now_ms : std::max(now_ms, own.first().second.due_ms);
  return std::min(known_ms, watermarks_.lowest_ms());
}

overdue::step overdue::next(waiting const& own, std::int64_t reached_ms, std::size_t room) {
  auto const& [shard, first] = own.first();
  message::delayed_key through{reached_ms, {UINT64_MAX, UINT32_MAX}};
  for (auto const& [other, its_first] : own.first_by_shard)
    if (other != shard)
      through = std::min(through, its_first);
  if (room > 0)
    return {shard, room, through};
  return {shard, first <= own.let_in_through ? in_a_row_max : 0, std::min(through, own.let_in_through)};
}

std::size_t overdue::room_in(message::address const& target) {
  lane const& type = data_.types.open(target.type);
  if (type.unbound_is_full)
    return 0;
  auto const* const box = data_.mailboxes.find(target);
  if (box && box->is_shut())
    return 0;
  mailbox::marks const levels{type.limits.waiting_max};
  return std::min(levels.room(box ? box->waiting_count() : 0), in_a_row_max);
}

asio::awaitable<void> overdue::close() {
  loops_.cancel();
  co_await loops_.close();
}

} // namespace statefund::dispatch
