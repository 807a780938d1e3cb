#pragma once

#include "store/store.hpp"

#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace statefund::store {

struct memory_store_options {
  std::uint32_t partition_count = 256;
  std::size_t keys_max = 1'000'000; // idempotency keys inside their window
  std::size_t dead_letters_max = 100'000;
  std::uint64_t dead_letters_bytes_max = 64U << 20U;
};

// Keeps everything in memory and nothing over a restart: a change is as durable as it will ever be once it is ordered.
class memory_store final : public store {
 public:
  explicit memory_store(memory_store_options const& options = {});

  std::uint32_t partition_count() const noexcept override;
  bool keeps_over_restart() const noexcept override { return false; }
  boost::asio::awaitable<result<recovered>> recover(std::uint32_t partition, std::string from) override;
  boost::asio::awaitable<result<std::vector<std::optional<message::stored_value>>>>
  read(message::address const& self, message::state_specs const& wanted) override;
  boost::asio::awaitable<result<std::vector<state_summary>>> list_states(message::address const& self) override;
  boost::asio::awaitable<result<std::optional<key_row>>> read_key(message::address const& self,
                                                                  std::string const& idempotency_key) override;
  bool has_room_for_key() noexcept override;
  ticket commit(message::change const& whole) noexcept override;
  ticket ordered_so_far() const noexcept override;
  boost::asio::awaitable<result<void>> durable(ticket ordered) override;
  bool is_written(ticket) const noexcept override { return false; }
  boost::asio::awaitable<result<std::vector<kept_message>>>
  read_messages(message::address const& target, message::entry_key const& after, message::entry_key const& through,
                std::size_t count_max, std::uint64_t bytes_max) override;
  std::uint64_t found_delayed_count() const noexcept override { return 0; }
  boost::asio::awaitable<result<std::vector<kept_delayed>>>
  read_delayed(std::uint32_t partition, message::delayed_key const& after, message::delayed_key const& through,
               std::size_t count_max, std::uint64_t bytes_max) override;
  boost::asio::awaitable<result<std::vector<message::delayed_key>>>
  find_delayed(message::address const& owner, std::string const& cancellation_token) override;
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
  struct key_hash {
    std::size_t operator()(key_of_address const& value) const noexcept;
  };

  // Touched by its shard's thread alone; on a line of its own, for neighbours belong to other shards.
  struct alignas(64) partition {
    std::unordered_map<message::address, std::vector<std::pair<std::string, message::stored_value>>> states;
  };

  struct queue {
    std::shared_ptr<egress_account> account = std::make_shared<egress_account>();
    std::deque<numbered_record> records;
    std::uint64_t last_sequence = 0;
  };

  partition& partition_of(message::address const& self) noexcept;
  std::uint64_t order(message::change const& whole);
  queue& open(message::egress_id const& id);            // requires the lock
  void keep_dead_letters(message::change const& whole); // requires the lock
  static void apply_states(message::change const& whole, partition& into);
  void forget_expired_keys(); // requires the lock

  std::size_t const keys_max_;
  std::size_t const dead_letters_max_;
  std::uint64_t const dead_letters_bytes_max_;
  std::vector<partition> partitions_;

  mutable std::mutex order_; // the one order: guards all below
  std::uint64_t next_number_;
  std::unordered_map<message::egress_id, queue> queues_;
  std::map<dead_letter_id, message::dead_letter> dead_letters_;
  dead_letter_account dead_letters_account_;
  std::unordered_map<key_of_address, key_row, key_hash> keys_;
  std::deque<std::pair<std::int64_t, key_of_address>> keys_by_expiry_;
};

} // namespace statefund::store
