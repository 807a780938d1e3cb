#include "store/rocks_store.hpp"

#include "clock/clock.hpp"
#include "store/backup.hpp"
#include "store/row_parts.hpp"
#include "store/table_reads.hpp"
#include "task/event.hpp"
#include "task/gate.hpp"
#include "task/on.hpp"

#include <boost/asio/strand.hpp>

#include <algorithm>
#include <iterator>

namespace statefund::store {

namespace asio = boost::asio;

namespace {

constexpr std::size_t reader_threads = 2;
// What one part of a recovery holds.
constexpr std::size_t recovered_rows_max = 4096;
constexpr std::uint64_t recovered_bytes_max = 4U << 20U;
// That one change removes: it is encoded under the lock of the order (some 0.2 us a record).
constexpr std::size_t departed_records_max = 1024;

template <class T, class Read>
asio::awaitable<result<T>> run_read(Read read) {
  co_return read();
}

// Reads on a thread that may wait for the disk. A failure is the store's end.
template <class T, class Read>
asio::awaitable<result<T>> read_aside(asio::any_io_executor readers, latch& failed, Read read) {
  auto const one_at_a_time = asio::make_strand(readers);
  auto found = co_await task::on(one_at_a_time, run_read<T>(std::move(read)));
  if (found)
    co_return found;
  failed.trip(found.error());
  co_return error{errc::lost, found.error().to_string()};
}

// Tries at once what is in memory.
template <class T, class Read>
asio::awaitable<result<T>> read_row(asio::any_io_executor readers, latch& failed, Read read) {
  if (auto at_once = read(reach::memory); at_once && *at_once)
    co_return std::move(*at_once);
  auto on_disk = [read = std::move(read)] { return *read(reach::disk); };
  auto found = co_await read_aside<T>(readers, failed, std::move(on_disk));
  co_return found;
}

// The first record from `first` on that is counted and not in the page, as far as the page goes. Whoever reads past one
// acknowledges it. What was acknowledged since the page was read is not counted any more.
std::optional<std::uint64_t> find_missing(std::deque<std::pair<std::uint64_t, std::uint64_t>> const& counted,
                                          std::uint64_t first, std::vector<numbered_record> const& page) {
  auto const through = page.empty() ? first : page.back().sequence;
  auto const is_before = [](auto const& record, std::uint64_t sequence) { return record.first < sequence; };
  auto read = page.begin();
  for (auto kept = std::lower_bound(counted.begin(), counted.end(), first, is_before);
       kept != counted.end() && kept->first <= through; ++kept) {
    read =
        std::find_if(read, page.end(), [&](numbered_record const& record) { return record.sequence >= kept->first; });
    if (read == page.end() || read->sequence != kept->first)
      return kept->first;
  }
  return std::nullopt;
}

struct release {
  std::atomic<bool>& taken;
  ~release() { taken = false; }
};

asio::awaitable<result<backup_report>> copy_on_disk(database& from, std::string const& directory,
                                                    std::atomic<bool> const& cancelled) {
  co_return copy_into(from, directory, cancelled);
}

struct copying {
  std::string const directory;
  task::event ended;
  std::atomic<bool> cancelled = false;
  std::optional<result<backup_report>> told = std::nullopt;
};

asio::awaitable<void> copy_aside(database& from, asio::any_io_executor copiers, copying& into) {
  auto copy = copy_on_disk(from, into.directory, into.cancelled);
  auto told = co_await task::on(copiers, std::move(copy));
  into.told.emplace(std::move(told));
  into.ended.notify_all();
}

} // namespace

result<std::unique_ptr<rocks_store>> rocks_store::open(rocks_store_options const& chosen,
                                                       std::function<void(error const&)> lost) {
  std::unique_ptr<rocks_store> own(new rocks_store(chosen, std::move(lost)));
  auto opened = database::open(chosen.database, own->latch_);
  if (!opened)
    return opened.error();
  own->database_ = std::move(*opened);
  for (std::uint32_t i = 0; i < own->database_->partition_count(); ++i)
    own->partitions_.emplace_back(own->cache_budget_);
  if (auto const loaded = own->load(); !loaded)
    return loaded.error();
  auto const now_us = static_cast<std::uint64_t>(clock::unix_ms()) * 1000;
  own->order_ = std::make_unique<commit_queue>(*own->database_, own->latch_, chosen.sync, chosen.free_bytes_min,
                                               std::max(own->database_->found().last_number + 1, now_us));
  return own;
}

rocks_store::rocks_store(rocks_store_options const& chosen, std::function<void(error const&)> lost)
    : chosen_(chosen),
      latch_(std::move(lost)),
      cache_budget_{chosen.cache_bytes_max},
      readers_(reader_threads) {}

rocks_store::~rocks_store() = default;

result<void> rocks_store::load() {
  database_->progress().begins(opening_step::reading_tables);
  for (auto const step : {&rocks_store::load_egresses, &rocks_store::load_keys, &rocks_store::load_dead_letters})
    if (auto const loaded = (this->*step)(); !loaded)
      return loaded.error();
  return {};
}

result<void> rocks_store::load_egresses() {
  auto const cursors = scan_rows(*database_, table::egress_cursor, {}, egress_table::parse_cursor,
                                 [this](egress_table::cursor_row const& row) {
                                   database_->progress().read_row();
                                   queues_[row.egress].gone_through = row.gone_through;
                                   return true;
                                 });
  if (!cursors)
    return cursors.error();
  return scan_rows(*database_, table::egress, {}, egress_table::parse, [this](egress_table::row const& row) {
    database_->progress().read_row();
    auto& own = queues_[row.egress];
    auto const bytes = record_bytes(row.record.from, row.record.value);
    own.records.emplace_back(row.record.sequence, bytes);
    own.account->bytes += bytes;
    ++own.account->records_count;
    return true;
  });
}

result<void> rocks_store::load_keys() {
  auto const now_ms = clock::unix_ms();
  return scan_rows(*database_, table::idempotency, {}, idempotency_table::parse,
                   [this, now_ms](idempotency_table::row const& row) {
                     database_->progress().read_row();
                     if (row.kept.key.expires_at_ms > now_ms)
                       count_key(row.kept.key.expires_at_ms);
                     return true;
                   });
}

result<void> rocks_store::load_dead_letters() {
  return scan_rows(*database_, table::dead_letter, {}, dead_letter_table::parse, [this](dead_letter_row const& row) {
    database_->progress().read_row();
    auto const bytes = dead_letter_bytes(row.self, row.letter);
    dead_letter_bytes_.emplace(row.id(), bytes);
    ++dead_letters_account_.count;
    dead_letters_account_.bytes += bytes;
    return true;
  });
}

std::uint32_t rocks_store::partition_count() const noexcept {
  return database_->partition_count();
}

rocks_store::partition_data& rocks_store::partition_of(message::address const& self) noexcept {
  return partitions_[message::partition_of(self, partition_count())];
}

asio::awaitable<result<recovered>> rocks_store::recover(std::uint32_t partition, std::string from) {
  // from = table 1 byte, the last key that was seen
  auto const read = [this, partition, from]() -> result<recovered> {
    recovered part;
    std::size_t rows = 0;
    std::uint64_t bytes = 0;
    std::string prefix;
    put_partition(prefix, partition);
    auto const scan_table = [&](table of, auto const& add) -> result<void> {
      auto const tag = static_cast<char>(of);
      if (part.next || (!from.empty() && from.front() > tag))
        return {};
      auto range = keys_with(prefix);
      if (!from.empty() && from.front() == tag)
        range.from = behind(from.substr(1));
      return scan(*database_, of, range, [&](std::string_view key, std::string_view value) -> result<bool> {
        if (!add(key, value))
          return damaged_row(of);
        bytes += value.size();
        if (++rows < recovered_rows_max && bytes < recovered_bytes_max)
          return true;
        part.next = tag + std::string(key);
        return false;
      });
    };
    auto const into = [](auto& all, auto row) {
      if (row)
        all.push_back(std::move(*row));
      return row.has_value();
    };
    result<void> done = scan_table(table::mailbox, [&](std::string_view key, std::string_view value) {
      return into(part.messages, mailbox_table::parse(key, value));
    });
    if (done)
      done = scan_table(table::pause, [&](std::string_view key, std::string_view value) {
        return into(part.pauses, pause_table::parse(key, value));
      });
    if (!done)
      return done.error();
    return part;
  };
  return read_aside<recovered>(readers_.get_executor(), latch_, read);
}

asio::awaitable<result<std::vector<std::optional<message::stored_value>>>>
rocks_store::read(message::address const& self, message::state_specs const& wanted) {
  auto const partition = message::partition_of(self, partition_count());
  auto& cache = partitions_[partition].states;
  std::vector<std::optional<message::stored_value>> values(wanted.size());
  bool all_known = true;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    auto const* known = cache.find(self, wanted[i].name);
    if (!known) {
      auto const get_value = [this, key = state_table::key_of(partition, self, wanted[i].name)](reach as_far) {
        return get(*database_, table::state, key, as_far);
      };
      auto const row = co_await read_row<std::optional<std::string>>(readers_.get_executor(), latch_, get_value);
      if (!row)
        co_return row.error();
      std::optional<message::stored_value> value;
      if (*row && !(value = state_table::parse_value(**row))) {
        latch_.trip(damaged_row(table::state));
        co_return error{errc::lost, latch_.why().to_string()};
      }
      known = &cache.was_read(self, wanted[i].name, std::move(value));
      all_known = false;
    }
    values[i] = *known;
  }
  if (!all_known)
    cache.evict(order_->written_through());
  co_return values;
}

