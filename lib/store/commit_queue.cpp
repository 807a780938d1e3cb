#include "store/commit_queue.hpp"

#include "log/log.hpp"
#include "store/rocksdb_settings.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <rocksdb/db.h>
#include <rocksdb/perf_level.h>
#include <rocksdb/statistics.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <tuple>
#include <utility>

namespace statefund::store {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr log::logger logger{"store"};

// A write that is much larger takes longer than a sync, and everybody waits for its end.
constexpr std::uint64_t batch_bytes_max = 4U << 20U;
// What nobody waits for is put off for as long as the last write has taken, within these: a crash then takes back at
// most about twice of what it took back otherwise.
constexpr std::chrono::steady_clock::duration put_off_min = 1ms;
constexpr std::chrono::steady_clock::duration put_off_max = 20ms;
// A processor that was halted, and the thread on it, take tens of microseconds to wake. For as long as what somebody
// waits for comes within this, the committer looks for it, giving way to all others, and does not sleep.
constexpr auto looked_for_max = 150us;
// Others who wait for the disk come in company: while they order more, the committer gives way to them, so that one
// write keeps more. Where nobody does, the first look tells.
constexpr auto gathered_for_max = 100us;
constexpr std::uint64_t put_off_bytes_max = 256U << 10U; // the disk is not left idle for more
constexpr auto promise_synced_every = 1s;
constexpr auto space_looked_at_every = 1s;
constexpr std::uint64_t space_looked_at_bytes = 4U << 20U; // a fast disk fills in less than that
constexpr auto room_made_every = 2s;

constexpr std::array<double, 10> seconds_bounds{0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 5};
constexpr std::array<double, 10> changes_bounds{1, 3, 10, 30, 100, 300, 1000, 3000, 10000, 30000};

double seconds_since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

rocksdb::Status put_into(rocksdb::WriteBatch& rows, rocksdb::ColumnFamilyHandle* family, row_step const& step) {
  switch (step.verb) {
  case row_verb::put:
  case row_verb::put_entry:
  case row_verb::put_sequence:
    return rows.Put(family, step.key, step.value);
  case row_verb::remove:
    return rows.Delete(family, step.key);
  case row_verb::remove_entry:
  case row_verb::remove_sequence:
    return rows.SingleDelete(family, step.key);
  }
  std::abort();
}

} // namespace

commit_queue::commit_queue(database& to, latch& failed, sync_policy const& chosen, std::uint64_t free_bytes_min,
                           std::uint64_t next_number)
    : database_(to),
      latch_(failed),
      chosen_(chosen),
      free_bytes_min_(free_bytes_min),
      next_number_(next_number),
      last_number_(to.found().last_number),
      written_through_(to.found().last_number),
      commit_seconds_(seconds_bounds),
      commit_changes_(changes_bounds),
      sync_seconds_(seconds_bounds),
      synced_through_(to.found().last_number),
      newest_written_(to.found().last_number),
      delayed_count_(to.found().delayed_count),
      last_sync_(std::chrono::steady_clock::now()),
      last_promise_sync_(last_sync_),
      last_look_at_space_(last_sync_ - space_looked_at_every),
      last_room_made_(last_sync_ - room_made_every) {
  look_at_space();
  committer_ = std::thread([this] { run(); });
}

commit_queue::~commit_queue() {
  {
    std::lock_guard const lock(order_);
    stops_ = true;
  }
  work_.notify_one();
  committer_.join();
}

