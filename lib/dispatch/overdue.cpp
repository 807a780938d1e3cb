#include "dispatch/overdue.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>

namespace statefund::dispatch {

namespace asio = boost::asio;
using clock::deadline;

namespace {

// So many come before others get their turn.
constexpr std::size_t sent_in_a_row_max = 256;

} // namespace

bool overdue::admits(message::address const& target) {
  return !by_target_.contains(target) && room_in(target) > 0;
}

void overdue::has_first(std::size_t shard, message::address const& target, message::delayed_key first) {
  if (loops_.closed())
    return;
  auto const [found, is_new] = by_target_.try_emplace(target, data_.executor);
  found->second.first_by_shard.insert_or_assign(shard, first);
  if (is_new)
    loops_.start(send_all(target));
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

asio::awaitable<void> overdue::send_all(message::address target) {
  auto& own = by_target_.at(target);
  door_queue::place door(data_.overdue_doors, target);
  for (;;) {
    auto const passed_ms = watermarks_.lowest_ms();
    auto behind = asio::post(data_.executor, asio::deferred); // what was told, and sent, before
    co_await std::move(behind);
    if (loops_.closed())
      co_return;
    if (own.first_by_shard.empty())
      break;
    auto const [shard, count_max, through] = next(own, passed_ms, room_in(target));
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

overdue::step overdue::next(waiting const& own, std::int64_t passed_ms, std::size_t room) {
  auto const is_earlier = [](auto const& a, auto const& b) { return a.second < b.second; };
  auto const first = std::min_element(own.first_by_shard.begin(), own.first_by_shard.end(), is_earlier);
  message::delayed_key through{passed_ms, {}};
  for (auto const& other : own.first_by_shard)
    if (other.first != first->first)
      through = std::min(through, other.second);
  through = std::max(through, first->second);
  if (room > 0)
    return {first->first, room, through};
  bool const is_let_in = first->second <= own.let_in_through;
  return {first->first, is_let_in ? sent_in_a_row_max : 0, std::min(through, own.let_in_through)};
}

std::size_t overdue::room_in(message::address const& target) {
  lane const& type = data_.types.open(target.type);
  if (type.unbound_is_full)
    return 0;
  auto const* const box = data_.mailboxes.find(target);
  if (box && box->is_shut())
    return 0;
  mailbox::marks const levels{type.limits.waiting_max};
  return std::min(levels.room(box ? box->waiting_count() : 0), sent_in_a_row_max);
}

asio::awaitable<void> overdue::close() {
  loops_.cancel();
  co_await loops_.close();
}

} // namespace statefund::dispatch
