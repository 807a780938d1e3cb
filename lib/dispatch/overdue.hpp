#pragma once

#include "dispatch/shard_data.hpp"
#include "dispatch/watermarks.hpp"
#include "message/address.hpp"
#include "message/change.hpp"
#include "task/event.hpp"
#include "task/gate.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>

namespace statefund::dispatch {

// Delayed messages that are due and wait for a mailbox of this shard, wherever they were set: each shard that has set
// some aside for it tells the first of them. They come in due order, as the mailbox admits; what one takes nothing of
// holds up no other. So a time in which nothing ran is caught up with. One shard, on its thread.
class overdue {
 public:
  // Has a shard send what it has set aside for `target`, in due order: so many at most, up to `through`. It answers
  // with sent(). What is said to another shard, and by it, is posted, so that it comes in the order in which it was
  // said.
  using send_from = std::function<void(std::size_t shard, message::address const& target, std::size_t count_max,
                                       message::delayed_key through)>;

  overdue(shard_data& data, watermarks const& alarms, send_from from)
      : data_(data),
        watermarks_(alarms),
        send_from_(std::move(from)),
        loops_(data.executor) {}

  boost::asio::awaitable<void> close();

  // The mailbox takes one that is due now, and none is before it.
  bool admits(message::address const& target);

  // The shard has set some aside, of which `first` is due first. May be told again when it is another one.
  void has_first(std::size_t shard, message::address const& target, message::delayed_key first);
  // The shard has sent what it was asked for, and `left` is the first of what is still there; absent: nothing is.
  void sent(std::size_t shard, message::address const& target, std::optional<message::delayed_key> left);
  // Somebody keeps too much: what is due up to `through` has to go to the mailbox, room or not.
  void let_in(message::address const& target, message::delayed_key through);

 private:
  struct waiting {
    explicit waiting(boost::asio::any_io_executor const& executor) : answered(executor) {}
    std::map<std::size_t, message::delayed_key> first_by_shard;
    message::delayed_key let_in_through{INT64_MIN, {}};
    bool asks = false;
    task::event answered;
  };
  struct step {
    std::size_t shard = 0;
    std::size_t count_max = 0; // 0: has to wait
    message::delayed_key through;
  };
  // Of those that wait, told of all that is due before `passed_ms`.
  static step next(waiting const& own, std::int64_t passed_ms, std::size_t room);

  boost::asio::awaitable<void> send_all(message::address target);
  std::size_t room_in(message::address const& target);

  shard_data& data_;
  watermarks const& watermarks_;
  send_from const send_from_;
  task::gate loops_;
  std::unordered_map<message::address, waiting> by_target_; // a loop each
};

} // namespace statefund::dispatch
