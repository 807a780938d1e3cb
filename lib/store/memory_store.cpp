#include "store/memory_store.hpp"

#include "clock/clock.hpp"

#include <algorithm>

namespace statefund::store {

namespace asio = boost::asio;

std::size_t memory_store::key_hash::operator()(key_of_address const& value) const noexcept {
  return std::hash<message::address>{}(value.first) * 31 + std::hash<std::string>{}(value.second);
}

memory_store::memory_store(memory_store_options const& options)
    : keys_max_(options.keys_max),
      dead_letters_max_(options.dead_letters_max),
      dead_letters_bytes_max_(options.dead_letters_bytes_max),
      partitions_(options.partition_count),
      next_number_(static_cast<std::uint64_t>(clock::unix_ms()) * 1000) {}

std::uint32_t memory_store::partition_count() const noexcept {
  return static_cast<std::uint32_t>(partitions_.size());
}

memory_store::partition& memory_store::partition_of(message::address const& self) noexcept {
  return partitions_[message::partition_of(self, partition_count())];
}

asio::awaitable<result<recovered>> memory_store::recover(std::uint32_t, std::string) {
  co_return recovered{};
}

asio::awaitable<result<std::vector<std::optional<message::stored_value>>>>
memory_store::read(message::address const& self, message::state_specs const& wanted) {
  std::vector<std::optional<message::stored_value>> values(wanted.size());
  auto const& states = partition_of(self).states;
  if (auto const found = states.find(self); found != states.end())
    for (auto const& [name, value] : found->second)
      for (std::size_t i = 0; i < wanted.size(); ++i)
        if (wanted[i].name == name)
          values[i] = value;
  co_return values;
}

asio::awaitable<result<std::vector<state_summary>>> memory_store::list_states(message::address const& self) {
  std::vector<state_summary> all;
  auto const& states = partition_of(self).states;
  if (auto const found = states.find(self); found != states.end())
    for (auto const& [name, kept] : found->second)
      all.push_back({name, kept.value.type_name, kept.value.bytes.size(), kept.expires_at_ms});
  std::sort(all.begin(), all.end(), [](auto const& one, auto const& other) { return one.name < other.name; });
  co_return all;
}

asio::awaitable<result<std::optional<key_row>>> memory_store::read_key(message::address const& self,
                                                                       std::string const& idempotency_key) {
  std::lock_guard const lock(order_);
  forget_expired_keys();
  auto const found = keys_.find({self, idempotency_key});
  bool const lasts = found != keys_.end() && found->second.key.expires_at_ms > clock::unix_ms();
  co_return lasts ? std::optional<key_row>(found->second) : std::nullopt;
}

bool memory_store::has_room_for_key() noexcept {
  std::lock_guard const lock(order_);
  forget_expired_keys();
  return keys_.size() < keys_max_;
}

ticket memory_store::commit(message::change const& whole) noexcept {
  std::uint64_t const number = order(whole);
  if (!whole.states.empty())
    apply_states(whole, partition_of(whole.self));
  return ticket(number);
}

std::uint64_t memory_store::order(message::change const& whole) {
  std::lock_guard const lock(order_);
  std::uint64_t const number = next_number_++;
  for (auto const& record : whole.egress_records) {
    auto& to = open(record.egress);
    to.last_sequence = next_number_++;
    to.account->bytes.fetch_add(record_bytes(whole.self, record.value), std::memory_order_relaxed);
    to.account->records_count.fetch_add(1, std::memory_order_relaxed);
    to.records.push_back({to.last_sequence, whole.self, record.value});
  }
  if (whole.departed) {
    auto& from = open(whole.departed->egress);
    while (!from.records.empty() && from.records.front().sequence <= whole.departed->through_sequence) {
      auto const& gone = from.records.front();
      from.account->bytes.fetch_sub(record_bytes(gone.from, gone.value), std::memory_order_relaxed);
      from.account->records_count.fetch_sub(1, std::memory_order_relaxed);
      from.records.pop_front();
    }
  }
  if (!whole.dead_letters.empty() || !whole.dead_letters_gone.empty())
    keep_dead_letters(whole);
  if (whole.key) {
    key_of_address key{whole.self, whole.key->idempotency_key};
    keys_by_expiry_.emplace_back(whole.key->expires_at_ms, key);
    keys_.insert_or_assign(std::move(key), key_row{*whole.key, {number, 0}});
  }
  return number;
}

void memory_store::keep_dead_letters(message::change const& whole) {
  for (auto const& one : whole.dead_letters)
    if (dead_letters_.try_emplace({one.message.key, whole.self}, one).second) {
      dead_letters_account_.bytes.fetch_add(dead_letter_bytes(whole.self, one), std::memory_order_relaxed);
      dead_letters_account_.count.fetch_add(1, std::memory_order_relaxed);
    }
  for (auto const& key : whole.dead_letters_gone)
    if (auto const found = dead_letters_.find({key, whole.self}); found != dead_letters_.end()) {
      dead_letters_account_.bytes.fetch_sub(dead_letter_bytes(whole.self, found->second), std::memory_order_relaxed);
      dead_letters_account_.count.fetch_sub(1, std::memory_order_relaxed);
      dead_letters_.erase(found);
    }
}

memory_store::queue& memory_store::open(message::egress_id const& id) {
  return queues_[id];
}

void memory_store::apply_states(message::change const& whole, partition& into) {
  auto& held = into.states[whole.self];
  for (auto const& change : whole.states) {
    auto const found =
        std::find_if(held.begin(), held.end(), [&](auto const& entry) { return entry.first == change.name; });
    if (change.value && found != held.end())
      found->second = *change.value;
    else if (change.value)
      held.emplace_back(change.name, *change.value);
    else if (found != held.end())
      held.erase(found);
  }
  if (held.empty())
    into.states.erase(whole.self);
}

void memory_store::forget_expired_keys() {
  auto const now_ms = clock::unix_ms();
  // Not all at once, under the lock; but as many as make room.
  for (std::size_t count = 0; !keys_by_expiry_.empty() && keys_by_expiry_.front().first <= now_ms &&
                              (count < expired_keys_forgotten_max || keys_.size() >= keys_max_);
       ++count) {
    // After the wall clock was set back a row may stand behind a later one, and may have been given anew meanwhile.
    auto const row = keys_.find(keys_by_expiry_.front().second);
    if (row != keys_.end() && row->second.key.expires_at_ms <= now_ms)
      keys_.erase(row);
    keys_by_expiry_.pop_front();
  }
}

ticket memory_store::ordered_so_far() const noexcept {
  std::lock_guard const lock(order_);
  return ticket(next_number_ - 1);
}

asio::awaitable<result<void>> memory_store::durable(ticket) {
  co_return result<void>{};
}

asio::awaitable<result<std::vector<kept_message>>> memory_store::read_messages(message::address const&,
                                                                               message::entry_key const&,
                                                                               message::entry_key const&, std::size_t,
                                                                               std::uint64_t) {
  co_return std::vector<kept_message>{};
}

asio::awaitable<result<std::vector<kept_delayed>>> memory_store::read_delayed(std::uint32_t,
                                                                              message::delayed_key const&,
                                                                              message::delayed_key const&, std::size_t,
                                                                              std::uint64_t) {
  co_return std::vector<kept_delayed>{};
}

asio::awaitable<result<std::vector<message::delayed_key>>> memory_store::find_delayed(message::address const&,
                                                                                      std::string const&) {
  co_return std::vector<message::delayed_key>{};
}

std::shared_ptr<egress_account const> memory_store::find_account(message::egress_id const& egress) const {
  std::lock_guard const lock(order_);
  auto const found = queues_.find(egress);
  return found == queues_.end() ? nullptr : found->second.account;
}

std::size_t memory_store::accounts_count() const {
  std::lock_guard const lock(order_);
  return queues_.size();
}

std::vector<std::pair<message::egress_id, std::shared_ptr<egress_account const>>> memory_store::accounts() const {
  std::lock_guard const lock(order_);
  std::vector<std::pair<message::egress_id, std::shared_ptr<egress_account const>>> all;
  all.reserve(queues_.size());
  for (auto const& [id, kept] : queues_)
    all.emplace_back(id, kept.account);
  return all;
}

asio::awaitable<result<egress_page>> memory_store::read_egress(message::egress_id const& egress, std::uint64_t after,
                                                               std::size_t records_max, std::uint64_t bytes_max) {
  egress_page page;
  std::lock_guard const lock(order_);
  auto const found = queues_.find(egress);
  if (found == queues_.end())
    co_return page;
  page.last_sequence = found->second.last_sequence;
  auto const& records = found->second.records;
  auto next = std::upper_bound(records.begin(), records.end(), after,
                               [](std::uint64_t sequence, auto const& record) { return sequence < record.sequence; });
  std::uint64_t bytes = 0;
  for (; next != records.end() && page.records.size() < records_max; ++next) {
    bytes += record_bytes(next->from, next->value);
    if (!page.records.empty() && bytes > bytes_max)
      break;
    page.records.push_back(*next);
  }
  co_return page;
}

bool memory_store::has_room_for(message::dead_letter const& one) const noexcept {
  return dead_letters_account_.count.load(std::memory_order_relaxed) < dead_letters_max_ &&
         dead_letters_account_.bytes.load(std::memory_order_relaxed) + one.message.value.size_bytes() +
                 one.reason.size() <=
             dead_letters_bytes_max_;
}

asio::awaitable<result<std::optional<message::dead_letter>>> memory_store::read_dead_letter(dead_letter_id const& id) {
  std::lock_guard const lock(order_);
  auto const found = dead_letters_.find(id);
  co_return found == dead_letters_.end() ? std::nullopt : std::optional(found->second);
}

asio::awaitable<result<std::vector<dead_letter_row>>>
memory_store::read_dead_letters(dead_letter_filter const& wanted, std::optional<dead_letter_id> const& after,
                                std::size_t count_max, std::uint64_t bytes_max) {
  std::vector<dead_letter_row> rows;
  std::uint64_t bytes = 0;
  std::lock_guard const lock(order_);
  auto next = after ? dead_letters_.upper_bound(*after) : dead_letters_.begin();
  for (; next != dead_letters_.end() && rows.size() < count_max; ++next) {
    auto const& [id, letter] = *next;
    if (!wanted.takes(id.self))
      continue;
    bytes += dead_letter_bytes(id.self, letter);
    if (!rows.empty() && bytes > bytes_max)
      break;
    rows.push_back({id.self, letter});
  }
  co_return rows;
}

asio::awaitable<result<backup_report>> memory_store::back_up(std::string) {
  co_return error{errc::keeps_nothing, "the memory store has no files that could be copied"};
}

} // namespace statefund::store
