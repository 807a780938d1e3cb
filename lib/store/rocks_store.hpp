#pragma once

#include "store/commit_queue.hpp"
#include "store/database.hpp"
#include "store/latch.hpp"
#include "store/state_cache.hpp"
#include "store/store.hpp"

#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace statefund::store {

struct rocks_store_options {
  database_options database;
  sync_policy sync;
  std::uint64_t free_bytes_min = 0; // of the disk; below it lacks_space() says so
  std::size_t keys_max = 1'000'000; // idempotency keys inside their window
  std::size_t dead_letters_max = 100'000;
  std::uint64_t dead_letters_bytes_max = 1U << 30U;
  std::uint64_t cache_bytes_max = 64U << 20U; // of states in memory
};

// Keeps everything on a disk, in RocksDB. docs/format/store.md has what lies there.
//
// What is asked for is looked for in memory first: a state in the cache, a key among those that were not written yet,
// then in what RocksDB has in memory. What lies on the disk alone is read by threads of this store's own, so that no
// event loop waits for a disk.
class rocks_store final : public store {
 public:
  // `lost` is called once, on any thread, when a write, a sync or a background job has failed, or a read: the process
  // has to end at once, without destroying this. Blocks on the disk. The errors of database::open, and
  // errc::row_damaged.
  static result<std::unique_ptr<rocks_store>> open(rocks_store_options const& chosen,
                                                   std::function<void(error const&)> lost);
  // What was ordered is written and synced first.
  ~rocks_store() override;

  std::uint32_t partition_count() const noexcept override;
  bool keeps_over_restart() const noexcept override { return true; }
  boost::asio::awaitable<result<recovered>> recover(std::uint32_t partition, std::string from) override;
  boost::asio::awaitable<result<std::vector<std::optional<message::stored_value>>>>
  read(message::address const& self, message::state_specs const& wanted) override;
  boost::asio::awaitable<result<std::vector<state_summary>>> list_states(message::address const& self) override;
  boost::asio::awaitable<result<std::optional<key_row>>> read_key(message::address const& self,
                                                                  std::string const& idempotency_key) override;
  bool has_room_for_key() noexcept override;
  ticket commit(message::change const& whole) noexcept override;
  ticket ordered_so_far() const noexcept override { return ticket(order_->last_number()); }
  void hasten(ticket ordered) noexcept override { order_->hasten(ordered.number()); }
  boost::asio::awaitable<result<void>> durable(ticket ordered) override { return order_->wait_for(ordered.number()); }
  std::size_t waiting_count() const noexcept override { return order_->waiting_count(); }
  bool is_written(ticket ordered) const noexcept override { return ordered.number() <= order_->written_through(); }
  boost::asio::awaitable<result<std::vector<kept_message>>>
  read_messages(message::address const& target, message::entry_key const& after, message::entry_key const& through,
                std::size_t count_max, std::uint64_t bytes_max) override;
  std::uint64_t found_delayed_count() const noexcept override { return database_->found().delayed_count; }
  boost::asio::awaitable<result<std::vector<kept_delayed>>>
  read_delayed(std::uint32_t partition, message::delayed_key const& after, message::delayed_key const& through,
               std::size_t count_max, std::uint64_t bytes_max) override;
  boost::asio::awaitable<result<std::vector<message::delayed_key>>>
  find_delayed(message::address const& owner, std::string const& cancellation_token) override;
  not_durable unsynced() const noexcept override { return order_->unsynced(); }
  std::optional<short_of_space> lacks_space() const noexcept override { return order_->lacks_space(); }
  std::optional<disk_work> work() const override { return order_->work(); }
  std::shared_ptr<egress_account const> find_account(message::egress_id const& egress) const override;
  std::size_t accounts_count() const override;
  std::vector<std::pair<message::egress_id, std::shared_ptr<egress_account const>>> accounts() const override;
  boost::asio::awaitable<result<egress_page>> read_egress(message::egress_id const& egress, std::uint64_t after,
                                                          std::size_t records_max, std::uint64_t bytes_max) override;
  bool has_room_for(message::dead_letter const& one) const noexcept override;
  dead_letter_account const& dead_letters() const noexcept override { return dead_letters_account_; }
  boost::asio::awaitable<result<std::optional<message::dead_letter>>>
  read_dead_letter(dead_letter_id const& id) override;
  boost::asio::awaitable<result<std::vector<dead_letter_row>>>
  read_dead_letters(dead_letter_filter const& wanted, std::optional<dead_letter_id> const& after, std::size_t count_max,
                    std::uint64_t bytes_max) override;
  boost::asio::awaitable<result<backup_report>> back_up(std::string directory) override;

 private:
  using key_of_address = std::pair<message::address, std::string>;

  // Touched by its shard's thread alone; on a line of its own, for neighbours belong to other shards.
  struct alignas(64) partition_data {
    explicit partition_data(cache_budget& shared) : states(shared) {}
    state_cache states;
    std::map<key_of_address, key_row> keys;                              // that were not written when they came
    std::deque<std::pair<std::uint64_t, key_of_address>> keys_by_number; // of their changes
  };
  struct queue {
    std::shared_ptr<egress_account> account = std::make_shared<egress_account>();
    std::deque<std::pair<std::uint64_t, std::uint64_t>> records; // sequence, bytes
    std::uint64_t gone_through = 0;                              // the last sequence that was acknowledged
  };

  rocks_store(rocks_store_options const& chosen, std::function<void(error const&)> lost);

  result<void> load();
  result<void> load_egresses();
  result<void> load_keys();
  result<void> load_dead_letters();

  partition_data& partition_of(message::address const& self) noexcept;
  void forget_written_keys(partition_data& of);
  // These require the lock. False: an acknowledgement covers more than one change removes, the next ones remove the
  // rest.
  void count_key(std::int64_t expires_at_ms);
  bool account_for(message::change const& whole, std::uint64_t number, encoded_change& next);
  bool remove_departed(message::departure const& departed, encoded_change& next);

  rocks_store_options const chosen_;
  latch latch_;
  std::unique_ptr<database> database_;
  cache_budget cache_budget_;
  std::deque<partition_data> partitions_;
  boost::asio::thread_pool readers_;
  boost::asio::thread_pool copiers_{1};
  std::atomic<bool> copies_ = false;

  // guarded by the lock of the order
  std::unordered_map<message::egress_id, queue> queues_;
  std::map<dead_letter_id, std::uint64_t> dead_letter_bytes_; // all there are
  std::map<std::int64_t, std::uint64_t> keys_by_expiry_;      // how many
  std::size_t keys_count_ = 0;
  dead_letter_account dead_letters_account_;

  std::unique_ptr<commit_queue> order_; // ends first
};

} // namespace statefund::store
