#pragma once

#include "store/memory_store.hpp"
#include "task/event.hpp"

#include <cstdint>

namespace statefund::support {

// A memory store whose answers a test can hold back, and which can be lost. One event loop.
class late_store final : public store::store {
 public:
  explicit late_store(boost::asio::any_io_executor const& executor,
                      statefund::store::memory_store_options const& options = {})
      : kept_(options),
        changed_(executor) {}

  void hold_reads() { reads_held_ = true; }
  void hold_keys() { keys_held_ = true; }
  // What is committed from now on is not durable, and egress readers do not see it.
  void hold_durable();
  void release();
  void sync(); // as release(), of what is not durable alone: what is committed next is held again
  void lose();
  void keep_over_restart() { keeps_ = true; }

  std::uint32_t partition_count() const noexcept override { return kept_.partition_count(); }
  bool keeps_over_restart() const noexcept override { return keeps_; }
  boost::asio::awaitable<result<statefund::store::recovered>> recover(std::uint32_t partition,
                                                                      std::string from) override {
    return kept_.recover(partition, std::move(from));
  }
  boost::asio::awaitable<result<std::vector<std::optional<message::stored_value>>>>
  read(message::address const& self, message::state_specs const& wanted) override;
  boost::asio::awaitable<result<std::vector<statefund::store::state_summary>>>
  list_states(message::address const& self) override {
    return kept_.list_states(self);
  }
  boost::asio::awaitable<result<std::optional<statefund::store::key_row>>>
  read_key(message::address const& self, std::string const& idempotency_key) override;
  // What was committed since hold_durable().
  statefund::store::not_durable unsynced() const noexcept override { return unsynced_; }
  bool has_room_for_key(message::address const& self) noexcept override { return kept_.has_room_for_key(self); }
  statefund::store::ticket commit(message::change const& whole) noexcept override;
  statefund::store::ticket ordered_so_far() const noexcept override { return kept_.ordered_so_far(); }
  boost::asio::awaitable<result<void>> durable(statefund::store::ticket ordered) override;
  std::shared_ptr<statefund::store::egress_account const> account(message::egress_id const& egress) override {
    return kept_.account(egress);
  }
  std::shared_ptr<statefund::store::egress_account const>
  find_account(message::egress_id const& egress) const override {
    return kept_.find_account(egress);
  }
  std::vector<std::pair<message::egress_id, std::shared_ptr<statefund::store::egress_account const>>>
  accounts() const override {
    return kept_.accounts();
  }
  boost::asio::awaitable<result<statefund::store::egress_page>> read_egress(message::egress_id const& egress,
                                                                            std::uint64_t after,
                                                                            std::size_t records_max,
                                                                            std::uint64_t bytes_max) override;
  bool has_room_for(message::dead_letter const& one) const noexcept override { return kept_.has_room_for(one); }
  statefund::store::dead_letter_account const& dead_letters() const noexcept override { return kept_.dead_letters(); }
  boost::asio::awaitable<result<std::optional<message::dead_letter>>>
  read_dead_letter(statefund::store::dead_letter_id const& id) override;
  boost::asio::awaitable<result<std::vector<statefund::store::dead_letter_row>>>
  read_dead_letters(statefund::store::dead_letter_filter const& wanted,
                    std::optional<statefund::store::dead_letter_id> const& after, std::size_t count_max,
                    std::uint64_t bytes_max) override;

 private:
  boost::asio::awaitable<void> while_held(bool const& held);

  statefund::store::memory_store kept_;
  task::event changed_;
  bool reads_held_ = false;
  bool keys_held_ = false;
  bool keeps_ = false;
  bool lost_ = false;
  statefund::store::not_durable unsynced_;
  std::uint64_t given_last_ = 0;               // number or sequence
  std::uint64_t durable_through_ = UINT64_MAX; // number or sequence
};

} // namespace statefund::support