asio::awaitable<result<std::vector<state_summary>>> rocks_store::list_states(message::address const& self) {
  // What the address has changed and is not written yet is in no table.
  auto const written = co_await order_->wait_for(order_->last_number());
  if (!written)
    co_return written.error();
  auto const list = [this, prefix = state_table::prefix_of(message::partition_of(self, partition_count()), self)] {
    return collect(std::vector<state_summary>(), *database_, table::state, keys_with(prefix), state_table::parse,
                   [](auto& all, state_table::row row) {
                     auto const& [typed, expires_at_ms] = row.kept;
                     all.push_back({std::move(row.name), typed.type_name, typed.bytes.size(), expires_at_ms});
                     return true;
                   });
  };
  auto all = co_await read_aside<std::vector<state_summary>>(readers_.get_executor(), latch_, list);
  if (all)
    std::sort(all->begin(), all->end(), [](auto const& one, auto const& other) { return one.name < other.name; });
  co_return all;
}

void rocks_store::forget_written_keys(partition_data& of) {
  auto const written = order_->written_through();
  while (!of.keys_by_number.empty() && of.keys_by_number.front().first <= written) {
    auto const& [number, key] = of.keys_by_number.front();
    if (auto const found = of.keys.find(key); found != of.keys.end() && found->second.first.number == number)
      of.keys.erase(found);
    of.keys_by_number.pop_front();
  }
}

