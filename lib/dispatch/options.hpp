#pragma once

#include "dispatch/sync_watch.hpp"
#include "egress/mark.hpp"
#include "mailbox/memory_mark.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace statefund::dispatch {

struct options {
  mailbox::memory_mark memory;          // messages and bodies in memory: past it the doors shut
  std::size_t head_messages_max = 1000; // in memory, of a mailbox whose tail is on disk
  // With messages that wait, wherever these are: some 0.8 KB of memory each, whatever has left for the disk. Past it
  // none from outside for one more.
  std::size_t waiting_addresses_max = 2'000'000;
  std::uint64_t unbound_bytes_max = 64U << 20U; // waiting for one function type that no module declares
  sync_mark sync;                               // changes ordered and not durable
  std::size_t delayed_max = 10'000'000;         // pending delayed messages: past it none from outside
  // Of a store that keeps them: in memory are those that are due so soon, up to so many bytes, and an eighth of the
  // mark, for those that find no room take no memory from the turns that would make it.
  std::chrono::milliseconds delayed_window = std::chrono::minutes(5);
  std::uint64_t delayed_window_bytes_max = 64U << 20U;
  std::size_t states_max = 1000;           // of one function type
  std::size_t calls_in_flight_max = 32768; // of the daemon
  std::size_t function_types_max = 10'000; // in use at once
  egress::mark egress_queue;               // per queue
  std::size_t egress_queues_max = 10'000;  // past it none comes into being that no module declares
  std::chrono::milliseconds key_window = std::chrono::hours(24);
  unsigned random_seed = 1; // of what is left to chance: the spread of back-offs; shard i takes the i-th after it
};

} // namespace statefund::dispatch
