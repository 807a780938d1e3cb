#pragma once

#include "support/forwarding_store.hpp"

#include <functional>
#include <utility>

namespace statefund::simulation {

// A store that tells of each change right before it is ordered, and of its number right after. Of one process.
class observed_store final : public support::forwarding_store {
 public:
  struct observer {
    std::function<void(message::change const&)> will_order;
    std::function<void(message::change const&, std::uint64_t number)> has_ordered;
  };

  observed_store(statefund::store::store& kept, observer told) : forwarding_store(kept), told_(std::move(told)) {}

  statefund::store::ticket commit(message::change const& whole) noexcept override {
    told_.will_order(whole);
    auto const ordered = forwarding_store::commit(whole);
    told_.has_ordered(whole, ordered.number());
    return ordered;
  }

 private:
  observer told_;
};

} // namespace statefund::simulation
