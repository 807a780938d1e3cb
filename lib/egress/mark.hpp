#pragma once

#include <cstdint>

namespace statefund::egress {

// The mark of an egress queue, in bytes that it holds. Pure.
struct mark {
  std::uint64_t bytes_max = 64U << 20U;

  // Past it, a turn that would add to the queue is not committed. A queue below it takes one whole change.
  bool is_full(std::uint64_t bytes) const noexcept;
  // Who was held goes on once the queue is below its low mark, half of the mark.
  bool has_room_again(std::uint64_t bytes) const noexcept;
};

} // namespace statefund::egress