bool commit_queue::append(encoded_change next, std::uint64_t number, std::uint64_t last_number) {
  auto const bytes = next.bytes();
  auto const now = clock::steady::now();
  // Before, so that whoever sees the bytes sees it, too; and behind, for the committer may have taken away what was
  // there.
  auto const since = now.time_since_epoch().count();
  if (unsynced_bytes_.load(std::memory_order_relaxed) == 0)
    unsynced_since_.store(since, std::memory_order_relaxed);
  unsynced_count_.fetch_add(1, std::memory_order_relaxed);
  if (unsynced_bytes_.fetch_add(bytes, std::memory_order_release) == 0)
    unsynced_since_.store(since, std::memory_order_relaxed);
  bool const was_idle = waiting_.empty();
  bool const was_enough = waiting_bytes_ >= put_off_bytes_max;
  waiting_bytes_ += bytes;
  waiting_.push_back({std::move(next), number, last_number, now});
  last_number_.store(last_number, std::memory_order_release);
  return was_idle || (!was_enough && waiting_bytes_ >= put_off_bytes_max);
}

not_durable commit_queue::unsynced() const noexcept {
  auto const bytes = unsynced_bytes_.load(std::memory_order_acquire);
  return {bytes, clock::steady::time_point(clock::steady::duration(unsynced_since_.load(std::memory_order_relaxed))),
          unsynced_count_.load(std::memory_order_relaxed)};
}

void commit_queue::look_at_space() {
  auto const now = std::chrono::steady_clock::now();
  if (now - last_look_at_space_ < space_looked_at_every && bytes_since_look_ < space_looked_at_bytes)
    return;
  last_look_at_space_ = now;
  bytes_since_look_ = 0;
  free_bytes_.store(database_.free_bytes().value_or(UINT64_MAX), std::memory_order_relaxed);
  auto const lack = lacks_space();
  if (lack && !lacked_space_)
    logger.error({number::low_on_space, "the disk is almost full; messages are refused until there is room again"},
                 {{"free_bytes", lack->free_bytes}, {"free_bytes_min", lack->free_bytes_min}});
  else if (!lack && lacked_space_)
    logger.info({number::space_again, "the disk has room again"}, {});
  lacked_space_ = lack.has_value();
  if (lack && lack->leaves_room_to_compact() && now - last_room_made_ >= room_made_every && !latch_.is_tripped())
    make_room(now);
}

void commit_queue::make_room(std::chrono::steady_clock::time_point now) {
  last_room_made_ = now;
  if (auto const begun = database_.begin_flush(); !begun)
    latch_.trip(begun.error());
}

std::optional<short_of_space> commit_queue::lacks_space() const noexcept {
  short_of_space const seen{free_bytes_.load(std::memory_order_relaxed), free_bytes_min_,
                            unsynced_bytes_.load(std::memory_order_relaxed)};
  return seen.free_bytes < seen.free_bytes_min ? std::optional(seen) : std::nullopt;
}

disk_work commit_queue::work() const {
  auto const statistics = database_.get().GetDBOptions().statistics;
  return {commit_seconds_.so_far(),
          commit_changes_.so_far(),
          sync_seconds_.so_far(),
          statistics->getTickerCount(rocksdb::WAL_FILE_BYTES),
          statistics->getTickerCount(rocksdb::FLUSH_WRITE_BYTES),
          statistics->getTickerCount(rocksdb::COMPACT_WRITE_BYTES)};
}

bool commit_queue::sync_due() const {
  return chosen_.mode == sync_mode::interval && synced_through_ < newest_written_ &&
         std::chrono::steady_clock::now() - last_sync_ >= chosen_.interval;
}

void commit_queue::look_for_wanted() const {
  while (is_wanted_soon_ && wanted_through_.load(std::memory_order_relaxed) <= newest_written_ &&
         std::chrono::steady_clock::now() - last_write_ < looked_for_max)
    std::this_thread::yield();
}

void commit_queue::gather() const {
  if (wanted_through_.load(std::memory_order_relaxed) <= newest_written_)
    return;
  auto const until = std::chrono::steady_clock::now() + gathered_for_max;
  std::uint64_t before = 0;
  for (auto newest = last_number(); newest != before && std::chrono::steady_clock::now() < until;
       newest = last_number()) {
    before = newest;
    std::this_thread::yield();
  }
}

