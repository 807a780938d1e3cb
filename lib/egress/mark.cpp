#include "egress/mark.hpp"

namespace statefund::egress {

bool mark::is_full(std::uint64_t bytes) const noexcept {
  return bytes >= bytes_max;
}

bool mark::has_room_again(std::uint64_t bytes) const noexcept {
  return bytes < (bytes_max + 1) / 2;
}

} // namespace statefund::egress
