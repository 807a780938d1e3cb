#include "simulation/run.hpp"

#include <algorithm>
#include <utility>

namespace statefund::simulation {

using support::mistake;

program shorten(program one, mistake planted, std::size_t runs_max) {
  auto const fails = [&](program const& shorter) {
    return runs_max > 0 && runs_max-- > 0 && !run(shorter, planted).fault.empty();
  };
  for (bool shorter = true; shorter && runs_max > 0;) {
    shorter = false;
    for (std::size_t size = std::max<std::size_t>(1, one.steps.size() / 2); size > 0; size /= 2)
      for (std::size_t at = 0; at < one.steps.size();) {
        auto candidate = one;
        auto const first = candidate.steps.begin() + static_cast<std::ptrdiff_t>(at);
        auto const count = std::min(size, one.steps.size() - at);
        candidate.steps.erase(first, first + static_cast<std::ptrdiff_t>(count));
        if (fails(candidate)) {
          one = std::move(candidate);
          shorter = true;
        } else {
          at += size;
        }
      }
    for (auto& own : one.messages)
      if (!own.does.empty()) {
        auto before = std::exchange(own.does, {});
        if (fails(one)) {
          shorter = true;
          continue;
        }
        own.does = std::move(before);
      }
    for (auto& own : one.messages)
      for (std::size_t at = 0; own.does.size() > 1 && at < own.does.size() && runs_max > 0;) {
        auto const before = own.does;
        own.does.erase(own.does.begin() + static_cast<std::ptrdiff_t>(at));
        if (fails(one)) {
          shorter = true;
        } else {
          own.does = before;
          ++at;
        }
      }
  }
  return one;
}

} // namespace statefund::simulation