asio::awaitable<result<std::optional<key_row>>> rocks_store::read_key(message::address const& self,
                                                                      std::string const& idempotency_key) {
  auto const partition = message::partition_of(self, partition_count());
  auto& own = partitions_[partition];
  forget_written_keys(own);
  std::optional<key_row> kept;
  if (auto const found = own.keys.find({self, idempotency_key}); found != own.keys.end()) {
    kept = found->second;
  } else {
    auto const get_row = [this, key = idempotency_table::key_of(partition, self, idempotency_key)](reach as_far) {
      return get_part(*database_, table::idempotency, key, as_far, idempotency_table::parse,
                      &idempotency_table::row::kept);
    };
    auto read = co_await read_row<std::optional<key_row>>(readers_.get_executor(), latch_, get_row);
    if (!read)
      co_return read.error();
    kept = std::move(*read);
  }
  if (kept && kept->key.expires_at_ms <= clock::unix_ms())
    kept.reset();
  co_return kept;
}

void rocks_store::count_key(std::int64_t expires_at_ms) {
  ++keys_by_expiry_[expires_at_ms];
  ++keys_count_;
}

bool rocks_store::has_room_for_key() noexcept {
  return order_->locked([this] {
    auto const now_ms = clock::unix_ms();
    // Not all at once, under the lock; but as many as make room.
    for (std::size_t count = 0; !keys_by_expiry_.empty() && keys_by_expiry_.begin()->first <= now_ms &&
                                (count < expired_keys_forgotten_max || keys_count_ >= chosen_.keys_max);
         ++count) {
      keys_count_ -= keys_by_expiry_.begin()->second;
      keys_by_expiry_.erase(keys_by_expiry_.begin());
    }
    return keys_count_ < chosen_.keys_max;
  });
}

