#pragma once

#include "message/address.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace statefund::admin {

// Counts by bucket, each for itself (not cumulative); `counts` has one more than `upper_bounds`, for what is above.
struct histogram {
  std::vector<double> upper_bounds;
  std::vector<std::uint64_t> counts;
  double sum = 0;

  // Puts another one with the same bounds into this one; an empty one takes its bounds.
  void merge(histogram const& other);
};

struct function_metrics {
  message::function_type type;
  std::uint64_t in_count = 0;
  std::uint64_t out_local_count = 0;
  std::uint64_t out_egress_count = 0;
  std::uint64_t calls_in_flight_count = 0; // inflight_async_ops
  std::uint64_t backlog_count = 0;
  std::uint64_t blocked_addresses_count = 0;
  std::uint64_t paused_addresses_count = 0;
  std::uint64_t held_addresses_count = 0;
  std::uint64_t dead_letters_count = 0;
  std::uint64_t skipped_count = 0;
  std::map<std::string, std::uint64_t> calls_by_outcome;           // "done", "failed", ...
  std::map<std::string, std::uint64_t> attempt_failures_by_reason; // "connect", "read_timeout", "status_500", ...
  histogram attempt_seconds;
  histogram batch_messages;
  double mailbox_oldest_seconds = 0;
};

// A plain snapshot, put together from per-shard counters when it is asked for. Empty histograms are left out.
struct metrics {
  std::vector<function_metrics> functions;
  std::uint64_t buffered_bytes = 0;
  std::uint64_t buffered_bytes_max = 0;
  std::uint64_t unsynced_bytes = 0;
  std::uint64_t delayed_pending_count = 0;
  histogram delayed_lateness_seconds;
  histogram commit_seconds;
  histogram commit_changes;
  histogram sync_seconds;
  std::map<std::string, std::uint64_t> store_written_bytes_by_part; // "log", "flush", "compaction"
  std::map<std::string, std::uint64_t> egress_queue_bytes;          // by egress id as text
  std::map<unsigned, std::uint64_t> ingress_requests_by_status;
  std::map<std::string, std::uint64_t> pool_connections_by_state; // "idle", "busy"
  std::uint64_t modules_generation = 0;
  std::map<std::string, std::uint64_t> reloads_by_result;     // "loaded", "refused" (some file), "failed" (to read any)
  std::map<std::string, std::uint64_t> module_files_by_state; // "loaded", "kept", "refused"
  std::string version;
};

} // namespace statefund::admin
