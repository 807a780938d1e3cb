#include "message/change.hpp"

#include <algorithm>

namespace statefund::message {

std::vector<egress_id const*> egresses_of(std::vector<egress_record> const& records) {
  std::vector<egress_id const*> all;
  for (auto const& record : records)
    if (all.empty() || *all.back() != record.egress) // mostly all go to one
      all.push_back(&record.egress);
  std::sort(all.begin(), all.end(), [](auto const* one, auto const* other) { return *one < *other; });
  auto const end =
      std::unique(all.begin(), all.end(), [](auto const* one, auto const* other) { return *one == *other; });
  all.erase(end, all.end());
  return all;
}

} // namespace statefund::message
