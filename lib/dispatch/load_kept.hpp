#pragma once

#include "dispatch/shard_data.hpp"
#include "error/result.hpp"

#include <boost/asio/awaitable.hpp>

namespace statefund::dispatch {

// Loads all that the store has kept of the shard's partitions: mailboxes and delayed messages. On its thread, before
// its ways start. Only store::errc::lost.
boost::asio::awaitable<result<void>> load_kept(shard_data& data);

} // namespace statefund::dispatch
