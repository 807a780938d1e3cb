#pragma once

#include "dispatch/delayed.hpp"
#include "dispatch/lanes.hpp"
#include "message/address.hpp"
#include "message/change.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace statefund::dispatch {

// One function type on one shard, as it was in one moment. Provisional: nothing here waits for the disk.
struct lane_status {
  message::function_type type;
  bool bound = false;                   // else no module declares it, and what is there waits
  std::optional<message::pause> paused; // the whole type
  lane_counters counters;
  function::attempt_counts attempts;
  std::size_t waiting_messages_count = 0;
  std::size_t addresses_count = 0; // with something waiting or out, or paused
  std::size_t in_flight_count = 0;
  std::size_t backing_off_count = 0;
  std::size_t held_count = 0;
  std::size_t paused_count = 0;
  std::size_t shut_count = 0; // mailboxes whose door is shut
  double oldest_seconds = 0;  // of the messages that are ready or back off
  std::string last_error;
  std::int64_t last_error_at_ms = 0;
  std::size_t failing_count = 0;     // addresses whose last call failed
  unsigned failures_count_max = 0;   // in a row, of those that back off
  unsigned not_reached_count = 0;    // calls in a row that did not reach the endpoint; who waits for it has not failed
  std::int64_t next_attempt_ms = -1; // from now, the earliest; -1: nobody backs off, and no endpoint is out of reach
};

struct shard_status {
  std::vector<lane_status> lanes;
  std::vector<std::pair<mailbox::held_for, std::size_t>> held; // addresses, by what they wait for
  std::size_t mailboxes_count = 0;                             // idle addresses have none
  histogram<lateness_seconds_bounds.size()> delayed_lateness_seconds;
};

} // namespace statefund::dispatch
