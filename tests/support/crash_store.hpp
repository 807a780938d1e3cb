#pragma once

#include "clock/clock.hpp"
#include "store/store.hpp"
#include "support/lateness.hpp"
#include "support/mistake.hpp"
#include "task/event.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace statefund::support {

// A change in the order, with what the store has numbered.
struct numbered_change {
  std::uint64_t number = 0;
  std::vector<std::uint64_t> sequences; // of its egress records
  message::change whole;

  std::uint64_t last_number() const noexcept { return sequences.empty() ? number : sequences.back(); }
};

// What a machine keeps of a store when its process ends: what was written, in the order, of which a prefix is synced.
// Opened by one store at a time, and outlives it.
class disk {
 public:
  // Of what was written and not synced the first `kept_count` changes stay. While no store has it open.
  void lose_power(std::size_t kept_count);
  std::size_t unsynced_count() const noexcept { return written_.size() - synced_count_; }
  // Of the newest change that is there; 0: none.
  std::uint64_t last_number() const noexcept {
    return written_.empty() ? rows_.last_number : written_.back().last_number();
  }

 private:
  friend class crash_store;
  using key_of_address = std::pair<message::address, std::string>;

  struct queue {
    std::map<std::uint64_t, statefund::store::numbered_record> records;
    std::uint64_t last_shown = 0;
  };
  // What can be read at any time.
  struct looked_up {
    std::unordered_map<message::address, std::map<std::string, message::stored_value>> states;
    std::map<key_of_address, statefund::store::key_row> keys;
    std::map<message::egress_id, queue> queues;
    std::map<statefund::store::dead_letter_id, message::dead_letter> dead_letters;

    void apply(numbered_change const& next, mistake planted);
  };
  // All that a prefix of the order amounts to.
  struct rows {
    looked_up read;
    std::map<message::address, std::map<message::entry_key, message::envelope>> mailboxes;
    std::map<message::delayed_key, std::pair<message::address, message::delayed_message>> delayed;
    std::map<message::address, message::pause> pauses;
    std::uint64_t last_number = 0;

    void apply(numbered_change const& next, mistake planted);
    void apply_messages(numbered_change const& next, mistake planted); // delayed ones, too
  };

  rows rows_;                           // of all that was there when a store was opened last
  std::deque<numbered_change> written_; // since
  std::size_t synced_count_ = 0;        // of written_
};

struct crash_store_options {
  std::uint32_t partition_count = 256;
  std::size_t keys_max = 1'000'000;
  std::size_t dead_letters_max = 100'000;
  std::uint64_t dead_letters_bytes_max = 1'000'000;
  std::size_t recovered_rows_max = 1000; // in one part
  lateness* late = nullptr;              // reads and tickets take their time; null: they do not
  mistake planted = mistake::none;
  std::size_t shards_count = 1; // for mistakes alone
};

// A store in three layers: ordered here, then written, then synced to a disk that stays; a test moves changes down, or
// crashes in between. Ending this object is kill -9: what was written stays. One thread, any number of event loops.
class crash_store final : public statefund::store::store {
 public:
  enum class pace {
    by_itself, // whoever waits for a ticket writes and syncs
    by_hand,
  };

  crash_store(disk& on, boost::asio::any_io_executor const& executor, pace moves = pace::by_itself,
              crash_store_options const& chosen = {});

  std::size_t ordered_count() const noexcept { return ordered_.size(); }
  // The next changes of the order.
  void write(std::size_t count);
  void sync();
  bool is_synced() const noexcept;
  // The next write fails, or the next sync. Nothing is written or told any more.
  void fail_next_write() { fails_write_ = true; }
  void fail_next_sync() { fails_sync_ = true; }
  bool is_lost() const noexcept { return lost_; }
  // The process is dead: what still runs in this one goes nowhere.
  void lose();