std::vector<commit_queue::ordered> commit_queue::take(std::unique_lock<std::mutex>& lock) {
  auto const has_work = [this] { return !waiting_.empty() || stops_; };
  auto next_look = last_look_at_space_ + space_looked_at_every;
  if (chosen_.mode == sync_mode::interval && synced_through_ < newest_written_)
    next_look = std::min(next_look, last_sync_ + chosen_.interval);
  work_.wait_until(lock, next_look, has_work);
  auto const goes_now = [this] {
    return stops_ || waiting_bytes_ >= put_off_bytes_max || wanted_through_ >= waiting_.front().number;
  };
  if (!waiting_.empty())
    work_.wait_until(lock, std::chrono::steady_clock::now() + put_off_, goes_now);
  is_wanted_soon_ =
      wanted_through_ > newest_written_ && std::chrono::steady_clock::now() - last_write_ < looked_for_max;
  std::uint64_t bytes = 0;
  auto const end = std::find_if(waiting_.begin(), waiting_.end(), [&](ordered const& one) {
    bytes += one.steps.bytes();
    return bytes > batch_bytes_max && &one != &waiting_.front();
  });
  if (end == waiting_.end()) {
    waiting_bytes_ = 0;
    return std::exchange(waiting_, {});
  }
  std::vector<ordered> batch(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
  for (auto const& one : batch)
    waiting_bytes_ -= one.steps.bytes();
  return batch;
}

void commit_queue::run() {
  // It counts every comparison of two keys otherwise.
  rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);
  bool goes_on = true;
  for (bool stops = false; goes_on && !stops;) {
    look_for_wanted();
    gather();
    std::unique_lock lock(order_);
    auto const batch = take(lock);
    stops = stops_ && waiting_.empty();
    lock.unlock();
    look_at_space();
    auto const how = chosen_.mode == sync_mode::always || sync_due() ? sync::now : sync::later;
    if (!batch.empty() || sync_due())
      goes_on = write(batch, how);
  }
  if (goes_on && synced_through_ < newest_written_)
    goes_on = write({}, sync::now);
  if (goes_on)
    sync_promise();
  tell_waiters();
}

result<std::int64_t> commit_queue::fill(rocksdb::WriteBatch& rows, std::vector<ordered> const& batch,
                                        database const& to) {
  std::vector<row_step> steps;
  std::int64_t delayed_more = 0;
  for (auto const& one : batch)
    one.steps.for_each([&](row_step const& step) {
      if (step.of == table::delayed)
        delayed_more += step.verb == row_verb::put_entry ? 1 : -1;
      steps.push_back(step);
    });
  std::stable_sort(steps.begin(), steps.end(), [](row_step const& one, row_step const& other) {
    return std::tie(one.of, one.key) < std::tie(other.of, other.key);
  });
  rocksdb::Status status;
  for (auto first = steps.begin(); status.ok() && first != steps.end();) {
    auto const next = std::find_if(first, steps.end(), [&](row_step const& one) {
      return std::tie(one.of, one.key) != std::tie(first->of, first->key);
    });
    auto const& last = *std::prev(next);
    if (!(first->verb == row_verb::put_entry && last.verb == row_verb::remove_entry))
      status = put_into(rows, to.family(last.of), last);
    first = next;
  }
  if (!status.ok())
    return to_error(status, "a batch of rows");
  return delayed_more;
}

