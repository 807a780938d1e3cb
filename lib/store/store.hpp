#pragma once

#include "clock/clock.hpp"
#include "error/result.hpp"
#include "message/address.hpp"
#include "message/change.hpp"
#include "message/state_values.hpp"
#include "store/errc.hpp"
#include "store/statistics.hpp"
#include "store/ticket.hpp"

#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace statefund::store {

// The first message that was accepted under an idempotency key.
struct key_row {
  message::accepted_key key;
  message::entry_key first;
};
// While all that orders waits.
inline constexpr std::size_t expired_keys_forgotten_max = 1000;

// A state as it is kept, without its value.
struct state_summary {
  std::string name;
  std::string type_name;
  std::uint64_t bytes = 0;
  std::int64_t expires_at_ms = 0; // 0: never

  bool operator==(state_summary const&) const = default;
};

// What one egress holds: written by the store alone, read by any thread. Lives as long as the store.
struct egress_account {
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint64_t> records_count{0};
};

// What is ordered and not yet durable.
struct not_durable {
  std::uint64_t bytes = 0;
  clock::steady::time_point since{}; // when the oldest of it was ordered, where there is any
  std::uint64_t changes_count = 0;
};

struct numbered_record {
  std::uint64_t sequence = 0;
  message::address from;
  message::typed_value value;
};
// What a record weighs in its egress's account.
inline std::uint64_t record_bytes(message::address const& from, message::typed_value const& value) noexcept {
  return value.size_bytes() + size_bytes(from);
}

struct egress_page {
  std::vector<numbered_record> records; // by sequence
  std::uint64_t last_sequence = 0;      // the last one ever given out for this egress; 0: none
};

// Names a dead letter: the message's key, and whose it was. In the order of these the oldest message comes first.
struct dead_letter_id {
  message::entry_key key;
  message::address self;

  bool operator==(dead_letter_id const&) const = default;
  auto operator<=>(dead_letter_id const&) const = default;
};

// What one weighs in their account.
inline std::uint64_t dead_letter_bytes(message::address const& self, message::dead_letter const& one) noexcept {
  return record_bytes(self, one.message.value) + one.reason.size();
}

struct dead_letter_row {
  message::address self;
  message::dead_letter letter;

  dead_letter_id id() const { return {letter.message.key, self}; }
};

struct dead_letter_filter {
  std::optional<message::function_type> type;
  std::optional<message::address> self;

  bool takes(message::address const& of) const { return (!type || *type == of.type) && (!self || *self == of); }
};

// How many dead letters there are: written by the store alone, read by any thread.
struct dead_letter_account {
  std::atomic<std::uint64_t> count{0};
  std::atomic<std::uint64_t> bytes{0};
};

// A row of a mailbox: what its target has not consumed yet.
struct kept_message {
  message::entry_key key;
  message::envelope envelope;
};

// A delayed message that was neither fired nor cancelled.
struct kept_delayed {
  message::entry_key key;
  message::address owner; // who set it
  message::delayed_message set;

  message::delayed_key row() const { return {set.due_ms, key}; }
};

// Who is paused: an address, or a type (whose id is empty).
struct kept_pause {
  message::address self;
  message::pause why;
};

// A part of what one partition has kept.
struct recovered {
  std::vector<kept_message> messages; // of one target in the order of their keys, over all parts
  std::vector<kept_pause> pauses;
  std::optional<std::string> next; // where the next part begins; absent: that was all
};

// What a backup holds.
struct backup_report {
  std::uint64_t number = 0; // of the newest change in it, or of its last record
  std::uint64_t bytes = 0;  // of the database's files
  std::chrono::milliseconds took{0};
};

// The durable truth, and its one order. `commit` orders a change at once and makes it durable later; a crash keeps a
// prefix of the order, so inside the daemon work goes on once a change is ordered, and only what the outside sees
// waits.
//
// An address belongs to a partition (message::partition_of), a partition to one shard. What is said of an address -
// read, read_key, commit - and of a partition, recover, is called on the thread of its partition's shard and sees every
// change that this thread has committed before. Egress calls may come from any shard's thread. One object for the
// process.
//
// Egress sequences and change numbers are given by the store, in order, under the lock that appends; they grow, are not
// dense, and start at no less than the start time in microseconds, so that none is given twice over restarts.
class store {
 public:
  virtual ~store() = default;

  // Fixed when the store was created.
  virtual std::uint32_t partition_count() const noexcept = 0;

  // Whether what was committed is still there after the process has ended.
  virtual bool keeps_over_restart() const noexcept = 0;

  // What a start loads of one partition, part by part: `from` is empty, then the `next` of the part before. Before the
  // partition's first commit. All of it is durable already, so that what follows from it may be shown. States, keys,
  // records and delayed messages are not among it: they are looked up where they are asked for. Only errc::lost.
  virtual boost::asio::awaitable<result<recovered>> recover(std::uint32_t partition, std::string from) = 0;

  // The values of `wanted`, one for each, absent where none is held. An expired value is returned as it is stored:
  // whoever reads decides by its own clock. Only errc::lost.
  virtual boost::asio::awaitable<result<std::vector<std::optional<message::stored_value>>>>
  read(message::address const& self, message::state_specs const& wanted) = 0;

