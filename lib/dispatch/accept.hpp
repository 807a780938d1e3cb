#pragma once

#include "clock/deadline.hpp"
#include "dispatch/entrance.hpp"
#include "dispatch/shard_data.hpp"

#include <boost/asio/awaitable.hpp>

#include <optional>
#include <string>
#include <unordered_set>

namespace statefund::dispatch {

// Why nothing is accepted in this state; absent: it is.
std::optional<refusal> refusal_in(serving_state state);

// The first way: admission -> mailbox + store.commit. One shard, on its thread, for addresses that live there.
//
// Look-up of the key, admission, order and push are one step; where one of them has to wait, admissions for the same
// target wait behind it, first come first served. A refusal is given before ordering or not at all.
class accept {
 public:
  explicit accept(shard_data& data) : data_(data) {}

  // Refuses at once where there is no room.
  boost::asio::awaitable<receipt> one(submission message);

  // Waits for room, up to `wait_until`. After a refusal every later message to the same address is refused, too.
  boost::asio::awaitable<receipt> of_upload(submission message, std::unordered_set<message::address>& rejected,
                                            clock::deadline wait_until);

  // Why a message would be refused at this moment; absent: there is room, and nobody waits for it.
  std::optional<refusal> refusal_of(submission const& message);

 private:
  enum class patience { none, waits };

  boost::asio::awaitable<receipt> admit(submission message, patience when_full, clock::deadline wait_until);
  refusal unknown(message::function_type const& type) const;
  std::optional<refusal> no_room_for(submission const& message, lane const& type);
  receipt order(submission message, std::string fingerprint);

  shard_data& data_;
};

} // namespace statefund::dispatch
