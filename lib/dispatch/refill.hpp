#pragma once

#include "dispatch/shard_data.hpp"
#include "mailbox/mailbox.hpp"
#include "message/address.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstddef>

namespace statefund::dispatch {

// How a mailbox whose tail is on disk is read on. One shard, on its thread.

// How much of it is kept in memory: at least what one batch may take, where that is not too much.
mailbox::mailbox::extent head_of(shard_data const& data, mailbox::mailbox const& own, lane const& type);

// Whether its next batch could be larger if it were read on.
bool wants_refill(shard_data const& data, mailbox::mailbox const& own, lane const& type);

// Reads it on, where it wants that: at most one read of an address is under way, whoever comes second waits. False: the
// store is lost, which it tells, or whoever waited was cancelled. Rows that are not what has left memory are a lost
// store, too.
boost::asio::awaitable<bool> refill(shard_data& data, message::address self);

} // namespace statefund::dispatch
