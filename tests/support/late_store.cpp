#include "support/late_store.hpp"

namespace statefund::support {

namespace asio = boost::asio;
using statefund::store::errc;

void late_store::hold_durable() {
  durable_through_ = given_last_;
}

void late_store::release() {
  reads_held_ = false;
  keys_held_ = false;
  durable_through_ = UINT64_MAX;
  unsynced_ = {};
  changed_.notify_all();
}

void late_store::sync() {
  durable_through_ = given_last_;
  unsynced_ = {};
  changed_.notify_all();
}

void late_store::lose() {
  lost_ = true;
  changed_.notify_all();
}

asio::awaitable<void> late_store::while_held(bool const& held) {
  while (held && !lost_) {
    auto const waited = co_await changed_.wait(clock::deadline::never());
    if (waited == task::wait_end::cancelled)
      break;
  }
}

asio::awaitable<result<std::vector<std::optional<message::stored_value>>>>
late_store::read(message::address const& self, message::state_specs const& wanted) {
  co_await while_held(reads_held_);
  if (lost_)
    co_return error{errc::lost, {}};
  auto values = co_await kept_->read(self, wanted);
  co_return values;
}

asio::awaitable<result<std::optional<statefund::store::key_row>>>
late_store::read_key(message::address const& self, std::string const& idempotency_key) {
  co_await while_held(keys_held_);
  if (lost_)
    co_return error{errc::lost, {}};
  auto row = co_await kept_->read_key(self, idempotency_key);
  co_return row;
}

statefund::store::ticket late_store::commit(message::change const& whole) noexcept {
  auto const ordered = kept_->commit(whole);
  given_last_ = ordered.number() + whole.egress_records.size();
  if (given_last_ > durable_through_) {
    if (unsynced_.bytes == 0)
      unsynced_.since = clock::steady::now();
    for (auto const& one : whole.messages)
      unsynced_.bytes += message::buffered_bytes(one);
    unsynced_.bytes += whole.consumed.size() * sizeof(message::entry_key) + 1;
    ++unsynced_.changes_count;
  }
  return ordered;
}

asio::awaitable<result<void>> late_store::durable(statefund::store::ticket ordered) {
  while (ordered.number() > durable_through_ && !lost_) {
    auto const waited = co_await changed_.wait(clock::deadline::never());
    if (waited == task::wait_end::cancelled)
      co_return error{errc::wait_cancelled, {}};
  }
  if (lost_)
    co_return error{errc::lost, {}};
  co_return result<void>{};
}

asio::awaitable<result<statefund::store::egress_page>> late_store::read_egress(message::egress_id const& egress,
                                                                               std::uint64_t after,
                                                                               std::size_t records_max,
                                                                               std::uint64_t bytes_max) {
  if (lost_)
    co_return error{errc::lost, {}};
  auto page = co_await kept_->read_egress(egress, after, records_max, bytes_max);
  std::erase_if(page->records, [this](auto const& record) { return record.sequence > durable_through_; });
  co_return page;
}

asio::awaitable<result<std::optional<message::dead_letter>>>
late_store::read_dead_letter(statefund::store::dead_letter_id const& id) {
  co_await while_held(reads_held_);
  if (lost_)
    co_return error{errc::lost, {}};
  auto letter = co_await kept_->read_dead_letter(id);
  co_return letter;
}

asio::awaitable<result<std::vector<statefund::store::dead_letter_row>>>
late_store::read_dead_letters(statefund::store::dead_letter_filter const& wanted,
                              std::optional<statefund::store::dead_letter_id> const& after, std::size_t count_max,
                              std::uint64_t bytes_max) {
  if (lost_)
    co_return error{errc::lost, {}};
  auto rows = co_await kept_->read_dead_letters(wanted, after, count_max, bytes_max);
  co_return rows;
}

} // namespace statefund::support
