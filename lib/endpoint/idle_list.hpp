#pragma once

#include "clock/deadline.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

// A pool's decisions about its idle connections, over values: which is used next, which ends, which is watched, and
// when to look again. Pure.
namespace statefund::endpoint {

// Connections are idle for one to two of these before they are watched, so that busy ones never are.
inline constexpr std::chrono::seconds idle_look_interval{1};

// The age at which a connection ends if it is idle: a tenth to either side of `ttl`, so that those opened together do
// not end together. `random` is uniform over all values.
constexpr std::chrono::nanoseconds age_max(std::chrono::nanoseconds ttl, unsigned random) noexcept {
  auto const tenth = ttl / 10;
  return ttl - tenth + std::chrono::nanoseconds(tenth.count() / 512 * (random % 1025));
}

enum class idle_state {
  given_back, // since the last look
  seen,       // idle at the last look
  watched,    // whatever its server does is noticed
};

template <class Handle>
struct idle {
  Handle which;
  clock::deadline ends;
  std::uint64_t stay; // names this time of being idle, for good
  idle_state state = idle_state::given_back;
};

// `Handle` names a connection. The one that became idle last stands last.
template <class Handle>
class idle_list {
 public:
  bool empty() const noexcept { return idle_.empty(); }
  std::size_t size() const noexcept { return idle_.size(); }

  void add(Handle which, clock::deadline ends) { idle_.push_back({which, ends, ++stays_count_}); }

  // The one that was used last, for the next call. Requires that there is one.
  idle<Handle> take_newest() {
    auto const taken = idle_.back();
    idle_.pop_back();
    return taken;
  }

  // The one that a full pool can spare. Requires that there is one.
  idle<Handle> take_oldest() {
    auto const taken = idle_.front();
    idle_.erase(idle_.begin());
    return taken;
  }

  idle<Handle> const* find(std::uint64_t stay) const noexcept {
    auto const at = std::lower_bound(idle_.begin(), idle_.end(), stay,
                                     [](idle<Handle> const& each, std::uint64_t than) { return each.stay < than; });
    return at != idle_.end() && at->stay == stay ? &*at : nullptr;
  }

  std::optional<Handle> take(std::uint64_t stay) {
    auto const* const found = find(stay);
    if (found == nullptr)
      return std::nullopt;
    auto const which = found->which;
    idle_.erase(idle_.begin() + (found - idle_.data()));
    return which;
  }

  struct look_result {
    std::vector<Handle> ended; // too old; no longer here
    std::vector<std::uint64_t> to_watch;
  };
  look_result look(clock::steady::time_point now) {
    look_result found;
    auto const ends = [&](idle<Handle> const& each) {
      bool const ended = !each.ends.is_never() && each.ends.when() <= now;
      if (ended)
        found.ended.push_back(each.which);
      return ended;
    };
    std::erase_if(idle_, ends);
    for (auto& each : idle_) {
      if (each.state == idle_state::seen)
        found.to_watch.push_back(each.stay);
      each.state = each.state == idle_state::given_back ? idle_state::seen : idle_state::watched;
    }
    return found;
  }

  // Gives back what it has used more of before.
  void shrink() { idle_.shrink_to_fit(); }

  bool all_watched() const noexcept {
    return std::all_of(idle_.begin(), idle_.end(), [](auto const& each) { return each.state == idle_state::watched; });
  }

  // Never: nothing happens until one is added.
  clock::deadline next_look(clock::steady::time_point now) const noexcept {
    auto next = all_watched() ? clock::deadline::never() : clock::deadline::at(now + idle_look_interval);
    for (auto const& each : idle_)
      next = std::min(next, each.ends);
    return next;
  }

 private:
  std::vector<idle<Handle>> idle_;
  std::uint64_t stays_count_ = 0;
};

} // namespace statefund::endpoint
