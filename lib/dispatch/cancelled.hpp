#pragma once

#include "dispatch/shard_data.hpp"
#include "error/result.hpp"
#include "message/address.hpp"
#include "message/reply.hpp"
#include "turn/conclude.hpp"

#include <boost/asio/awaitable.hpp>

namespace statefund::dispatch {

// The pending delayed messages of `self` under the tokens that its answer cancels, in memory and far: what is pending
// when this returns. In the address's own turn, on its shard's thread. Only store::errc::lost.
boost::asio::awaitable<result<turn::pending_delayed>> find_cancelled(shard_data& data, message::address const& self,
                                                                     message::reply const& answer);

} // namespace statefund::dispatch
