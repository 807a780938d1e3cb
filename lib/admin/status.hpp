#pragma once

#include "message/address.hpp"
#include "message/change.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace statefund::admin {

// What a call of a function last failed with.
struct failure_status {
  std::string error;
  std::uint64_t attempts_count = 0;                 // in a row
  std::optional<std::int64_t> next_attempt_unix_ms; // absent: a call is out, or it waits for an operator
};

// One function type of the daemon, its shards put together.
struct function_status {
  message::function_type type;
  std::string generation;            // "2.x", "3.x"; empty: not remote
  std::string endpoint;              // as the module says; empty: no module declares the type
  std::string file;                  // the module's
  std::uint64_t backlog_count = 0;   // messages in mailboxes
  std::uint64_t addresses_count = 0; // with a message in their mailbox or on a call
  std::uint64_t calls_in_flight_count = 0;
  std::uint64_t addresses_in_backoff_count = 0;
  std::uint64_t addresses_held_count = 0; // what they came to has no room
  std::uint64_t addresses_paused_count = 0;
  std::optional<message::pause> paused;       // the whole type
  std::optional<failure_status> last_failure; // absent once a call has succeeded
};

// An error of a module file. Line 0: the file as a whole.
struct diagnostic {
  std::string file;
  unsigned line = 0;
  unsigned column = 0; // in bytes, from 1
  std::string message;
  std::string hint; // empty: none
};

struct module_status {
  std::string file;
  std::string state; // "loaded", "kept" (its last good version is in force), "refused" (nothing of it is)
  std::vector<diagnostic> diagnostics;
};

// Something that a module declares and that this version does not run.
struct not_running {
  std::string what;
  std::string where; // "file:line:column"
  std::string why;
};

struct egress_status {
  message::egress_id id;
  std::string kind; // "queue"
  std::uint64_t records_count = 0;
  std::uint64_t bytes = 0;
  std::uint64_t addresses_held_count = 0;
};

// What addresses are held for.
struct held_status {
  std::string waits_for; // "memory", "disk", "egress ns/name", "another egress", "unbound ns/name"
  std::uint64_t addresses_count = 0;
};

// A snapshot of the daemon, provisional: it may tell of what a crash would take back.
struct status {
  std::string version;
  std::string state; // "starting", "ready", "paused", "draining", "stopping"
  std::chrono::seconds uptime{0};
  std::uint32_t shards_count = 0;
  std::uint32_t partitions_count = 0;
  std::string store_kind;           // "memory", "rocksdb"
  std::string store_may_lose;       // of what was answered; empty: nothing
  std::string store_lacks_space;    // why messages are refused; empty: there is room on the disk
  std::uint64_t unsynced_bytes = 0; // ordered, and not durable yet
  std::uint64_t buffered_bytes = 0;
  std::uint64_t buffered_bytes_max = 0;
  std::uint64_t delayed_pending_count = 0;
  std::uint64_t ingress_connections_count = 0;
  std::uint64_t modules_generation = 0;
  std::vector<module_status> modules;
  std::vector<not_running> declared_not_running;
  std::vector<function_status> functions;
  std::vector<egress_status> egresses;
  std::vector<held_status> held;
};

// What a reload of the module directory came to.
struct reload_report {
  std::uint64_t generation = 0; // in force on every shard
  std::size_t files_count = 0;
  std::size_t functions_count = 0;
  std::vector<diagnostic> diagnostics; // of files that are refused or kept
  std::string failure;                 // why the directory could not be read; everything stays as it was
};

} // namespace statefund::admin
