#pragma once

#include "message/batch.hpp"
#include "store/ticket.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <set>
#include <unordered_set>
#include <utility>

namespace statefund::dispatch {

// Delayed messages that have fired or were cancelled, as long as a read of the store may still find their rows: until
// the change that removed them is written, and every read that began before that has ended. One shard, on its thread.
class removed_rows {
 public:
  // Absent: nothing is read, and nothing remembered.
  using is_written = std::function<bool(store::ticket)>;
  explicit removed_rows(is_written asks) : is_written_(std::move(asks)) {}

  void add(message::entry_key const& key, store::ticket by);
  bool contains(message::entry_key const& key) const { return keys_.contains(key); }
  std::size_t count() const noexcept { return keys_.size(); }

  // Made before a read begins, kept until what it has found was looked at.
  class read {
   public:
    explicit read(removed_rows& of);
    ~read();
    read(read const&) = delete;
    read& operator=(read const&) = delete;

   private:
    removed_rows& of_;
    std::multiset<std::uint64_t>::iterator own_;
  };

 private:
  struct key_hash {
    std::size_t operator()(message::entry_key const& key) const noexcept {
      return std::hash<std::uint64_t>{}(key.number * 31 + key.index);
    }
  };

  void look();
  void forget();

  is_written const is_written_;
  std::unordered_set<message::entry_key, key_hash> keys_;
  std::deque<std::pair<message::entry_key, store::ticket>> in_order_;
  // Of all that were ever added, in their order:
  std::uint64_t forgotten_count_ = 0;
  std::uint64_t written_count_ = 0;
  std::multiset<std::uint64_t> reads_; // how many were written when each of them began
};

} // namespace statefund::dispatch
