#include "dispatch/spilling.hpp"

#include "clock/deadline.hpp"
#include "dispatch/refill.hpp"
#include "error/planted.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace statefund::dispatch {

namespace asio = boost::asio;
using clock::deadline;
using mailbox::phase;
using namespace std::chrono_literals;

namespace {

// The store writes, and the memory mark is passed, without telling anybody. Where nothing could leave, ever later.
constexpr clock::steady::duration looked_again_after = 20ms;
constexpr clock::steady::duration looked_again_after_max = 1s;
// So many are looked at before the shard does something else.
constexpr std::size_t slice_count = 500;
// So many are chosen from: those with most to give.
constexpr std::size_t candidates_max = 10'000;

// Who cannot run first, then by what may leave.
bool gives_more(mailbox::spill_candidate const& one, mailbox::spill_candidate const& other) {
  if (one.can_run != other.can_run)
    return other.can_run;
  return one.tail_bytes + one.head_bytes > other.tail_bytes + other.head_bytes;
}

bool can_run(mailbox::mailbox const& own, lane const& type) {
  return (own.stands == phase::ready || own.stands == phase::in_flight) && !own.paused && !type.paused && type.callee &&
         type.not_reached_count == 0;
}

} // namespace

spilling::spilling(shard_data& data, all_has_come wait)
    : data_(data),
      all_has_come_(std::move(wait)),
      loops_(data.executor),
      looks_again_(data.executor) {}

void spilling::start() {
  if (data_.store.keeps_over_restart())
    loops_.start(run());
}

asio::awaitable<void> spilling::run() {
  auto pause = looked_again_after;
  while (!loops_.closed()) {
    if (!data_.chosen.memory.spills(held_bytes())) {
      pause = looked_again_after;
      auto const never = deadline::never();
      auto const end = co_await data_.delivered.memory_grown().wait(never);
      if (end == task::wait_end::cancelled)
        co_return;
      continue;
    }
    auto const freed_bytes = co_await make_room();
    pause = freed_bytes > 0 ? looked_again_after : std::min(pause * 2, looked_again_after_max);
    auto const goes_on = co_await wait_unless_closed(pause);
    if (!goes_on)
      co_return;
  }
}

asio::awaitable<std::uint64_t> spilling::make_room() {
  auto const sent = data_.store.ordered_so_far();
  co_await all_has_come_();
  auto const consumed = data_.store.ordered_so_far();
  while (!data_.store.is_written(consumed) && !test_only::is_planted(test_only::mistake::spill_unwritten)) {
    auto const goes_on = co_await wait_unless_closed(looked_again_after);
    if (!goes_on)
      co_return 0;
  }
  auto const found = co_await look_for_candidates();
  auto const held = static_cast<std::uint64_t>(std::max<std::int64_t>(held_bytes(), 1));
  // Every shard looks for its share of what is too much.
  auto const share = std::min(1.0, static_cast<double>(found.memory_bytes) / static_cast<double>(held));
  auto const excess_bytes = static_cast<double>(data_.chosen.memory.excess_bytes(held_bytes()));
  auto const freed_bytes = let_go(found.most, static_cast<std::uint64_t>(excess_bytes * share), sent.number());
  data_.process.buffered_bytes.fetch_sub(static_cast<std::int64_t>(freed_bytes), std::memory_order_relaxed);
  co_return freed_bytes;
}

asio::awaitable<spilling::candidates> spilling::look_for_candidates() {
  candidates found;
  auto const looks = [&](mailbox::mailbox const& own) { see(own, found); };
  mailbox::walk at;
  for (auto end = mailbox::walk_end::more; end != mailbox::walk_end::all_seen && !loops_.closed();) {
    end = data_.mailboxes.step(at, slice_count, looks);
    if (end == mailbox::walk_end::over_again)
      found = {};
    auto others = asio::post(data_.executor, asio::deferred);
    co_await std::move(others);
  }
  co_return found;
}

void spilling::see(mailbox::mailbox const& own, candidates& into) const {
  into.memory_bytes += own.memory_bytes();
  lane const& type = data_.types.open(own.self().type);
  auto const head_bytes = head_of(data_, own, type).bytes;
  mailbox::spill_candidate const part{can_run(own, type), head_bytes, own.memory_bytes() - head_bytes};
  if (part.tail_bytes == 0 && (part.can_run || part.head_bytes == 0))
    return;
  auto& most = into.most;
  most.push_back({own.self(), part});
  if (most.size() < 2 * candidates_max)
    return;
  auto const last = most.begin() + candidates_max;
  auto const before = [](auto const& left, auto const& right) { return gives_more(left.part, right.part); };
  std::nth_element(most.begin(), last, most.end(), before);
  most.erase(last, most.end());
}

std::uint64_t spilling::let_go(std::vector<candidate> const& of, std::uint64_t bytes, std::uint64_t through_number) {
  std::vector<mailbox::spill_candidate> parts;
  for (auto const& one : of)
    parts.push_back(one.part);
  std::uint64_t freed = 0;
  // Who gives less than it was thought to, for what it has is too new or was taken before, leaves it to the others.
  while (freed < bytes) {
    auto const chosen = mailbox::what_to_spill(parts, bytes - freed);
    if (chosen.empty())
      break;
    for (auto const& [index, part] : chosen) {
      parts[index] = {};
      auto* const own = data_.mailboxes.find(of[index].self);
      if (!own || own->is_read)
        continue;
      lane const& type = data_.types.open(own->self().type);
      freed += own->let_go(part == mailbox::spilled_part::whole ? 0 : head_of(data_, *own, type).count, through_number);
    }
  }
  return freed;
}

asio::awaitable<bool> spilling::wait_unless_closed(clock::steady::duration given) {
  auto const until = deadline::after(given);
  auto const end = co_await looks_again_.wait(until);
  co_return end != task::wait_end::cancelled && !loops_.closed();
}

asio::awaitable<void> spilling::close() {
  loops_.cancel();
  co_await loops_.close();
}

} // namespace statefund::dispatch
