#pragma once

#include "clock/deadline.hpp"
#include "endpoint/resolver.hpp"

#include <chrono>
#include <cstddef>
#include <optional>

// The order in which a name's addresses are tried, and when each is begun (RFC 8305, sections 4 and 5): pure.
namespace statefund::endpoint {

// Of a name's addresses no more are tried for one connection.
inline constexpr std::size_t addresses_tried_max = 16;
// An address that has not answered for so long is joined by the next.
inline constexpr std::chrono::milliseconds next_address_after{250};

// The families in turn, the first address's first; within a family as they were. The first addresses_tried_max.
addresses interleaved(addresses const& found);

// When to begin with each of several addresses: next_address_after the one before, or as soon as that one fails.
class staggered_starts {
 public:
  explicit staggered_starts(std::size_t addresses_count) noexcept : count_(addresses_count) {}

  // The address to begin with, if `now` is the time for one.
  std::optional<std::size_t> next(clock::steady::time_point now) noexcept;
  // One that was begun has failed.
  void failed(std::size_t which) noexcept;

  // When next() has another one, if nothing fails before; never: all are begun.
  clock::deadline next_at() const noexcept;
  std::size_t begun_count() const noexcept { return begun_count_; }
  bool all_failed() const noexcept { return failed_count_ == count_; }

 private:
  std::size_t count_;
  std::size_t begun_count_ = 0;
  std::size_t failed_count_ = 0;
  clock::steady::time_point next_at_ = clock::steady::time_point::min();
};

} // namespace statefund::endpoint