ticket rocks_store::commit(message::change const& whole) noexcept {
  bool all_departed = true;
  auto number =
      order_->order(encoded_change(whole, partition_count()), whole.egress_records.size(),
                    [&](std::uint64_t given, encoded_change& next) { all_departed = account_for(whole, given, next); });
  while (!all_departed)
    number = order_->order(encoded_change(), 0, [&](std::uint64_t, encoded_change& next) {
      all_departed = remove_departed(*whole.departed, next);
    });
  if (whole.states.empty() && !whole.key)
    return ticket(number);
  auto& own = partition_of(whole.self);
  if (!whole.states.empty()) {
    own.states.changed(whole.self, whole.states, number);
    own.states.evict(order_->written_through());
  }
  if (whole.key) {
    forget_written_keys(own);
    key_of_address key{whole.self, whole.key->idempotency_key};
    own.keys.insert_or_assign(key, key_row{*whole.key, {number, 0}});
    own.keys_by_number.emplace_back(number, std::move(key));
  }
  return ticket(number);
}

bool rocks_store::account_for(message::change const& whole, std::uint64_t number, encoded_change& next) {
  next.set_number(number);
  auto sequence = number;
  for (auto const& record : whole.egress_records) {
    auto& to = queues_[record.egress];
    auto const bytes = record_bytes(whole.self, record.value);
    to.records.emplace_back(++sequence, bytes);
    to.account->bytes.fetch_add(bytes, std::memory_order_relaxed);
    to.account->records_count.fetch_add(1, std::memory_order_relaxed);
  }
  for (auto const& letter : whole.dead_letters) {
    auto const bytes = dead_letter_bytes(whole.self, letter);
    if (dead_letter_bytes_.try_emplace({letter.message.key, whole.self}, bytes).second) {
      dead_letters_account_.count.fetch_add(1, std::memory_order_relaxed);
      dead_letters_account_.bytes.fetch_add(bytes, std::memory_order_relaxed);
    }
  }
  for (auto const& key : whole.dead_letters_gone)
    if (auto const found = dead_letter_bytes_.find({key, whole.self}); found != dead_letter_bytes_.end()) {
      dead_letters_account_.count.fetch_sub(1, std::memory_order_relaxed);
      dead_letters_account_.bytes.fetch_sub(found->second, std::memory_order_relaxed);
      dead_letter_bytes_.erase(found);
    }
  if (whole.key)
    count_key(whole.key->expires_at_ms);
  return !whole.departed || remove_departed(*whole.departed, next);
}

bool rocks_store::remove_departed(message::departure const& departed, encoded_change& next) {
  auto& from = queues_[departed.egress];
  auto const has_more = [&] {
    return !from.records.empty() && from.records.front().first <= departed.through_sequence;
  };
  std::vector<std::uint64_t> gone;
  while (has_more() && gone.size() < departed_records_max) {
    auto const& [sequence, bytes] = from.records.front();
    gone.push_back(sequence);
    from.gone_through = sequence;
    from.account->bytes.fetch_sub(bytes, std::memory_order_relaxed);
    from.account->records_count.fetch_sub(1, std::memory_order_relaxed);
    from.records.pop_front();
  }
  if (!gone.empty())
    next.remove_records(message::partition_of(departed.egress, partition_count()), departed.egress, gone);
  return !has_more();
}

