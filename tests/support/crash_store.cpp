#include "support/crash_store.hpp"

#include "error/ensure.hpp"

#include <algorithm>

namespace statefund::support {

namespace asio = boost::asio;
using statefund::store::errc;

namespace {

constexpr std::uint64_t numbers_in_advance = 32;

} // namespace

void disk::looked_up::apply(numbered_change const& next, mistake planted) {
  auto const& whole = next.whole;
  if (!whole.states.empty()) {
    auto& held = states[whole.self];
    for (auto const& change : whole.states)
      if (!change.value)
        held.erase(change.name);
      else if (auto const [row, is_new] = held.try_emplace(change.name, *change.value); !is_new) {
        auto const stamp = row->second.expires_at_ms;
        row->second = *change.value;
        if (planted == mistake::stamp_of_first_write)
          row->second.expires_at_ms = stamp;
      }
    if (held.empty())
      states.erase(whole.self);
  }
  if (whole.key)
    keys.insert_or_assign({whole.self, whole.key->idempotency_key},
                          statefund::store::key_row{*whole.key, {next.number, 0}});
  for (std::size_t i = 0; i < whole.egress_records.size(); ++i) {
    auto const& record = whole.egress_records[i];
    auto const sequence = next.sequences[i];
    queues[record.egress].records.emplace(sequence,
                                          statefund::store::numbered_record{sequence, whole.self, record.value});
  }
  if (whole.departed) {
    auto& from = queues[whole.departed->egress];
    auto const last = from.records.upper_bound(whole.departed->through_sequence);
    if (last != from.records.begin())
      from.last_shown = std::max(from.last_shown, std::prev(last)->first);
    from.records.erase(from.records.begin(), last);
  }
  for (auto const& letter : whole.dead_letters)
    dead_letters.emplace(statefund::store::dead_letter_id{letter.message.key, whole.self}, letter);
  for (auto const& key : whole.dead_letters_gone)
    dead_letters.erase({key, whole.self});
}

void disk::rows::apply(numbered_change const& next, mistake planted) {
  read.apply(next, planted);
  apply_messages(next, planted);
  auto const& whole = next.whole;
  if (whole.pause && whole.pause->paused)
    pauses.insert_or_assign(whole.self, *whole.pause->paused);
  else if (whole.pause)
    pauses.erase(whole.self);
}

void disk::rows::apply_messages(numbered_change const& next, mistake planted) {
  auto const& whole = next.whole;
  last_number = std::max(last_number, next.last_number());
  if (!whole.consumed.empty()) {
    auto& own = mailboxes[whole.self];
    for (auto const& key : whole.consumed)
      own.erase(key);
    if (planted == mistake::consume_by_range)
      own.erase(own.begin(), own.upper_bound(*std::max_element(whole.consumed.begin(), whole.consumed.end())));
    if (own.empty())
      mailboxes.erase(whole.self);
  }
  for (std::uint32_t i = 0; i < whole.messages.size(); ++i)
    mailboxes[whole.messages[i].target].emplace(message::entry_key{next.number, i}, whole.messages[i]);
  for (auto const& one : whole.delayed_gone)
    delayed.erase(one.row);
  for (std::uint32_t i = 0; i < whole.delayed_set.size(); ++i) {
    auto const& set = whole.delayed_set[i];
    delayed.emplace(message::delayed_key{set.due_ms, {next.number, i}}, std::pair(whole.self, set));
  }
}

void disk::lose_power(std::size_t kept_count) {
  written_.resize(std::min(written_.size(), synced_count_ + kept_count));
}

crash_store::crash_store(disk& on, asio::any_io_executor const& executor, pace moves, crash_store_options const& chosen)
    : disk_(on),
      pace_(moves),
      chosen_(chosen),
      changed_(executor),
      taken_in_advance_(chosen.shards_count) {
  bring_back();
}

void crash_store::bring_back() {
  auto found = disk_.rows_;
  auto& written = disk_.written_;
  if (chosen_.planted == mistake::consumed_apart && !written.empty())
    written.back().whole.consumed.clear();
  if (chosen_.planted == mistake::letter_stays)
    for (auto i = disk_.synced_count_; i < written.size(); ++i)
      written[i].whole.dead_letters_gone.clear();
  for (auto const& change : written)
    found.apply(change, chosen_.planted);
  if (chosen_.planted == mistake::recovered_counts_as_durable) {
    found_unsynced_count_ = written.size() - disk_.synced_count_;
  } else {
    disk_.rows_ = found;
    written.clear();
    disk_.synced_count_ = 0;
  }
  durable_through_ = found.last_number;
  next_number_ = std::max(found.last_number + 1, static_cast<std::uint64_t>(clock::unix_ms()) * 1000);

  auto const of = [&](message::address const& self) -> statefund::store::recovered& {
    return found_[message::partition_of(self, chosen_.partition_count)];
  };
  for (auto const& [target, entries] : found.mailboxes)
    for (auto const& [key, envelope] : entries)
      of(target).messages.push_back({key, envelope});
  for (auto const& [self, why] : found.pauses)
    of(self).pauses.push_back({self, why});

  written_rows_.mailboxes = std::move(found.mailboxes);
  for (auto& [row, entry] : found.delayed) {
    auto [due_ms, key] = row;
    if (chosen_.planted == mistake::timer_in_seconds)
      entry.second.due_ms = due_ms -= due_ms % 1000;
    written_rows_.delayed.emplace(message::delayed_key{due_ms, key}, entry);
    key.index += 1'000'000;
    if (chosen_.planted == mistake::timer_loaded_twice)
      written_rows_.delayed.emplace(message::delayed_key{due_ms, key}, entry);
  }
  found_delayed_count_ = written_rows_.delayed.size();
  written_rows_.last_number = found.last_number;
  now_ = std::move(found.read);
  for (auto const& [egress, kept] : now_.queues) {
    auto const& own = open(egress);
    for (auto const& [sequence, record] : kept.records)
      own->bytes += statefund::store::record_bytes(record.from, record.value);
    own->records_count = kept.records.size();
  }
  for (auto const& [id, letter] : now_.dead_letters) {
    ++dead_letters_.count;
    dead_letters_.bytes += statefund::store::dead_letter_bytes(id.self, letter);
  }
  last_given_ = found.last_number;
}

std::size_t crash_store::next_to_write() const {
  if (chosen_.planted != mistake::queue_a_shard)
    return 0;
  // The queue of another shard each time, from its front.
  auto const shard_of = [&](numbered_change const& one) {
    return message::partition_of(one.whole.self, chosen_.partition_count) % chosen_.shards_count;
  };
  auto const wanted = disk_.written_.size() / 3 % chosen_.shards_count;
  auto const first =
      std::find_if(ordered_.begin(), ordered_.end(), [&](auto const& one) { return shard_of(one) == wanted; });
  return first == ordered_.end() ? 0 : static_cast<std::size_t>(first - ordered_.begin());
}

void crash_store::write(std::size_t count) {
  if (lost_)
    return;
  count = std::min(count, ordered_.size());
  if (fails_write_ && count > 0) {
    if (chosen_.planted != mistake::no_latch)
      return lose();
    fails_write_ = false;
    ordered_.erase(ordered_.begin(), ordered_.begin() + static_cast<std::ptrdiff_t>(count));
    return;
  }
  for (; count > 0; --count) {
    auto const next = ordered_.begin() + static_cast<std::ptrdiff_t>(next_to_write());
    written_rows_.apply_messages(*next, chosen_.planted);
    disk_.written_.push_back(std::move(*next));
    ordered_.erase(next);
  }
}

bool crash_store::is_synced() const noexcept {
  return ordered_.empty() && disk_.unsynced_count() == found_unsynced_count_;
}

void crash_store::sync() {
  if (lost_)
    return;
  if (fails_sync_ && chosen_.planted != mistake::no_latch)
    return lose(); // what was written may be found again
  fails_sync_ = false;
  if (found_unsynced_count_ == 0)
    disk_.synced_count_ = disk_.written_.size();
  for (auto const& change : disk_.written_)
    durable_through_ = std::max(durable_through_, change.last_number());
  changed_.notify_all();
}

void crash_store::lose() {
  lost_ = true;
  changed_.notify_all();
}

asio::awaitable<void> crash_store::take_time() {
  if (!chosen_.late || lost_)
    co_return;
  auto const end = co_await chosen_.late->wait();
  static_cast<void>(end);
}

asio::awaitable<result<statefund::store::recovered>> crash_store::recover(std::uint32_t partition, std::string from) {
  auto const found = found_.find(partition);
  if (found == found_.end())
    co_return statefund::store::recovered{};
  co_await take_time();
  if (lost_)
    co_return error{errc::lost, {}};
  auto const& all = found->second;
  std::size_t const start = from.empty() ? 0 : std::stoul(from);
  std::size_t row = 0;
  statefund::store::recovered part;
  auto const add = [&](auto const& rows, auto& into) {
    for (auto const& one : rows) {
      if (row >= start && row < start + chosen_.recovered_rows_max)
        into.push_back(one);
      ++row;
    }
  };
  add(all.messages, part.messages);
  add(all.pauses, part.pauses);
  if (start + chosen_.recovered_rows_max < row)
    part.next = std::to_string(start + chosen_.recovered_rows_max);
  co_return part;
}

asio::awaitable<result<std::vector<std::optional<message::stored_value>>>>
crash_store::read(message::address const& self, message::state_specs const& wanted) {
  co_await take_time();
  if (lost_)
    co_return error{errc::lost, {}};
  std::vector<std::optional<message::stored_value>> values(wanted.size());
  if (auto const held = now_.states.find(self); held != now_.states.end())
    for (std::size_t i = 0; i < wanted.size(); ++i)
      if (auto const found = held->second.find(wanted[i].name); found != held->second.end())
        values[i] = found->second;
  co_return values;
}

asio::awaitable<result<std::vector<statefund::store::state_summary>>>
crash_store::list_states(message::address const& self) {
  co_await take_time();
  if (lost_)
    co_return error{errc::lost, {}};
  std::vector<statefund::store::state_summary> all;
  if (auto const held = now_.states.find(self); held != now_.states.end())
    for (auto const& [name, kept] : held->second)
      all.push_back({name, kept.value.type_name, kept.value.bytes.size(), kept.expires_at_ms});
  co_return all;
}

asio::awaitable<result<std::vector<statefund::store::kept_message>>>
crash_store::read_messages(message::address const& target, message::entry_key const& after,
                           message::entry_key const& through, std::size_t count_max, std::uint64_t bytes_max) {
  co_await take_time();
  if (lost_)
    co_return error{errc::lost, {}};
  std::vector<statefund::store::kept_message> rows;
  auto const own = written_rows_.mailboxes.find(target);
  if (own == written_rows_.mailboxes.end())
    co_return rows;
  std::uint64_t bytes = 0;
  for (auto next = own->second.upper_bound(after); next != own->second.end() && rows.size() < count_max; ++next) {
    bytes += next->second.value.size_bytes();
    if (next->first > through || (!rows.empty() && bytes > bytes_max))
      break;
    rows.push_back({next->first, next->second});
  }
  co_return rows;
}

asio::awaitable<result<std::vector<statefund::store::kept_delayed>>>
crash_store::read_delayed(std::uint32_t partition, message::delayed_key const& after,
                          message::delayed_key const& through, std::size_t count_max, std::uint64_t bytes_max) {
  if (lost_)
    co_return error{errc::lost, {}};
  std::vector<statefund::store::kept_delayed> rows;
  std::uint64_t bytes = 0;
  for (auto next = written_rows_.delayed.upper_bound(after);
       next != written_rows_.delayed.end() && next->first <= through && rows.size() < count_max; ++next) {
    auto const& [owner, set] = next->second;
    if (message::partition_of(owner, chosen_.partition_count) != partition)
      continue;
    bytes += set.message.value.size_bytes();
    if (!rows.empty() && bytes > bytes_max)
      break;
    rows.push_back({next->first.key, owner, set});
  }
  if (!rows.empty())
    co_await take_time(); // what is told is as of the beginning
  if (lost_)
    co_return error{errc::lost, {}};
  co_return rows;
}

asio::awaitable<result<std::vector<message::delayed_key>>>
crash_store::find_delayed(message::address const& owner, std::string const& cancellation_token) {
  if (lost_)
    co_return error{errc::lost, {}};
  std::vector<message::delayed_key> rows;
  for (auto const& [row, entry] : written_rows_.delayed)
    if (entry.first == owner && entry.second.cancellation_token == cancellation_token)
      rows.push_back(row);
  co_await take_time(); // as above
  if (lost_)
    co_return error{errc::lost, {}};
  co_return rows;
}

bool crash_store::has_room_for(message::dead_letter const& one) const noexcept {
  return dead_letters_.count < chosen_.dead_letters_max &&
         dead_letters_.bytes + one.message.value.size_bytes() + one.reason.size() <= chosen_.dead_letters_bytes_max;
}

asio::awaitable<result<std::optional<message::dead_letter>>>
crash_store::read_dead_letter(statefund::store::dead_letter_id const& id) {
  co_await take_time();
  if (lost_)
    co_return error{errc::lost, {}};
  auto const found = now_.dead_letters.find(id);
  co_return found == now_.dead_letters.end() ? std::nullopt : std::optional(found->second);
}

asio::awaitable<result<std::vector<statefund::store::dead_letter_row>>>
crash_store::read_dead_letters(statefund::store::dead_letter_filter const& wanted,
                               std::optional<statefund::store::dead_letter_id> const& after, std::size_t count_max,
                               std::uint64_t bytes_max) {
  co_await take_time();
  if (lost_)
    co_return error{errc::lost, {}};
  std::vector<statefund::store::dead_letter_row> rows;
  std::uint64_t bytes = 0;
  auto next = after ? now_.dead_letters.upper_bound(*after) : now_.dead_letters.begin();
  for (; next != now_.dead_letters.end() && rows.size() < count_max; ++next) {
    auto const& [id, letter] = *next;
    if (!wanted.takes(id.self))
      continue;
    bytes += statefund::store::dead_letter_bytes(id.self, letter);
    if (!rows.empty() && bytes > bytes_max)
      break;
    rows.push_back({id.self, letter});
  }
  co_return rows;
}

asio::awaitable<result<std::optional<statefund::store::key_row>>>
crash_store::read_key(message::address const& self, std::string const& idempotency_key) {
  co_await take_time();
  if (lost_)
    co_return error{errc::lost, {}};
  auto const found = now_.keys.find({self, idempotency_key});
  if (found == now_.keys.end() || found->second.key.expires_at_ms <= clock::unix_ms())
    co_return std::nullopt;
  co_return found->second;
}

bool crash_store::has_room_for_key() noexcept {
  if (now_.keys.size() < chosen_.keys_max)
    return true;
  std::erase_if(now_.keys,
                [now_ms = clock::unix_ms()](auto const& row) { return row.second.key.expires_at_ms <= now_ms; });
  return now_.keys.size() < chosen_.keys_max;
}

std::uint64_t crash_store::next_number(message::change const& whole) {
  if (chosen_.planted != mistake::number_by_shard)
    return next_number_++;
  auto& [next, end] =
      taken_in_advance_[message::partition_of(whole.self, chosen_.partition_count) % chosen_.shards_count];
  if (next == end) {
    next = next_number_;
    end = next_number_ += numbers_in_advance;
  }
  return next++;
}

statefund::store::ticket crash_store::commit(message::change const& whole) noexcept {
  numbered_change next{next_number(whole), {}, whole};
  for (std::size_t i = 0; i < whole.egress_records.size(); ++i)
    next.sequences.push_back(next_number(whole));
  auto const number = next.number;
  last_given_ = next.last_number();
  if (lost_)
    return statefund::store::ticket(number);
  account_for(next);
  now_.apply(next, chosen_.planted);
  ordered_.push_back(std::move(next));
  return statefund::store::ticket(number);
}

void crash_store::account_for(numbered_change const& next) {
  for (auto const& record : next.whole.egress_records) {
    auto const& own = open(record.egress);
    own->bytes += statefund::store::record_bytes(next.whole.self, record.value);
    ++own->records_count;
  }
  for (auto const& letter : next.whole.dead_letters)
    if (!now_.dead_letters.contains({letter.message.key, next.whole.self})) {
      ++dead_letters_.count;
      dead_letters_.bytes += statefund::store::dead_letter_bytes(next.whole.self, letter);
    }
  for (auto const& key : next.whole.dead_letters_gone)
    if (auto const gone = now_.dead_letters.find({key, next.whole.self}); gone != now_.dead_letters.end()) {
      --dead_letters_.count;
      dead_letters_.bytes -= statefund::store::dead_letter_bytes(next.whole.self, gone->second);
    }
  if (auto const& departed = next.whole.departed) {
    auto const& own = open(departed->egress);
    for (auto const& [sequence, record] : now_.queues[departed->egress].records)
      if (sequence <= departed->through_sequence) {
        own->bytes -= statefund::store::record_bytes(record.from, record.value);
        --own->records_count;
      }
  }
}

asio::awaitable<result<void>> crash_store::durable(statefund::store::ticket ordered) {
  if (pace_ == pace::by_itself) {
    write(ordered_.size());
    sync();
  }
  while (ordered.number() > durable_through_ && !lost_) {
    auto const end = co_await changed_.wait(clock::deadline::never());
    if (end == task::wait_end::cancelled)
      co_return error{errc::wait_cancelled, {}};
  }
  if (!lost_)
    co_await take_time();
  if (lost_)
    co_return error{errc::lost, {}};
  co_return result<void>{};
}

std::shared_ptr<statefund::store::egress_account> const& crash_store::open(message::egress_id const& egress) {
  auto& own = accounts_[egress];
  if (!own)
    own = std::make_shared<statefund::store::egress_account>();
  return own;
}

std::shared_ptr<statefund::store::egress_account const>
crash_store::find_account(message::egress_id const& egress) const {
  auto const found = accounts_.find(egress);
  return found == accounts_.end() ? nullptr : found->second;
}

std::vector<std::pair<message::egress_id, std::shared_ptr<statefund::store::egress_account const>>>
crash_store::accounts() const {
  return {accounts_.begin(), accounts_.end()};
}

asio::awaitable<result<statefund::store::egress_page>> crash_store::read_egress(message::egress_id const& egress,
                                                                                std::uint64_t after,
                                                                                std::size_t records_max,
                                                                                std::uint64_t bytes_max) {
  co_await take_time();
  if (lost_)
    co_return error{errc::lost, {}};
  statefund::store::egress_page page;
  auto const found = now_.queues.find(egress);
  if (found == now_.queues.end())
    co_return page;
  auto& from = found->second;
  auto const shown_end = from.records.upper_bound(durable_through_);
  if (shown_end != from.records.begin())
    from.last_shown = std::max(from.last_shown, std::prev(shown_end)->first);
  page.last_sequence = from.last_shown;
  std::uint64_t bytes = 0;
  for (auto next = from.records.upper_bound(after);
       next != from.records.end() && next->first <= durable_through_ && page.records.size() < records_max; ++next) {
    bytes += statefund::store::record_bytes(next->second.from, next->second.value);
    if (!page.records.empty() && bytes > bytes_max)
      break;
    page.records.push_back(next->second);
  }
  co_return page;
}

boost::asio::awaitable<result<statefund::store::backup_report>> crash_store::back_up(std::string) {
  co_return error{statefund::store::errc::keeps_nothing, "its disk is in memory"};
}

} // namespace statefund::support
