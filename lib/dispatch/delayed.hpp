#pragma once

#include "dispatch/shard_data.hpp"
#include "task/gate.hpp"

#include <boost/asio/awaitable.hpp>

#include <array>
#include <cstdint>

namespace statefund::dispatch {

inline constexpr std::array<double, 10> lateness_seconds_bounds{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 300};

// The third way: alarm -> store.commit(due -> mailboxes) -> mailbox.push. A due message is an ordinary send of the
// address that set it. One shard, on its thread.
class delayed {
 public:
  explicit delayed(shard_data& data) : data_(data), loops_(data.executor) {}

  void start() { loops_.start(fire_when_due()); }
  boost::asio::awaitable<void> close();

  histogram<lateness_seconds_bounds.size()> const& lateness_seconds() const noexcept { return lateness_seconds_; }

 private:
  boost::asio::awaitable<void> fire_when_due();
  void fire_first(std::int64_t now_ms);

  shard_data& data_;
  task::gate loops_;
  histogram<lateness_seconds_bounds.size()> lateness_seconds_;
};

} // namespace statefund::dispatch