asio::awaitable<result<std::vector<kept_message>>>
rocks_store::read_messages(message::address const& target, message::entry_key const& after,
                           message::entry_key const& through, std::size_t count_max, std::uint64_t bytes_max) {
  auto const partition = message::partition_of(target, partition_count());
  key_range const range{behind(mailbox_table::key_of(partition, target, after)),
                        behind(mailbox_table::key_of(partition, target, through))};
  auto const read = [this, range, count_max, bytes_max] {
    std::uint64_t bytes = 0;
    return collect(std::vector<kept_message>(), *database_, table::mailbox, range, mailbox_table::parse,
                   [&](auto& rows, kept_message row) {
                     bytes += row.envelope.value.size_bytes();
                     if (!rows.empty() && bytes > bytes_max)
                       return false;
                     rows.push_back(std::move(row));
                     return rows.size() < count_max;
                   });
  };
  return read_aside<std::vector<kept_message>>(readers_.get_executor(), latch_, read);
}

asio::awaitable<result<std::vector<kept_delayed>>>
rocks_store::read_delayed(std::uint32_t partition, message::delayed_key const& after,
                          message::delayed_key const& through, std::size_t count_max, std::uint64_t bytes_max) {
  key_range const range{behind(delayed_table::key_of(partition, after)),
                        behind(delayed_table::key_of(partition, through))};
  auto const read = [this, range, count_max, bytes_max] {
    std::uint64_t bytes = 0;
    return collect(std::vector<kept_delayed>(), *database_, table::delayed, range, delayed_table::parse,
                   [&](auto& rows, kept_delayed row) {
                     bytes += row.set.message.value.size_bytes();
                     if (!rows.empty() && bytes > bytes_max)
                       return false;
                     rows.push_back(std::move(row));
                     return rows.size() < count_max;
                   });
  };
  return read_aside<std::vector<kept_delayed>>(readers_.get_executor(), latch_, read);
}

asio::awaitable<result<std::vector<message::delayed_key>>>
rocks_store::find_delayed(message::address const& owner, std::string const& cancellation_token) {
  auto const prefix =
      delayed_token_table::prefix_of(message::partition_of(owner, partition_count()), owner, cancellation_token);
  auto const find = [this, prefix] {
    return collect(std::vector<message::delayed_key>(), *database_, table::delayed_token, keys_with(prefix),
                   delayed_token_table::parse, [](auto& rows, message::delayed_key const& row) {
                     rows.push_back(row);
                     return true;
                   });
  };
  return read_aside<std::vector<message::delayed_key>>(readers_.get_executor(), latch_, find);
}

std::shared_ptr<egress_account const> rocks_store::find_account(message::egress_id const& egress) const {
  return order_->locked([&]() -> std::shared_ptr<egress_account const> {
    auto const found = queues_.find(egress);
    return found == queues_.end() ? nullptr : found->second.account;
  });
}

std::size_t rocks_store::accounts_count() const {
  return order_->locked([&] { return queues_.size(); });
}

std::vector<std::pair<message::egress_id, std::shared_ptr<egress_account const>>> rocks_store::accounts() const {
  return order_->locked([&] {
    std::vector<std::pair<message::egress_id, std::shared_ptr<egress_account const>>> all;
    all.reserve(queues_.size());
    for (auto const& [id, kept] : queues_)
      all.emplace_back(id, kept.account);
    return all;
  });
}

