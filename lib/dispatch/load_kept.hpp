#pragma once

#include "dispatch/shard_data.hpp"
#include "error/result.hpp"

#include <boost/asio/awaitable.hpp>

#include <vector>

namespace statefund::dispatch {

// Loads all that the store has kept of the shard's partitions: mailboxes, and who is paused. Delayed messages are
// loaded when they are due soon (delayed_window). On its
// thread, before its ways start. Returns the types that are paused, for all shards to know. Only store::errc::lost.
boost::asio::awaitable<result<std::vector<store::kept_pause>>> load_kept(shard_data& data);

} // namespace statefund::dispatch