  std::uint32_t partition_count() const noexcept override { return chosen_.partition_count; }
  bool keeps_over_restart() const noexcept override { return true; }
  boost::asio::awaitable<result<statefund::store::recovered>> recover(std::uint32_t partition,
                                                                      std::string from) override;
  boost::asio::awaitable<result<std::vector<std::optional<message::stored_value>>>>
  read(message::address const& self, message::state_specs const& wanted) override;
  boost::asio::awaitable<result<std::vector<statefund::store::state_summary>>>
  list_states(message::address const& self) override;
  boost::asio::awaitable<result<std::optional<statefund::store::key_row>>>
  read_key(message::address const& self, std::string const& idempotency_key) override;
  bool has_room_for_key() noexcept override;
  statefund::store::ticket commit(message::change const& whole) noexcept override;
  statefund::store::ticket ordered_so_far() const noexcept override { return statefund::store::ticket(last_given_); }
  boost::asio::awaitable<result<void>> durable(statefund::store::ticket ordered) override;
  bool is_written(statefund::store::ticket ordered) const noexcept override {
    return ordered.number() <= written_rows_.last_number;
  }
  boost::asio::awaitable<result<std::vector<statefund::store::kept_message>>>
  read_messages(message::address const& target, message::entry_key const& after, message::entry_key const& through,
                std::size_t count_max, std::uint64_t bytes_max) override;
  std::uint64_t found_delayed_count() const noexcept override { return found_delayed_count_; }
  boost::asio::awaitable<result<std::vector<statefund::store::kept_delayed>>>
  read_delayed(std::uint32_t partition, message::delayed_key const& after, message::delayed_key const& through,
               std::size_t count_max, std::uint64_t bytes_max) override;
  boost::asio::awaitable<result<std::vector<message::delayed_key>>>
  find_delayed(message::address const& owner, std::string const& cancellation_token) override;
  std::shared_ptr<statefund::store::egress_account const> find_account(message::egress_id const& egress) const override;
  std::size_t accounts_count() const override { return accounts_.size(); }
  std::vector<std::pair<message::egress_id, std::shared_ptr<statefund::store::egress_account const>>>
  accounts() const override;
  boost::asio::awaitable<result<statefund::store::egress_page>> read_egress(message::egress_id const& egress,
                                                                            std::uint64_t after,
                                                                            std::size_t records_max,
                                                                            std::uint64_t bytes_max) override;
  bool has_room_for(message::dead_letter const& one) const noexcept override;
  statefund::store::dead_letter_account const& dead_letters() const noexcept override { return dead_letters_; }
  boost::asio::awaitable<result<std::optional<message::dead_letter>>>
  read_dead_letter(statefund::store::dead_letter_id const& id) override;
  boost::asio::awaitable<result<std::vector<statefund::store::dead_letter_row>>>
  read_dead_letters(statefund::store::dead_letter_filter const& wanted,
                    std::optional<statefund::store::dead_letter_id> const& after, std::size_t count_max,
                    std::uint64_t bytes_max) override;
  boost::asio::awaitable<result<statefund::store::backup_report>> back_up(std::string directory) override;

 private:
  void bring_back();
  boost::asio::awaitable<void> take_time();
  std::uint64_t next_number(message::change const& whole);
  std::shared_ptr<statefund::store::egress_account> const& open(message::egress_id const& egress);
  void account_for(numbered_change const& next);
  std::size_t next_to_write() const;

  disk& disk_;
  pace const pace_;
  crash_store_options const chosen_;
  task::event changed_;
  std::map<std::uint32_t, statefund::store::recovered> found_; // by partition
  disk::looked_up now_;
  disk::rows written_rows_; // messages alone
  std::map<message::egress_id, std::shared_ptr<statefund::store::egress_account>> accounts_;
  std::uint64_t found_delayed_count_ = 0;
  std::deque<numbered_change> ordered_; // not written
  statefund::store::dead_letter_account dead_letters_;
  std::uint64_t next_number_ = 1;
  std::uint64_t last_given_ = 0;                                          // number or sequence
  std::vector<std::pair<std::uint64_t, std::uint64_t>> taken_in_advance_; // by shard: next, end
  std::uint64_t durable_through_ = 0;                                     // number or sequence
  std::size_t found_unsynced_count_ = 0;                                  // that was never written anew
  bool fails_write_ = false;
  bool fails_sync_ = false;
  bool lost_ = false;
};

} // namespace statefund::support
