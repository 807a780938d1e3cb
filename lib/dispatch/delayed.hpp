#pragma once

#include "dispatch/delayed_window.hpp"
#include "dispatch/shard_data.hpp"
#include "task/gate.hpp"

#include <boost/asio/awaitable.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_set>
#include <utility>

namespace statefund::dispatch {

inline constexpr std::array<double, 10> lateness_seconds_bounds{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 300};

// The third way: alarm -> store.commit(due -> mailboxes) -> mailbox.push. A due message is an ordinary send of the
// address that set it. One shard, on its thread.
//
// What its target's mailbox cannot take stays in the table, set aside, and holds up no other; as the mailbox admits, it
// is delivered in due order. So a time in which nothing ran is caught up with. Where too much is set aside, and a store
// keeps it, the mailbox has to take it all the same, in that order: its tail need not be in memory.
class delayed {
 public:
  // Waits at the door of a mailbox, wherever it is, until it has room. For how many; 0: cancelled.
  using room_for = std::function<boost::asio::awaitable<std::size_t>(message::address target)>;

  delayed(shard_data& data, room_for at_door)
      : data_(data),
        room_for_(std::move(at_door)),
        loops_(data.executor),
        window_(data) {}

  void start();
  boost::asio::awaitable<void> close();

  // Of a mailbox on this shard.
  boost::asio::awaitable<std::size_t> wait_for_room(message::address target);

  histogram<lateness_seconds_bounds.size()> const& lateness_seconds() const noexcept { return lateness_seconds_; }

 private:
  boost::asio::awaitable<void> fire_when_due();
  void take_first();
  boost::asio::awaitable<void> deliver_set_aside(message::address target);
  boost::asio::awaitable<void> deliver_as_admitted(message::address const& target);
  void fire(delayed_table::entry const& due);
  std::size_t room_in(message::address const& target);

  shard_data& data_;
  room_for const room_for_;
  task::gate loops_;
  std::unordered_set<message::address> waited_for_; // targets whose mailboxes a loop waits for
  delayed_window window_;
  histogram<lateness_seconds_bounds.size()> lateness_seconds_;
};

} // namespace statefund::dispatch
