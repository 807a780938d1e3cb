#pragma once

#include "store/memory_store.hpp"
#include "support/forwarding_store.hpp"
#include "task/event.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace statefund::support {

// A memory store whose answers a test can hold back, and which can be lost. One event loop.
class late_store final : public forwarding_store {
 public:
  explicit late_store(boost::asio::any_io_executor const& executor,
                      statefund::store::memory_store_options const& options = {})
      : late_store(executor, std::make_unique<statefund::store::memory_store>(options)) {}

  void hold_reads() { reads_held_ = true; }
  void hold_keys() { keys_held_ = true; }
  // What is committed from now on is not durable, and egress readers do not see it.
  void hold_durable();
  void release();
  void sync(); // as release(), of what is not durable alone: what is committed next is held again
  void lose();
  void keep_over_restart() { keeps_ = true; }
  // Absent: there is room.
  void lack_space(std::optional<statefund::store::short_of_space> lack) { lack_ = lack; }

  std::vector<statefund::store::ticket> const& hastened() const noexcept { return hastened_; }

  bool keeps_over_restart() const noexcept override { return keeps_; }
  void hasten(statefund::store::ticket ordered) noexcept override { hastened_.push_back(ordered); }
  boost::asio::awaitable<result<std::vector<std::optional<message::stored_value>>>>
  read(message::address const& self, message::state_specs const& wanted) override;
  boost::asio::awaitable<result<std::optional<statefund::store::key_row>>>
  read_key(message::address const& self, std::string const& idempotency_key) override;
  // What was committed since hold_durable().
  statefund::store::not_durable unsynced() const noexcept override { return unsynced_; }
  std::optional<statefund::store::short_of_space> lacks_space() const noexcept override { return lack_; }
  statefund::store::ticket commit(message::change const& whole) noexcept override;
  boost::asio::awaitable<result<void>> durable(statefund::store::ticket ordered) override;
  boost::asio::awaitable<result<statefund::store::egress_page>> read_egress(message::egress_id const& egress,
                                                                            std::uint64_t after,
                                                                            std::size_t records_max,
                                                                            std::uint64_t bytes_max) override;
  boost::asio::awaitable<result<std::optional<message::dead_letter>>>
  read_dead_letter(statefund::store::dead_letter_id const& id) override;
  boost::asio::awaitable<result<std::vector<statefund::store::dead_letter_row>>>
  read_dead_letters(statefund::store::dead_letter_filter const& wanted,
                    std::optional<statefund::store::dead_letter_id> const& after, std::size_t count_max,
                    std::uint64_t bytes_max) override;

 private:
  late_store(boost::asio::any_io_executor const& executor, std::unique_ptr<statefund::store::memory_store> kept)
      : forwarding_store(*kept),
        kept_(std::move(kept)),
        changed_(executor) {}

  boost::asio::awaitable<void> while_held(bool const& held);

  std::unique_ptr<statefund::store::memory_store> const kept_;
  task::event changed_;
  std::vector<statefund::store::ticket> hastened_;
  bool reads_held_ = false;
  bool keys_held_ = false;
  bool keeps_ = false;
  bool lost_ = false;
  statefund::store::not_durable unsynced_;
  std::optional<statefund::store::short_of_space> lack_;
  std::uint64_t given_last_ = 0;               // number or sequence
  std::uint64_t durable_through_ = UINT64_MAX; // number or sequence
};

} // namespace statefund::support