asio::awaitable<result<egress_page>> rocks_store::read_egress(message::egress_id const& egress, std::uint64_t after,
                                                              std::size_t records_max, std::uint64_t bytes_max) {
  auto const written = order_->written_through();
  std::uint64_t first = 0; // that is to be shown
  std::uint64_t last = 0;
  auto const last_sequence = order_->locked([&]() -> std::uint64_t {
    auto const found = queues_.find(egress);
    if (found == queues_.end())
      return 0;
    auto const& records = found->second.records;
    auto const behind = [](std::uint64_t sequence, auto const& record) { return sequence < record.first; };
    auto const begin = std::upper_bound(records.begin(), records.end(), after, behind);
    auto const end = std::upper_bound(records.begin(), records.end(), written, behind);
    if (begin < end) {
      first = begin->first;
      last = std::prev(end)->first;
    }
    return end == records.begin() ? found->second.gone_through : std::prev(end)->first;
  });
  if (first == 0 || records_max == 0)
    co_return egress_page{{}, last_sequence};

  auto const partition = message::partition_of(egress, partition_count());
  key_range const range{egress_table::key_of(partition, egress, first),
                        behind(egress_table::key_of(partition, egress, last))};
  auto const read = [this, range, last_sequence, records_max, bytes_max] {
    std::uint64_t bytes = 0;
    return collect(egress_page{{}, last_sequence}, *database_, table::egress, range, egress_table::parse,
                   [&](egress_page& page, egress_table::row row) {
                     bytes += record_bytes(row.record.from, row.record.value);
                     if (!page.records.empty() && bytes > bytes_max)
                       return false;
                     page.records.push_back(std::move(row.record));
                     return page.records.size() < records_max;
                   });
  };
  auto page = co_await read_aside<egress_page>(readers_.get_executor(), latch_, read);
  if (!page)
    co_return page.error();
  auto const missing = order_->locked([&] { return find_missing(queues_[egress].records, first, page->records); });
  if (missing) {
    latch_.trip({errc::row_damaged,
                 "the record " + std::to_string(*missing) + " of " + message::to_text(egress) + " is missing"});
    co_return error{errc::lost, latch_.why().to_string()};
  }
  co_return page;
}

bool rocks_store::has_room_for(message::dead_letter const& one) const noexcept {
  return dead_letters_account_.count.load(std::memory_order_relaxed) < chosen_.dead_letters_max &&
         dead_letters_account_.bytes.load(std::memory_order_relaxed) + one.message.value.size_bytes() +
                 one.reason.size() <=
             chosen_.dead_letters_bytes_max;
}

asio::awaitable<result<std::optional<message::dead_letter>>> rocks_store::read_dead_letter(dead_letter_id const& id) {
  if (!order_->locked([&] { return dead_letter_bytes_.contains(id); }))
    co_return std::nullopt;
  auto const written = co_await order_->wait_for(order_->last_number());
  if (!written)
    co_return written.error();
  auto const read = [this, key = dead_letter_table::key_of(message::partition_of(id.self, partition_count()), id)](
                        reach as_far) {
    return get_part(*database_, table::dead_letter, key, as_far, dead_letter_table::parse, &dead_letter_row::letter);
  };
  auto letter = co_await read_row<std::optional<message::dead_letter>>(readers_.get_executor(), latch_, read);
  co_return letter;
}

asio::awaitable<result<std::vector<dead_letter_row>>>
rocks_store::read_dead_letters(dead_letter_filter const& wanted, std::optional<dead_letter_id> const& after,
                               std::size_t count_max, std::uint64_t bytes_max) {
  auto const chosen = order_->locked([&] {
    std::vector<dead_letter_id> ids;
    std::uint64_t bytes = 0;
    auto next = after ? dead_letter_bytes_.upper_bound(*after) : dead_letter_bytes_.begin();
    for (; next != dead_letter_bytes_.end() && ids.size() < count_max; ++next) {
      if (!wanted.takes(next->first.self))
        continue;
      bytes += next->second;
      if (!ids.empty() && bytes > bytes_max)
        break;
      ids.push_back(next->first);
    }
    return ids;
  });
  std::vector<dead_letter_row> rows;
  for (auto const& id : chosen) {
    auto letter = co_await read_dead_letter(id);
    if (!letter)
      co_return letter.error();
    if (*letter) // else it has gone meanwhile
      rows.push_back({id.self, std::move(**letter)});
  }
  co_return rows;
}

asio::awaitable<result<backup_report>> rocks_store::back_up(std::string directory) {
  if (copies_.exchange(true))
    co_return error{errc::backup_under_way, "one at a time"};
  release const at_end{copies_};
  auto const executor = co_await asio::this_coro::executor;
  copying own{std::move(directory), task::event(executor)};
  // A thread that copies does not see that its caller is cancelled.
  task::gate aside(executor);
  aside.start(copy_aside(*database_, copiers_.get_executor(), own));
  while (!own.told && !own.cancelled) {
    auto const never = clock::deadline::never();
    auto const end = co_await own.ended.wait(never);
    own.cancelled = end == task::wait_end::cancelled;
  }
  co_await aside.close();
  co_return std::move(*own.told);
}

} // namespace statefund::store
