#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace statefund::store {

// How often something was how much: counts by bucket, each for itself, one more than `upper_bounds` for what is above.
struct distribution {
  std::vector<double> upper_bounds;
  std::vector<std::uint64_t> counts;
  double sum = 0;
};

// The same while it grows: one thread adds, any thread reads.
template <std::size_t Buckets>
class growing_distribution {
 public:
  explicit growing_distribution(std::array<double, Buckets> const& upper_bounds) : upper_bounds_(upper_bounds) {}

  void add(double value) noexcept {
    std::size_t bucket = 0;
    while (bucket < Buckets && value > upper_bounds_[bucket])
      ++bucket;
    counts_[bucket].fetch_add(1, std::memory_order_relaxed);
    sum_.store(sum_.load(std::memory_order_relaxed) + value, std::memory_order_relaxed);
  }
  distribution so_far() const {
    distribution all{{upper_bounds_.begin(), upper_bounds_.end()}, {}, sum_.load(std::memory_order_relaxed)};
    for (auto const& count : counts_)
      all.counts.push_back(count.load(std::memory_order_relaxed));
    return all;
  }

 private:
  std::array<double, Buckets> const upper_bounds_;
  std::array<std::atomic<std::uint64_t>, Buckets + 1> counts_{};
  std::atomic<double> sum_ = 0;
};

// What a store with a disk has done since it was opened.
struct disk_work {
  distribution commit_seconds; // from the order of the oldest change of a group until it counts as durable
  distribution commit_changes; // of a group
  distribution sync_seconds;   // writing a group and syncing it
  std::uint64_t log_bytes = 0; // written
  std::uint64_t flush_bytes = 0;
  std::uint64_t compaction_bytes = 0;
};

// The disk has less room than it should keep. Nothing comes in from outside then, and from seven eighths of that room
// on a change that adds more than it removes waits, until it is there again. Pure.
struct short_of_space {
  std::uint64_t free_bytes = 0;
  std::uint64_t free_bytes_min = 0;
  std::uint64_t ordered_bytes = 0; // and not written yet: as good as taken

  bool holds(std::uint64_t added_bytes, std::uint64_t removed_bytes) const noexcept {
    return free_bytes < free_bytes_min - free_bytes_min / 8 + ordered_bytes && added_bytes > removed_bytes;
  }
  // As much as one compaction may take.
  bool leaves_room_to_compact() const noexcept { return free_bytes >= free_bytes_min / 2; }

  std::string to_string() const {
    return "the disk has " + std::to_string(free_bytes) + " bytes free, store.free_bytes_min is " +
           std::to_string(free_bytes_min);
  }
};

} // namespace statefund::store
