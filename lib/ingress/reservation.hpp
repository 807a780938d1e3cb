#pragma once

#include "dispatch/entrance.hpp"

#include <cstdint>

namespace statefund::ingress {

// The bytes that a request holds, taken from the daemon's memory mark before they are read, given back at its end.
class reservation {
 public:
  explicit reservation(dispatch::entrance& at) noexcept : at_(at) {}
  ~reservation();
  reservation(reservation const&) = delete;
  reservation& operator=(reservation const&) = delete;

  // From now on this many. False: the mark is reached, and what was held is still held.
  bool hold(std::uint64_t bytes);

 private:
  dispatch::entrance& at_;
  std::uint64_t bytes_ = 0;
};

dispatch::refusal memory_mark_refusal();

} // namespace statefund::ingress
