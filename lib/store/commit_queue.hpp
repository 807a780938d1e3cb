#pragma once

#include "clock/clock.hpp"
#include "store/database.hpp"
#include "store/encoded_change.hpp"
#include "store/latch.hpp"
#include "store/statistics.hpp"
#include "store/store.hpp"
#include "store/sync_policy.hpp"
#include "task/event.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace rocksdb {
class WriteBatch;
} // namespace rocksdb

namespace statefund::store {

// The one order of the daemon, and the one thread that writes it: whatever was ordered while a write was under way goes
// into the next one, whole changes without a gap. What nobody waits for is put off for a moment: it goes with what
// somebody waits for, or what it puts is removed before it is written. Once a write or sync has failed nothing is
// written any more.
class commit_queue {
 public:
  commit_queue(database& to, latch& failed, sync_policy const& chosen, std::uint64_t free_bytes_min,
               std::uint64_t next_number);
  // Writes and syncs what is ordered, unless the store is lost.
  ~commit_queue();
  commit_queue(commit_queue const&) = delete;
  commit_queue& operator=(commit_queue const&) = delete;

  // Gives `next` its number and `records_count` sequences behind it, and appends it. `with_number` is called in
  // between, under the lock, with the number and `next`. Any thread.
  template <class WithNumber>
  std::uint64_t order(encoded_change next, std::size_t records_count, WithNumber const& with_number) {
    std::uint64_t number = 0;
    bool tells = false;
    {
      std::lock_guard const lock(order_);
      number = next_number_;
      next_number_ += 1 + records_count;
      with_number(number, next);
      tells = append(std::move(next), number, next_number_ - 1);
    }
    if (tells)
      work_.notify_one();
    return number;
  }
  // Runs `work` under the lock of the order.
  template <class Work>
  auto locked(Work const& work) const {
    std::lock_guard const lock(order_);
    return work();
  }

  std::uint64_t last_number() const noexcept { return last_number_.load(std::memory_order_acquire); }
  // Number of the newest change, or of its last record, that can be read back, and counts as durable.
  std::uint64_t written_through() const noexcept { return written_through_.load(std::memory_order_seq_cst); }
  not_durable unsynced() const noexcept;
  std::optional<short_of_space> lacks_space() const noexcept;
  disk_work work() const;

  // Puts off no longer what is ordered so far as that. Any thread.
  void hasten(std::uint64_t number) noexcept;
  // Returns once written_through() has come so far; errc::lost, errc::wait_cancelled. Any thread with an executor of
  // one thread.
  boost::asio::awaitable<result<void>> wait_for(std::uint64_t number);
  std::size_t waiting_count() const noexcept { return waiting_count_.load(std::memory_order_relaxed); }

 private:
  struct ordered {
    encoded_change steps;
    std::uint64_t number;
    std::uint64_t last_number;
    clock::steady::time_point at;
  };
  // Who waits on one event loop. Shared with what is posted there.
  struct waiters {
    explicit waiters(boost::asio::any_io_executor const& on) : executor(on), changed(on) {}
    boost::asio::any_io_executor const executor;
    std::atomic<std::size_t> count = 0;
    task::event changed; // of the executor's thread
  };

  void look_at_space();
  void make_room(std::chrono::steady_clock::time_point now); // of what has been removed, and is not compacted
  bool append(encoded_change next, std::uint64_t number,
              std::uint64_t last_number); // true: the committer wants to know
  void run();
  void look_for_wanted() const;
  void gather() const;
  std::vector<ordered> take(std::unique_lock<std::mutex>& lock);
  // What of the changes is to be written, by table and key: what is put next to the last row is put fast. Of each row
  // the last word alone, and nothing of an entry that is put and removed again. Returns how many delayed messages there
  // are more.
  static result<std::int64_t> fill(rocksdb::WriteBatch& rows, std::vector<ordered> const& batch, database const& to);
  enum class sync { now, later };
  bool write(std::vector<ordered> const& batch, sync how);
  bool sync_due() const;
  bool promise_what_is_synced();
  bool sync_promise();
  void tell_waiters();
  std::shared_ptr<waiters> waiters_on(boost::asio::any_io_executor const& executor);

  database& database_;
  latch& latch_;
  sync_policy const chosen_;
  std::uint64_t const free_bytes_min_;

  mutable std::mutex order_; // number and append are one step; guards all below up to the atomics
  std::condition_variable work_;
  std::vector<ordered> waiting_;
  std::uint64_t waiting_bytes_ = 0;
  std::atomic<std::uint64_t> wanted_through_ = 0; // somebody waits for it; the committer looks at it without the lock
  std::uint64_t next_number_;
  bool stops_ = false;

  std::atomic<std::uint64_t> last_number_;
  std::atomic<std::uint64_t> written_through_;
  std::atomic<std::uint64_t> unsynced_bytes_ = 0;
  std::atomic<std::uint64_t> unsynced_count_ = 0;
  std::atomic<clock::steady::rep> unsynced_since_ = 0;

  std::atomic<std::uint64_t> free_bytes_ = UINT64_MAX;
  growing_distribution<10> commit_seconds_;
  growing_distribution<10> commit_changes_;
  growing_distribution<10> sync_seconds_;

  std::atomic<std::size_t> waiting_count_ = 0; // on all event loops
  std::mutex waiters_mutex_;
  std::vector<std::shared_ptr<waiters>> waiters_;

  // the committer's own
  std::uint64_t synced_through_;
  std::uint64_t newest_written_;
  std::uint64_t delayed_count_;                   // of what is written
  std::chrono::steady_clock::duration put_off_{}; // how long what nobody waits for is
  bool is_wanted_soon_ = false;                   // what somebody waits for came soon after the last write
  std::chrono::steady_clock::time_point last_write_;
  std::chrono::steady_clock::time_point last_sync_;
  std::chrono::steady_clock::time_point last_promise_sync_;
  std::chrono::steady_clock::time_point last_look_at_space_;
  std::chrono::steady_clock::time_point last_room_made_;
  std::uint64_t bytes_since_look_ = 0;
  bool lacked_space_ = false; // at the last look
  std::thread committer_;     // last: it uses all of it
};

} // namespace statefund::store
