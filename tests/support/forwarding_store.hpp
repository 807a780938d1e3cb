#pragma once

#include "store/store.hpp"

#include <utility>

namespace statefund::support {

// Another store, asked for everything: for a double that changes some of it. Borrows the other one.
class forwarding_store : public store::store {
 public:
  explicit forwarding_store(statefund::store::store& other) : kept_(other) {}

  std::uint32_t partition_count() const noexcept override { return kept_.partition_count(); }
  bool keeps_over_restart() const noexcept override { return kept_.keeps_over_restart(); }
  boost::asio::awaitable<result<statefund::store::recovered>> recover(std::uint32_t partition,
                                                                      std::string from) override {
    return kept_.recover(partition, std::move(from));
  }
  boost::asio::awaitable<result<std::vector<std::optional<message::stored_value>>>>
  read(message::address const& self, message::state_specs const& wanted) override {
    return kept_.read(self, wanted);
  }
  boost::asio::awaitable<result<std::vector<statefund::store::state_summary>>>
  list_states(message::address const& self) override {
    return kept_.list_states(self);
  }
  boost::asio::awaitable<result<std::optional<statefund::store::key_row>>>
  read_key(message::address const& self, std::string const& idempotency_key) override {
    return kept_.read_key(self, idempotency_key);
  }
  bool has_room_for_key() noexcept override { return kept_.has_room_for_key(); }
  statefund::store::ticket commit(message::change const& whole) noexcept override { return kept_.commit(whole); }
  statefund::store::ticket ordered_so_far() const noexcept override { return kept_.ordered_so_far(); }
  void hasten(statefund::store::ticket ordered) noexcept override { kept_.hasten(ordered); }
  boost::asio::awaitable<result<void>> durable(statefund::store::ticket ordered) override {
    return kept_.durable(ordered);
  }
  bool is_written(statefund::store::ticket ordered) const noexcept override { return kept_.is_written(ordered); }
  boost::asio::awaitable<result<std::vector<statefund::store::kept_message>>>
  read_messages(message::address const& target, message::entry_key const& after, message::entry_key const& through,
                std::size_t count_max, std::uint64_t bytes_max) override {
    return kept_.read_messages(target, after, through, count_max, bytes_max);
  }
  std::uint64_t found_delayed_count() const noexcept override { return kept_.found_delayed_count(); }
  boost::asio::awaitable<result<std::vector<statefund::store::kept_delayed>>>
  read_delayed(std::uint32_t partition, message::delayed_key const& after, message::delayed_key const& through,
               std::size_t count_max, std::uint64_t bytes_max) override {
    return kept_.read_delayed(partition, after, through, count_max, bytes_max);
  }
  boost::asio::awaitable<result<std::vector<message::delayed_key>>>
  find_delayed(message::address const& owner, std::string const& cancellation_token) override {
    return kept_.find_delayed(owner, cancellation_token);
  }
  statefund::store::not_durable unsynced() const noexcept override { return kept_.unsynced(); }
  std::optional<statefund::store::short_of_space> lacks_space() const noexcept override { return kept_.lacks_space(); }
  std::optional<statefund::store::disk_work> work() const override { return kept_.work(); }
  std::shared_ptr<statefund::store::egress_account const>
  find_account(message::egress_id const& egress) const override {
    return kept_.find_account(egress);
  }
  std::size_t accounts_count() const override { return kept_.accounts_count(); }
  std::vector<std::pair<message::egress_id, std::shared_ptr<statefund::store::egress_account const>>>
  accounts() const override {
    return kept_.accounts();
  }
  boost::asio::awaitable<result<statefund::store::egress_page>> read_egress(message::egress_id const& egress,
                                                                            std::uint64_t after,
                                                                            std::size_t records_max,
                                                                            std::uint64_t bytes_max) override {
    return kept_.read_egress(egress, after, records_max, bytes_max);
  }
  bool has_room_for(message::dead_letter const& one) const noexcept override { return kept_.has_room_for(one); }
  statefund::store::dead_letter_account const& dead_letters() const noexcept override { return kept_.dead_letters(); }
  boost::asio::awaitable<result<std::optional<message::dead_letter>>>
  read_dead_letter(statefund::store::dead_letter_id const& id) override {
    return kept_.read_dead_letter(id);
  }
  boost::asio::awaitable<result<std::vector<statefund::store::dead_letter_row>>>
  read_dead_letters(statefund::store::dead_letter_filter const& wanted,
                    std::optional<statefund::store::dead_letter_id> const& after, std::size_t count_max,
                    std::uint64_t bytes_max) override {
    return kept_.read_dead_letters(wanted, after, count_max, bytes_max);
  }
  boost::asio::awaitable<result<statefund::store::backup_report>> back_up(std::string directory) override {
    return kept_.back_up(std::move(directory));
  }

 private:
  statefund::store::store& kept_;
};

} // namespace statefund::support
