#pragma once

#include <algorithm>
#include <cstdint>

namespace statefund::store {

// What commit gives: the change's place in the store's order. Whoever shows something to the outside waits until its
// ticket is durable. Numbers may be compared only within one partition; `merge` is the only other thing to do with two.
class ticket {
 public:
  ticket() = default; // durable already
  explicit ticket(std::uint64_t number) : number_(number) {}

  std::uint64_t number() const noexcept { return number_; }

  // Afterwards this one is durable only once both are.
  void merge(ticket other) noexcept { number_ = std::max(number_, other.number_); }

 private:
  std::uint64_t number_ = 0;
};

} // namespace statefund::store
