#pragma once

#include "dispatch/shard_data.hpp"
#include "dispatch/watermarks.hpp"
#include "message/address.hpp"
#include "message/change.hpp"
#include "task/event.hpp"
#include "task/gate.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

namespace statefund::dispatch {

// Delayed messages that are due and go to mailboxes of this shard, wherever they were set: each shard that has set some
// aside for a mailbox tells the first of them. They come in due order, once no shard has anything left that is due
// before, and as the mailbox admits; one that takes nothing holds up no other. So a time in which nothing ran is caught
// up with. One shard, on its thread.
class overdue {
 public:
  // Has a shard send what it has set aside for `target`, in due order: so many at most, up to `through`. It answers
  // with sent(). What is said to another shard, and by it, is posted, so that it comes in the order in which it was
  // said.
  using send_from = std::function<void(std::size_t shard, message::address const& target, std::size_t count_max,
                                       message::delayed_key through)>;

  overdue(shard_data& data, watermarks& marks, send_from from)
      : data_(data),
        watermarks_(marks),
        send_from_(std::move(from)),
        loops_(data.executor) {}

  boost::asio::awaitable<void> close();

  // The mailbox has room, and nothing waits before it.
  bool admits(message::address const& target);

  // The shard has set some aside, of which `first` is due first. May be told again when it is another one.
  void has_first(std::size_t shard, message::address const& target, message::delayed_key first);
  // The shard has sent what it was asked for, and `left` is the first of what is still there; absent: nothing is.
  void sent(std::size_t shard, message::address const& target, std::optional<message::delayed_key> left);
  // Somebody keeps too much: what is due up to `through` has to go to the mailbox, room or not.
  void let_in(message::address const& target, message::delayed_key through);

  // Watermarks have moved.
  void look_again();

 private:
  struct waiting {
    explicit waiting(boost::asio::any_io_executor const& executor) : answered(executor) {}

    // The shard and its first of those that wait. Requires that there is one.
    std::pair<std::size_t const, message::delayed_key> const& first() const;

    std::map<std::size_t, message::delayed_key> first_by_shard;
    message::delayed_key let_in_through{INT64_MIN, {}};
    std::optional<message::delayed_key> stands_at; // in ahead_; absent: its loop runs
    bool asks = false;
    task::event answered;
  };
  struct step {
    std::size_t shard = 0;
    std::size_t count_max = 0; // 0: the mailbox has no room
    message::delayed_key through;
  };
  // What to ask for, where all is known that is due up to `reached_ms`.
  static step next(waiting const& own, std::int64_t reached_ms, std::size_t room);

  // But for what is yet to be posted here, and for others that are due in the same millisecond.
  std::int64_t all_is_told_through_ms(waiting const& own) const;
  void wait_for_watermarks(message::address const& target, waiting& own);
  boost::asio::awaitable<void> send_all(message::address target);
  std::size_t room_in(message::address const& target);

  shard_data& data_;
  watermarks& watermarks_;
  send_from const send_from_;
  task::gate loops_;
  std::unordered_map<message::address, waiting> by_target_;
  std::map<message::delayed_key, message::address const*> ahead_; // of watermarks, by their first
};

} // namespace statefund::dispatch
