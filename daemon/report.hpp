#pragma once

#include "admin/metrics.hpp"
#include "admin/status.hpp"
#include "catalog/snapshot.hpp"
#include "clock/clock.hpp"
#include "daemon/settings.hpp"
#include "dispatch/dispatcher.hpp"
#include "dispatch/status.hpp"
#include "store/store.hpp"

#include <cstddef>
#include <vector>

namespace statefund::daemon {

// What the admin door shows, put together from what the shards have counted. All borrowed.
struct daemon_facts {
  settings const& chosen;
  catalog::snapshot const& modules;
  dispatch::dispatcher const& dispatcher;
  store::store const& store;
  clock::steady::time_point started_at;
  std::size_t ingress_connections_count;
};

admin::status status_report(daemon_facts const& facts, std::vector<dispatch::shard_status> const& shards);
admin::metrics metrics_report(daemon_facts const& facts, std::vector<dispatch::shard_status> const& shards);

} // namespace statefund::daemon
