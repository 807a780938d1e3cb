#pragma once

#include "dispatch/shard_data.hpp"
#include "mailbox/spill.hpp"
#include "message/address.hpp"
#include "task/event.hpp"
#include "task/gate.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <vector>

namespace statefund::dispatch {

// Where the store keeps messages on disk: lets tails of mailboxes leave memory before it is full, first those of
// addresses that cannot run. One shard, on its thread.
//
// A payload leaves once the store can read it back and all that was ordered before it has come to this shard: then
// nothing comes later that belongs before it or among what has left, and a mailbox knows exactly which rows it misses.
// What the shard has consumed by then is written, too, so that a mailbox that is made anew does not find it again.
class spilling {
 public:
  // Returns once all that any shard has released before has come to this one. Wakes the others' spilling.
  using all_has_come = std::function<boost::asio::awaitable<void>()>;

  spilling(shard_data& data, all_has_come wait);

  void start();
  boost::asio::awaitable<void> close();

 private:
  struct candidate {
    message::address self;
    mailbox::spill_candidate part;
  };
  // Those with most to give, as of a walk in slices.
  struct candidates {
    std::vector<candidate> most;
    std::uint64_t memory_bytes = 0; // of all mailboxes
  };

  boost::asio::awaitable<void> run();
  boost::asio::awaitable<std::uint64_t> make_room(); // in bytes
  boost::asio::awaitable<candidates> look_for_candidates();
  void see(mailbox::mailbox const& own, candidates& into) const;
  std::uint64_t let_go(std::vector<candidate> const& of, std::uint64_t bytes, std::uint64_t through_number);
  boost::asio::awaitable<bool> wait_unless_closed(clock::steady::duration given); // false: it is to end
  std::int64_t held_bytes() const noexcept { return data_.process.buffered_bytes.load(std::memory_order_relaxed); }

  shard_data& data_;
  all_has_come const all_has_come_;
  task::gate loops_;
  task::event looks_again_; // nobody tells it: a pause that can be cancelled
};

} // namespace statefund::dispatch
