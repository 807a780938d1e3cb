#include "ingress/reservation.hpp"

namespace statefund::ingress {

reservation::~reservation() {
  if (bytes_ > 0)
    at_.release_bytes(bytes_);
}

bool reservation::hold(std::uint64_t bytes) {
  if (bytes > bytes_) {
    if (!at_.reserve_bytes(bytes - bytes_))
      return false;
  } else if (bytes < bytes_) {
    at_.release_bytes(bytes_ - bytes);
  }
  bytes_ = bytes;
  return true;
}

dispatch::refusal memory_mark_refusal() {
  return {number::memory_mark_reached,
          "the daemon holds as many bytes as it may (limits.buffered_bytes_max); try again later",
          std::chrono::seconds(1)};
}

} // namespace statefund::ingress
