#pragma once

#include "admin/metrics.hpp"
#include "admin/status.hpp"
#include "dispatch/entrance.hpp"
#include "error/result.hpp"
#include "store/store.hpp"

#include <boost/asio/awaitable.hpp>

#include <optional>
#include <string>

namespace statefund::admin {

// Where the admin socket's answers come from. Called on the door's thread; implemented by the daemon, which asks its
// shards. Outlives the door.
class sources {
 public:
  virtual ~sources() = default;

  // Absent: ready; else what a message from outside would be answered.
  virtual std::optional<dispatch::refusal> not_ready() = 0;
  virtual boost::asio::awaitable<admin::status> status() = 0;
  virtual boost::asio::awaitable<admin::metrics> metrics() = 0;

  // Reads the module directory again; returns once every shard works with what it says. Absent: the daemon stops.
  virtual boost::asio::awaitable<std::optional<reload_report>> reload() = 0;

  // Copies what the store keeps into a new directory of the daemon's machine: store::store::back_up.
  virtual boost::asio::awaitable<result<store::backup_report>> back_up(std::string directory) = 0;
};

} // namespace statefund::admin