bool commit_queue::write(std::vector<ordered> const& batch, sync how) {
  if (latch_.is_tripped())
    return false;
  std::uint64_t bytes = 0;
  for (auto const& one : batch)
    bytes += one.steps.bytes();
  rocksdb::WriteBatch rows(bytes + 64);
  auto const delayed_more = fill(rows, batch, database_);
  if (!delayed_more) {
    latch_.trip(delayed_more.error());
    return false;
  }
  head_table::head const head{batch.empty() ? newest_written_ : batch.back().last_number, synced_through_,
                              newest_written_,
                              static_cast<std::uint64_t>(static_cast<std::int64_t>(delayed_count_) + *delayed_more)};
  auto written = rows.Put(database_.family(table::head), head_table::head_key, head_table::value_of(head));

  rocksdb::WriteOptions options;
  options.sync = how == sync::now;
  auto const began = std::chrono::steady_clock::now();
  if (written.ok())
    written = database_.get().Write(options, &rows);
  if (!written.ok() || latch_.is_tripped()) {
    latch_.trip(to_error(written, "a write"));
    if (latch_.is_tripped())
      return false;
  }
  put_off_ = std::clamp(std::chrono::steady_clock::now() - began, put_off_min, put_off_max);
  newest_written_ = head.last_number;
  bytes_since_look_ += bytes;
  delayed_count_ = head.delayed_count;
  if (how == sync::now) {
    sync_seconds_.add(seconds_since(began));
    last_sync_ = std::chrono::steady_clock::now();
    synced_through_ = newest_written_;
    if (!promise_what_is_synced())
      return false;
  }
  if (!batch.empty()) {
    commit_seconds_.add(std::chrono::duration<double>(clock::steady::now() - batch.front().at).count());
    commit_changes_.add(static_cast<double>(batch.size()));
  }
  unsynced_count_.fetch_sub(batch.size(), std::memory_order_relaxed);
  if (unsynced_bytes_.fetch_sub(bytes, std::memory_order_relaxed) != bytes) {
    std::lock_guard const lock(order_);
    if (!waiting_.empty())
      unsynced_since_.store(waiting_.front().at.time_since_epoch().count(), std::memory_order_relaxed);
  }
  written_through_.store(newest_written_, std::memory_order_seq_cst);
  tell_waiters();
  last_write_ = std::chrono::steady_clock::now();
  return true;
}

bool commit_queue::promise_what_is_synced() {
  if (auto const written = database_.promised().write(synced_through_); !written) {
    latch_.trip(written.error());
    return false;
  }
  return last_sync_ - last_promise_sync_ < promise_synced_every || sync_promise();
}

bool commit_queue::sync_promise() {
  last_promise_sync_ = last_sync_;
  auto const synced = database_.promised().sync();
  if (!synced)
    latch_.trip(synced.error());
  return synced.has_value();
}

void commit_queue::tell_waiters() {
  std::lock_guard const lock(waiters_mutex_);
  for (auto const& one : waiters_)
    if (one->count.load(std::memory_order_seq_cst) > 0)
      asio::post(one->executor, [one] { one->changed.notify_all(); });
}

std::shared_ptr<commit_queue::waiters> commit_queue::waiters_on(asio::any_io_executor const& executor) {
  std::lock_guard const lock(waiters_mutex_);
  for (auto const& one : waiters_)
    if (one->executor == executor)
      return one;
  return waiters_.emplace_back(std::make_shared<waiters>(executor));
}

void commit_queue::hasten(std::uint64_t number) noexcept {
  {
    std::lock_guard const lock(order_);
    if (number <= wanted_through_)
      return;
    wanted_through_ = number;
  }
  work_.notify_one();
}

asio::awaitable<result<void>> commit_queue::wait_for(std::uint64_t number) {
  if (written_through() >= number)
    co_return result<void>{};
  auto const executor = co_await asio::this_coro::executor;
  auto const own = waiters_on(executor);
  // Counted before it looks: a write that ends in between finds it.
  own->count.fetch_add(1, std::memory_order_seq_cst);
  waiting_count_.fetch_add(1, std::memory_order_relaxed);
  hasten(number);
  bool cancelled = false;
  while (written_through() < number && !latch_.is_tripped() && !cancelled) {
    auto const never = clock::deadline::never();
    auto const end = co_await own->changed.wait(never);
    cancelled = end == task::wait_end::cancelled;
  }
  waiting_count_.fetch_sub(1, std::memory_order_relaxed);
  own->count.fetch_sub(1, std::memory_order_seq_cst);
  if (written_through() >= number)
    co_return result<void>{};
  if (latch_.is_tripped())
    co_return error{errc::lost, latch_.why().to_string()};
  co_return error{errc::wait_cancelled, {}};
}

} // namespace statefund::store
