#pragma once

#include "clock/deadline.hpp"
#include "message/address.hpp"
#include "task/event.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <list>
#include <unordered_map>

namespace statefund::dispatch {

// Who waits before a mailbox, address by address, first come first served: admissions for one target keep their order
// even where one of them has to wait (for room, or for a look-up of its idempotency key). One shard, its thread.
class door_queue {
 public:
  explicit door_queue(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

  bool is_occupied(message::address const& target) const { return by_address_.contains(target); }
  std::size_t count() const noexcept { return by_address_.size(); }

  // A place in the queue of one address, left by destruction. On the stack of the coroutine that waits.
  class place {
   public:
    place(door_queue& queue, message::address target);
    ~place();
    place(place const&) = delete;
    place& operator=(place const&) = delete;

    message::address const& target() const noexcept { return target_; }

    // Returns notified as soon as nobody is before this one.
    boost::asio::awaitable<task::wait_end> first(clock::deadline until);
    // Requires to be first. Returns notified when the mailbox may have room (look again).
    boost::asio::awaitable<task::wait_end> room(clock::deadline until);

   private:
    friend class door_queue;
    bool is_first() const;

    door_queue& queue_;
    message::address target_;
    task::event changed_;
    std::list<place*>::iterator position_;
  };

  // A mailbox has room again.
  void room_in(message::address const& target);
  // The daemon has room again, or stops: everybody looks again.
  void look_again();

 private:
  boost::asio::any_io_executor executor_;
  std::unordered_map<message::address, std::list<place*>> by_address_;
};

} // namespace statefund::dispatch
