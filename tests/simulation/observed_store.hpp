#pragma once

#include "support/forwarding_store.hpp"

#include <functional>
#include <optional>
#include <utility>

namespace statefund::simulation {

// A store that tells of each change right before it is ordered, and of its number right after, and of each look at
// states, right before its end; and that is told how much room its disk has. Of one process.
class observed_store final : public support::forwarding_store {
 public:
  struct observer {
    std::function<void(message::change const&)> will_order;
    std::function<void(message::change const&, std::uint64_t number)> has_ordered;
    std::function<void(message::address const&)> has_read;
    std::function<std::optional<statefund::store::short_of_space>()> lacks_space;
  };

  observed_store(statefund::store::store& kept, observer told) : forwarding_store(kept), told_(std::move(told)) {}

  statefund::store::ticket commit(message::change const& whole) noexcept override {
    told_.will_order(whole);
    auto const ordered = forwarding_store::commit(whole);
    told_.has_ordered(whole, ordered.number());
    return ordered;
  }

  boost::asio::awaitable<result<std::vector<std::optional<message::stored_value>>>>
  read(message::address const& self, message::state_specs const& wanted) override {
    auto values = co_await forwarding_store::read(self, wanted);
    told_.has_read(self);
    co_return values;
  }

  std::optional<statefund::store::short_of_space> lacks_space() const noexcept override { return told_.lacks_space(); }

 private:
  observer told_;
};

} // namespace statefund::simulation
