#include "endpoint/happy_eyeballs.hpp"

#include <algorithm>

namespace statefund::endpoint {

addresses interleaved(addresses const& found) {
  addresses firsts;
  addresses others;
  for (auto const& each : found)
    (each.is_v6() == found.front().is_v6() ? firsts : others).push_back(each);
  addresses order;
  for (std::size_t i = 0; i < std::max(firsts.size(), others.size()); ++i) {
    if (i < firsts.size())
      order.push_back(firsts[i]);
    if (i < others.size())
      order.push_back(others[i]);
  }
  order.resize(std::min(order.size(), addresses_tried_max));
  return order;
}

std::optional<std::size_t> staggered_starts::next(clock::steady::time_point now) noexcept {
  if (begun_count_ == count_ || now < next_at_)
    return std::nullopt;
  next_at_ = now + next_address_after;
  return begun_count_++;
}

void staggered_starts::failed(std::size_t which) noexcept {
  ++failed_count_;
  if (which + 1 == begun_count_)
    next_at_ = clock::steady::time_point::min();
}

clock::deadline staggered_starts::next_at() const noexcept {
  return begun_count_ == count_ ? clock::deadline::never() : clock::deadline::at(next_at_);
}

} // namespace statefund::endpoint