  // All states of the address, by name. Only errc::lost.
  virtual boost::asio::awaitable<result<std::vector<state_summary>>> list_states(message::address const& self) = 0;

  // The key's row while its window (a time from the acceptance on) lasts. Only errc::lost.
  virtual boost::asio::awaitable<result<std::optional<key_row>>> read_key(message::address const& self,
                                                                          std::string const& idempotency_key) = 0;

  // Whether one more idempotency key may be kept. Any thread.
  virtual bool has_room_for_key() noexcept = 0;

  // Puts the whole change into the order. Never suspends, never throws: between this and the release of the change's
  // messages nothing may come. A lost store is told by durable().
  virtual ticket commit(message::change const& whole) noexcept = 0;

  // A ticket for all that was committed so far, by any thread: once it is durable, whatever was read before is.
  virtual ticket ordered_so_far() const noexcept = 0;

  // Somebody is about to wait for the change: its write need not begin only with durable(). Any thread.
  virtual void hasten(ticket) noexcept {}

  // Returns once the change is durable under the store's sync setting, or with errc::lost; with errc::wait_cancelled
  // where the caller is cancelled before.
  virtual boost::asio::awaitable<result<void>> durable(ticket ordered) = 0;

  // How many wait in durable(). Any thread.
  virtual std::size_t waiting_count() const noexcept { return 0; }

  // Whether all that was ordered up to the ticket can be read back by read_messages(), read_delayed() and
  // find_delayed(). Any thread. Never, where nothing is kept over a restart.
  virtual bool is_written(ticket ordered) const noexcept = 0;

  // Rows of a mailbox from behind `after` up to `through`, in the order of their keys, at most `count_max` and, but for
  // the first, `bytes_max`; of what is written, and without what a written change has consumed. Only errc::lost.
  virtual boost::asio::awaitable<result<std::vector<kept_message>>>
  read_messages(message::address const& target, message::entry_key const& after, message::entry_key const& through,
                std::size_t count_max, std::uint64_t bytes_max) = 0;

  // How many delayed messages were pending when the store was opened.
  virtual std::uint64_t found_delayed_count() const noexcept = 0;
  // A partition's pending delayed messages from behind `after` up to `through`, in that order, at most `count_max` and,
  // but for the first, `bytes_max`; of what is written, and without what a written change has removed. Only errc::lost.
  virtual boost::asio::awaitable<result<std::vector<kept_delayed>>>
  read_delayed(std::uint32_t partition, message::delayed_key const& after, message::delayed_key const& through,
               std::size_t count_max, std::uint64_t bytes_max) = 0;
  // The pending ones that the address has set under this token, which is not empty; likewise of what is written. Only
  // errc::lost.
  virtual boost::asio::awaitable<result<std::vector<message::delayed_key>>>
  find_delayed(message::address const& owner, std::string const& cancellation_token) = 0;

  // Any thread. Nothing, where what is ordered is durable.
  virtual not_durable unsynced() const noexcept { return {}; }

  // Any thread. Absent: there is room, or nothing lies on a disk. Looked at about every second, and every few MiB.
  virtual std::optional<short_of_space> lacks_space() const noexcept { return std::nullopt; }
  // Any thread. Absent: nothing lies on a disk.
  virtual std::optional<disk_work> work() const { return std::nullopt; }

  // Null: never written.
  virtual std::shared_ptr<egress_account const> find_account(message::egress_id const& egress) const = 0;
  virtual std::size_t accounts_count() const = 0;
  virtual std::vector<std::pair<message::egress_id, std::shared_ptr<egress_account const>>> accounts() const = 0;

  // Durable records after the sequence `after`, at most `records_max` and, but for the first, `bytes_max`.
  virtual boost::asio::awaitable<result<egress_page>> read_egress(message::egress_id const& egress, std::uint64_t after,
                                                                  std::size_t records_max, std::uint64_t bytes_max) = 0;

  // Dead letters are bounded: false, where one more would not fit. Any shard's thread.
  virtual bool has_room_for(message::dead_letter const& one) const noexcept = 0;
  virtual dead_letter_account const& dead_letters() const noexcept = 0;

  // What was committed on this thread before. Only errc::lost.
  virtual boost::asio::awaitable<result<std::optional<message::dead_letter>>>
  read_dead_letter(dead_letter_id const& id) = 0;
  // Those after `after`, in the order of their ids, at most `count_max` and, but for the first, `bytes_max`. Any
  // shard's thread. Only errc::lost.
  virtual boost::asio::awaitable<result<std::vector<dead_letter_row>>>
  read_dead_letters(dead_letter_filter const& wanted, std::optional<dead_letter_id> const& after, std::size_t count_max,
                    std::uint64_t bytes_max) = 0;

  // Copies all that is written into a new directory, durable when this returns; commits go on meanwhile. Cancelled, it
  // removes what there is of it, and fails. Any thread with an executor of one thread. errc::keeps_nothing,
  // backup_refused, backup_under_way, backup_failed.
  virtual boost::asio::awaitable<result<backup_report>> back_up(std::string directory) = 0;
};

} // namespace statefund::store
