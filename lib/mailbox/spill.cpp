#include "mailbox/spill.hpp"

#include <algorithm>
#include <array>

namespace statefund::mailbox {

namespace {

// One round over the candidates: whose part, of how many bytes, in which order.
struct round {
  bool can_run;
  spilled_part part;
  std::uint64_t spill_candidate::*bytes;
};

constexpr std::array<round, 3> rounds{{{false, spilled_part::tail, &spill_candidate::tail_bytes},
                                       {false, spilled_part::whole, &spill_candidate::head_bytes},
                                       {true, spilled_part::tail, &spill_candidate::tail_bytes}}};

} // namespace

std::vector<spill_order> what_to_spill(std::vector<spill_candidate> const& all, std::uint64_t bytes) {
  std::vector<spill_order> chosen;
  std::vector<std::size_t> place(all.size(), all.size()); // in `chosen`
  std::uint64_t freed = 0;
  for (auto const& next : rounds) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < all.size(); ++i)
      if (all[i].can_run == next.can_run && all[i].*next.bytes > 0)
        order.push_back(i);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return all[a].*next.bytes > all[b].*next.bytes; });
    for (std::size_t const i : order) {
      if (freed >= bytes)
        return chosen;
      freed += all[i].*next.bytes;
      if (place[i] < all.size()) {
        chosen[place[i]].part = next.part;
      } else {
        place[i] = chosen.size();
        chosen.push_back({i, next.part});
      }
    }
  }
  return chosen;
}

} // namespace statefund::mailbox
