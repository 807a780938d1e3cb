#pragma once

#include "dispatch/inspection.hpp"
#include "dispatch/shard_data.hpp"
#include "error/result.hpp"

#include <boost/asio/awaitable.hpp>

#include <optional>
#include <string>

namespace statefund::dispatch {

// What an operator asks of one shard, answered on its thread from its memory. Nothing is counted for it on a message's
// way: everything is walked over when it is asked for, in slices between which the shard does its work. What is asked
// for must outlive the answer.

// Those of this shard that have waited longest, and how many there are.
boost::asio::awaitable<address_list> list_addresses(shard_data& data, address_filter const& wanted);

// Of an address of this shard. Only store::errc::lost. Why it is ready and not called its home knows (why_not_called).
boost::asio::awaitable<result<address_detail>> describe(shard_data& data, message::address const& self);

// On the shard that holds the permits of the type: why one of its addresses that is ready is not called.
std::string why_not_called(shard_data& home, message::function_type const& type);

// Puts what the shards have listed together.
address_list merge(std::vector<address_list> of_shards, std::size_t addresses_max);

} // namespace statefund::dispatch
