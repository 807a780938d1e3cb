#pragma once

#include "dispatch/delayed_table.hpp"
#include "dispatch/lanes.hpp"
#include "dispatch/totals.hpp"
#include "dispatch/watermarks.hpp"
#include "mailbox/mailboxes.hpp"
#include "mailbox/memory_mark.hpp"
#include "message/change.hpp"
#include "store/store.hpp"
#include "task/event.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <functional>
#include <set>
#include <vector>

namespace statefund::dispatch {

// A message on its way into a mailbox: ordered, and with its key.
struct ordered_message {
  message::entry_key key;
  message::envelope envelope;
};

// These egresses have got records that may be shown once the ticket is durable.
struct departing {
  std::set<message::egress_id> egresses;
  store::ticket ordered;
};

// Where a committed change's messages go: into this shard's mailboxes and its table of delayed messages, to other
// shards, and into the list of what departs. Called right after commit, in the same step. One shard, its thread.
class delivery {
 public:
  // Values are posted to another shard in batches: once for all that one step of this shard's loop has released.
  using send_to_shard = std::function<void(std::size_t shard, std::vector<ordered_message>)>;

  // As many bytes wait on this shard, for a type that no module declares, as may: to be told to every shard.
  using unbound_is_full = std::function<void(message::function_type const&)>;

  struct place {
    std::size_t shard = 0;
    std::size_t shards_count = 1;
    std::uint32_t partition_count = 256;
  };
  struct links {
    send_to_shard send;
    unbound_is_full tell_full;
  };

  delivery(place const& own, boost::asio::any_io_executor executor, mailbox::mailboxes& mailboxes, lanes& types,
           delayed_table& delayed, watermarks& marks, totals& counts, mailbox::memory_mark const& memory,
           std::uint64_t unbound_bytes_max, links others);

  std::size_t shard_of(message::address const& target) const noexcept;

  // Takes the messages out of `whole`. Nothing may come between commit and this.
  void release(message::change& whole, store::ticket ordered) noexcept;

  // What was released for other shards is on its way to them when this returns.
  void flush();

  // What a committed change has consumed is not held any more.
  void consumed(message::batch const& gone) noexcept;

  // A message that another shard has released.
  void arrived(ordered_message one);

  // What a start has found in the store, before any turn. What is there already changes nothing. Messages stay on disk
  // once enough are in memory; where possible the first of each mailbox comes in.
  void loaded(ordered_message one);
  void loaded(message::address const& self, message::pause why);
  // All is loaded, on every shard: those that have messages may take turns.
  void all_loaded();

  // Delayed messages were added or are gone: the alarm may have to ring earlier, the window may have room.
  task::event& alarm_changed() noexcept { return alarm_changed_; }
  // Payloads have to leave memory, where they can.
  task::event& memory_grown() noexcept { return memory_grown_; }
  void look_at_memory() {
    if (memory_.spills(totals_.buffered_bytes.load(std::memory_order_relaxed)))
      memory_grown_.notify_all();
  }
  task::event& departures_changed() noexcept { return departures_changed_; }
  bool has_departures() const noexcept { return !departing_.egresses.empty(); }
  departing take_departures() { return std::exchange(departing_, {}); }

 private:
  enum class kept_in { memory, disk };

  void push(mailbox::mailbox& box, lane& type, ordered_message one, kept_in where);
  kept_in place_of_next(mailbox::mailbox const& box) const;
  void becomes_ready(mailbox::mailbox& box, lane& type);

  place const own_;
  boost::asio::any_io_executor executor_;
  mailbox::mailboxes& mailboxes_;
  lanes& types_;
  delayed_table& delayed_;
  watermarks& watermarks_;
  totals& totals_;
  mailbox::memory_mark const memory_;
  std::uint64_t const unbound_bytes_max_; // of this shard
  links links_;
  task::event alarm_changed_;
  task::event departures_changed_;
  task::event memory_grown_;
  departing departing_;
  std::vector<std::vector<ordered_message>> outgoing_; // by shard
  bool flush_posted_ = false;
};

} // namespace statefund::dispatch
