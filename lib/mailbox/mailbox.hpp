#pragma once

#include "clock/clock.hpp"
#include "mailbox/held_for.hpp"
#include "message/address.hpp"
#include "message/batch.hpp"
#include "message/change.hpp"
#include "message/trial.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace statefund::mailbox {

// The marks of a mailbox, in messages that wait (a batch out on a call does not count). Pure.
struct marks {
  std::optional<std::size_t> high; // absent: the door never shuts

  // An empty mailbox always takes one message.
  bool shuts(std::size_t waiting_count) const noexcept { return high && waiting_count > 0 && waiting_count >= *high; }
  // How many may come before it shuts; the door is open.
  std::size_t room(std::size_t waiting_count) const noexcept {
    if (!high)
      return SIZE_MAX;
    return waiting_count < *high ? *high - waiting_count : waiting_count == 0 ? 1 : 0;
  }
  // The low mark is half of the high one.
  bool opens(std::size_t waiting_count) const noexcept { return !high || waiting_count <= *high / 2; }
};

// What bounds one batch. Pure data; the bytes are those of a request.
struct batch_bounds {
  std::size_t messages_max = 1000;
  std::uint64_t bytes_max = 0;
};

enum class phase {
  idle,        // nothing waits, nothing is out
  ready,       // waits for a permit
  in_flight,   // its turn runs; no second one may start
  backing_off, // its last call failed; it becomes ready again at `next_attempt`
  held,        // what its last call came to has no room; goes on by itself once it has
  paused,      // takes no turns until it is resumed; it may be empty
};

// What of a mailbox is on disk alone: all rows of its address in the store from behind `after` up to `through`.
// Whatever else the mailbox holds, or has ever given out, has its key outside of that.
struct gap {
  message::entry_key after;
  message::entry_key through;
  std::size_t count = 0;
  std::uint64_t bytes = 0; // as message::buffered_bytes counts
};

// One address's messages, in arrival order, and where its turns stand. Owned by a shard's mailboxes, on its thread; its
// place in memory stays the same until it is erased.
//
// A long one has three parts: the head in memory, a gap on disk, and what has come since, in memory again. What has
// left memory comes back in the order of its keys, which is every sender's own.
class mailbox {
 public:
  explicit mailbox(message::address self) : self_(std::move(self)) {}

  message::address const& self() const noexcept { return self_; }
  // In memory or not; bytes as message::buffered_bytes counts.
  std::size_t waiting_count() const noexcept { return head_count() + (gap_ ? gap_->count + behind_.size() : 0); }
  std::uint64_t waiting_bytes() const noexcept { return memory_bytes() + (gap_ ? gap_->bytes : 0); }
  std::uint64_t memory_bytes() const noexcept { return head_bytes_ + behind_bytes_; }
  // In memory, before the gap where there is one.
  std::size_t head_count() const noexcept { return waiting_.size() - first_; }
  std::uint64_t head_bytes() const noexcept { return head_bytes_; }
  gap const* on_disk() const noexcept { return gap_ ? &*gap_ : nullptr; } // null: all is in memory
  bool head_is_on_disk() const noexcept { return gap_ && head_count() == 0; }
  // Of the head, as far as it is in memory: at most so many messages, up to the first that makes it so many bytes.
  struct extent {
    std::size_t count = 0;
    std::uint64_t bytes = 0;
  };
  extent head_within(std::size_t count_max, std::uint64_t bytes_max) const noexcept;
  // Of what came last; absent: nothing waits.
  std::optional<message::entry_key> newest_key() const noexcept;
  // Since when the first of what was taken last has waited.
  clock::steady::time_point taken_since() const noexcept { return taken_since_; }
  // Shut from the high mark until the low one, or until a take empties the mailbox.
  bool is_shut() const noexcept { return shut_; }

  // What waits first. Requires that it is in memory.
  message::invocation const& head() const { return waiting_[first_]; }

  // Functions' messages are never refused: a shut door is for the outside only, and for its caller to look at. Requires
  // that nothing on disk was ordered after it.
  void push(message::invocation one, marks const& bounds);
  // The same for one that a start has found in the store, and leaves there.
  void push_on_disk(message::entry_key const& key, std::uint64_t bytes, marks const& bounds);

  // Takes from the head what one batch may hold, at least one message; `bytes_of` tells a message's bytes in a request.
  // Requires that the head is in memory.
  template <class BytesOf>
  message::batch take(batch_bounds const& bounds, marks const& levels, BytesOf const& bytes_of) {
    std::size_t count = 0;
    for (std::uint64_t bytes = 0; count < bounds.messages_max && count < head_count(); ++count) {
      bytes += bytes_of(waiting_[first_ + count]);
      if (count > 0 && bytes > bounds.bytes_max)
        break;
    }
    return take_first(count, levels);
  }

  // Puts a batch that took no effect back before everything else, in its order: it waits again, and shuts the door as
  // if it had never been taken.
  void put_back(message::batch batch, marks const& bounds);

  // Lets go of what may be read back, all but the first `keep_count`. What was taken before, and what has a smaller key
  // than that, stays too: the store may still hold rows up to there that are consumed. Returns the bytes. Requires that
  // all that was ordered up to `through_number`, by any shard, has come and can be read back, that no read is under
  // way, and that what this address has consumed before its mailbox was made is gone from the store.
  std::uint64_t let_go(std::size_t keep_count, std::uint64_t through_number);
  // The next rows of the gap, in the order of their keys. False: they are not what has left memory.
  [[nodiscard]] bool refill(message::batch rows);

  // The marks are others: the door is shut or open as they say of what waits.
  void measure(marks const& bounds) noexcept { shut_ = bounds.shuts(waiting_count()); }

  phase stands = phase::idle;
  message::batch const* out = nullptr;           // what the turn in flight has taken; its own
  std::optional<message::pause> paused;          // while ready, too, where a turn was on its way already
  bool awaits_success = false;                   // paused until another call of its type succeeds
  unsigned failures_count = 0;                   // calls in a row that failed
  message::trial tried;                          // what is known of the batch that failed
  std::uint64_t tried_generation = 0;            // of what was bound then: of anything else `tried` says nothing
  std::uint64_t failing_since = 0;               // the count of calls that had succeeded when the batch failed first
  std::string last_error;                        // of the last failed call
  clock::steady::time_point next_attempt{};      // while backing off
  std::vector<message::egress_id> last_egresses; // some that the last turn wrote to
  std::optional<held_for> waits_for;             // while held
  bool is_read = false;                          // rows of its gap are on their way
  clock::steady::time_point oldest_since{};      // what waits first came then, or was left waiting by a take

 private:
  message::batch take_first(std::size_t count, marks const& levels);

  void close_gap();

  message::address self_;
  message::batch waiting_; // from first_ on; all of it, or the head
  std::size_t first_ = 0;
  std::uint64_t head_bytes_ = 0;
  std::optional<gap> gap_; // never empty
  message::batch behind_;  // the gap
  std::uint64_t behind_bytes_ = 0;
  message::entry_key taken_through_;        // the largest key that was ever taken
  clock::steady::time_point taken_since_{}; // oldest_since of what was taken last
  bool shut_ = false;
};

} // namespace statefund::mailbox
