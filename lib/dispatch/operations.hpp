#pragma once

#include "dispatch/entrance.hpp"
#include "dispatch/inspection.hpp"
#include "error/result.hpp"
#include "message/address.hpp"

#include <boost/asio/awaitable.hpp>

#include <variant>

namespace statefund::dispatch {

// store::errc::lost: the outcome is not known; close the connection.
template <class Done>
using verb_answer = result<std::variant<Done, refusal>>;

// What an operator may ask of dispatch. Called on the first shard's thread; routes to where an address lives and comes
// back there. What it tells waits a moment for what it rests on to be durable, and says where that is not so.
class operations {
 public:
  virtual ~operations() = default;

  virtual boost::asio::awaitable<address_list> addresses(address_filter wanted) = 0;
  // Refused where nothing is known of the address.
  virtual boost::asio::awaitable<verb_answer<address_detail>> describe(message::address self) = 0;

  // The daemon, which was started paused, begins to serve; false: it was not paused. What is paused by itself stays so.
  virtual bool resume_all() = 0;
};

} // namespace statefund::dispatch
