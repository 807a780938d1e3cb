#pragma once

#include <cstdint>
#include <functional>
#include <utility>

namespace statefund::store {

enum class opening_step {
  checking_log,   // its files, one after the other
  reading_log,    // as far as it goes; nothing is changed yet
  replaying_log,  // into tables, which are synced
  reading_tables, // what has to be counted of them
};

// How far the opening of a store has come in one step.
struct opening_progress {
  opening_step step = opening_step::checking_log;
  std::uint64_t log_bytes = 0;       // gone through; without what frames them
  std::uint64_t log_bytes_total = 0; // on the disk
  std::uint64_t rows_count = 0;      // read
};

// Called on the thread that opens, at each record of the log and at each row, so it is quick.
using tell_opening = std::function<void(opening_progress const&)>;

// Counts for one opening, on its thread.
class opening {
 public:
  explicit opening(tell_opening tell = {}) : tell_(std::move(tell)) {}

  void found_log(std::uint64_t bytes) noexcept { so_far_.log_bytes_total = bytes; }
  std::uint64_t log_bytes_total() const noexcept { return so_far_.log_bytes_total; }
  void begins(opening_step step) {
    so_far_ = {step, 0, so_far_.log_bytes_total, 0};
    say();
  }
  void went_through(std::uint64_t log_bytes) {
    so_far_.log_bytes += log_bytes;
    say();
  }
  void read_row() {
    ++so_far_.rows_count;
    say();
  }

 private:
  void say() const {
    if (tell_)
      tell_(so_far_);
  }

  tell_opening const tell_;
  opening_progress so_far_;
};

} // namespace statefund::store
