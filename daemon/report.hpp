#pragma once

#include "admin/metrics.hpp"
#include "admin/status.hpp"
#include "catalog/snapshot.hpp"
#include "clock/clock.hpp"
#include "daemon/settings.hpp"
#include "daemon/tls_contexts.hpp"
#include "dispatch/dispatcher.hpp"
#include "dispatch/status.hpp"
#include "error/result.hpp"
#include "store/store.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
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
  std::map<std::string, std::uint64_t> const& reloads_by_result;
};

admin::status status_report(daemon_facts const& facts, std::vector<dispatch::shard_status> const& shards);
admin::metrics metrics_report(daemon_facts const& facts, std::vector<dispatch::shard_status> const& shards);

admin::reload_report reload_report_of(result<void> const& end, catalog::snapshot const& in_force);
// For the service manager's status: "12 functions from 3 module files", and what is wrong.
std::string sentence_of(catalog::snapshot const& in_force);
// Tells what is in force, what is wrong with it, and what does not run; in a word where `before` was the same.
void log_modules(catalog::snapshot const& in_force, catalog::snapshot const* before, std::string const& directory);
// Tells what is wrong with TLS files that was not so `before` (null: there is no before).
void log_tls(tls_contexts const& in_force, tls_contexts const* before);

} // namespace statefund::daemon
