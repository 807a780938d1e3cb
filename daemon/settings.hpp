#pragma once

#include "log/log.hpp"
#include "module/diagnostic.hpp"
#include "store/sync_policy.hpp"

#include <boost/system/result.hpp>

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace statefund::daemon {

enum class store_kind {
  memory,  // keeps nothing
  rocksdb, // keeps everything below store.path
};

enum class admin_actions {
  refused, // the admin door only shows
  allowed, // and changes what it is asked to
};

enum class start {
  serving,
  paused, // functions are called once an operator resumes them
};

// Everything that can be set, with its default. Written once at start, then only read; a value that was read is within
// its bounds. What each means stands in config/statefund.yaml, and a test holds the two against each other.
struct settings {
  struct ingress_settings {
    std::filesystem::path socket = "/run/statefun/ingress.sock";
    mode_t mode = 0660;
    std::string group; // empty: the daemon's own
    std::vector<uid_t> allow_uids;
    std::uint64_t connections_max = 1024;
    std::uint64_t message_bytes_max = 16ULL << 20;
    std::chrono::nanoseconds wait_max = std::chrono::seconds(10);
    bool operator==(ingress_settings const&) const = default;
  };
  struct admin_settings {
    std::filesystem::path socket = "/run/statefun/admin.sock";
    mode_t mode = 0660;
    std::string group;
    std::string listen; // "host:port" or "[v6]:port"; empty: nowhere
    admin_actions actions = admin_actions::refused;
    bool operator==(admin_settings const&) const = default;
  };
  struct store_settings {
    store_kind kind = store_kind::rocksdb;
    std::filesystem::path path = "/var/lib/statefun";
    statefund::store::sync_mode sync = statefund::store::sync_mode::always;
    std::chrono::nanoseconds sync_interval = std::chrono::milliseconds(100);
    std::uint64_t free_bytes_min = 256ULL << 20;
    std::chrono::nanoseconds idempotency_window = std::chrono::hours(24); // of keys that are accepted from now on
    std::optional<std::uint64_t> accept_loss;                             // the number that a refusal has named
    bool operator==(store_settings const&) const = default;
  };
  struct limit_settings {
    std::uint64_t buffered_bytes_max = 256ULL << 20;
    std::uint64_t unsynced_bytes_max = 64ULL << 20;
    std::uint64_t waiting_addresses_max = 2'000'000;
    std::uint64_t delayed_max = 10'000'000;
    std::uint64_t idempotency_keys_max = 1'000'000; // inside their window
    std::uint64_t states_max = 1000;
    std::uint64_t calls_in_flight_max = 32768;
    std::uint64_t egress_queue_bytes_max = 64ULL << 20; // each queue
    std::uint64_t egress_queues_max = 10'000;           // past it none comes into being that no module declares
    std::uint64_t unbound_bytes_max = 64ULL << 20;      // each function type
    std::uint64_t function_types_max = 10'000;
    bool operator==(limit_settings const&) const = default;
  };
  struct embedded_settings {
    std::filesystem::path directory = "/usr/lib/statefun/modules";
    bool operator==(embedded_settings const&) const = default;
  };
  struct log_settings {
    log::level level = log::level::info;
    log::format format = log::format::automatic;
    bool operator==(log_settings const&) const = default;
  };

  std::filesystem::path modules = "/etc/statefun.d";
  ingress_settings ingress;
  admin_settings admin;
  store_settings store;
  std::optional<unsigned> shards; // absent: auto, as many as processors
  limit_settings limits;
  start starting = start::serving; // start_paused
  embedded_settings embedded;
  std::chrono::nanoseconds drain_timeout = std::chrono::seconds(30);
  log_settings log;
  std::map<std::string, std::string, std::less<>> global_config; // module.global-config, for embedded modules

  bool operator==(settings const&) const = default;
};

// The text of a settings file, and its name for errors.
struct settings_file {
  std::string name;
  std::string text;
};

// One setting given on the command line: `path` as in the file with dots between ("ingress.socket",
// "module.global-config.<key>"), `given_by` the flag. A list is written with commas.
struct assignment {
  std::string given_by;
  std::string path;
  std::string value;
};

struct configuration {
  settings values;
  std::string file; // that was read; empty: none was
  // Where each setting comes from that has not its default: in the file, or a flag as a file without lines; by path.
  std::map<std::string, module::place, std::less<>> origins;
};

// Settings whole, or all that is wrong with them, never nothing: the file's errors first.
using settings_result = boost::system::result<configuration, module::diagnostics>;

// Assignments win over the file, a later one over an earlier one, and all over the defaults. Pure.
settings_result combine(std::optional<settings_file> const& file, std::vector<assignment> const& assignments);

inline constexpr std::string_view default_file = "/etc/statefun/statefund.yaml";

// As above, from `named`, which must be there, or else from `otherwise` if that exists.
settings_result load_settings(std::optional<std::string> const& named, std::vector<assignment> const& assignments,
                              std::string const& otherwise = std::string(default_file));

// A settings file that says the same, every setting with a remark where it comes from.
std::string to_yaml(configuration const& effective);

// The paths of all settings, in the order of to_yaml.
std::vector<std::string> setting_paths();

} // namespace statefund::daemon
