#pragma once

#include "error/planted.hpp"
#include "error/result.hpp"

#include <atomic>
#include <functional>
#include <mutex>
#include <utility>

namespace statefund::store {

// The first failure of a write, a sync or a read ends the store for the life of the process: RocksDB would go on after
// some of them, and keep a later change without an earlier one. Any thread.
class latch {
 public:
  // `told` is called once, on the thread that saw the failure; it ends the process.
  explicit latch(std::function<void(error const&)> told) : told_(std::move(told)) {}

  void trip(error why) noexcept {
    if (test_only::is_planted(test_only::mistake::no_latch))
      return;
    {
      std::lock_guard const lock(mutex_);
      if (tripped_.load(std::memory_order_relaxed))
        return;
      why_ = std::move(why);
      tripped_.store(true, std::memory_order_release);
    }
    told_(why_);
  }
  bool is_tripped() const noexcept { return tripped_.load(std::memory_order_acquire); }
  // Requires that it is tripped.
  error const& why() const noexcept { return why_; }

 private:
  std::function<void(error const&)> told_;
  std::mutex mutex_;
  std::atomic<bool> tripped_ = false;
  error why_;
};

} // namespace statefund::store
