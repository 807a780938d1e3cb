#pragma once

#include "clock/deadline.hpp"
#include "dispatch/delayed_window.hpp"
#include "dispatch/overdue.hpp"
#include "dispatch/shard_data.hpp"
#include "dispatch/watermarks.hpp"
#include "task/gate.hpp"

#include <boost/asio/awaitable.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <utility>

namespace statefund::dispatch {

inline constexpr std::array<double, 10> lateness_seconds_bounds{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 300};

// The third way: alarm -> store.commit(due -> mailboxes) -> mailbox.push. A due message is an ordinary send of the
// address that set it. One shard, on its thread.
//
// What goes to another shard, or not at once, stays in the table, set aside, and `overdue` of the target's shard asks
// for it. Where too much is set aside, and a store keeps it, mailboxes have to take it, room or not: their tails need
// not be in memory.
class delayed {
 public:
  // What the shard of the target is told (overdue), and one that has waited for watermarks. To another one it is
  // posted.
  struct links {
    std::function<void(message::address const& target, message::delayed_key first)> has_first;
    std::function<void(message::address const& target, message::delayed_key through)> let_in;
    std::function<void(std::size_t shard)> reached;
  };

  delayed(shard_data& data, watermarks& marks, overdue& here, links others)
      : data_(data),
        watermarks_(marks),
        here_(here),
        links_(std::move(others)),
        loops_(data.executor),
        window_(data) {}

  void start();
  boost::asio::awaitable<void> close();

  bool closed() const noexcept { return loops_.closed(); }
  // overdue::send_from; the first of what is left. What is set aside is sent while the store is behind, too: it is no
  // more than the window may hold.
  std::optional<message::delayed_key> send(message::address const& target, std::size_t count_max,
                                           message::delayed_key through);

  histogram<lateness_seconds_bounds.size()> const& lateness_seconds() const noexcept { return lateness_seconds_; }

 private:
  boost::asio::awaitable<void> fire_when_due();
  std::optional<clock::deadline> next_look();
  void take_first(std::int64_t others_ms);
  void fire(delayed_table::entry const& due);

  shard_data& data_;
  watermarks& watermarks_;
  overdue& here_;
  links const links_;
  task::gate loops_;
  delayed_window window_;
  message::delayed_key let_in_; // the last that had to be
  histogram<lateness_seconds_bounds.size()> lateness_seconds_;
};

} // namespace statefund::dispatch
