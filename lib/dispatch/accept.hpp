#pragma once

#include "clock/deadline.hpp"
#include "dispatch/door_queue.hpp"
#include "dispatch/entrance.hpp"
#include "dispatch/shard_data.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

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

  // In their order; each waits for room, at most `wait_max`. After a refusal every later message to the same address is
  // refused, too. Who waits before the same mailbox has it in turn, as many messages each as it then takes. Once the
  // caller is cancelled the rest is refused.
  boost::asio::awaitable<std::vector<receipt>>
  of_upload(std::vector<submission> messages, upload::rejected_addresses& rejected, std::chrono::nanoseconds wait_max);

  // Why a message would be refused at this moment; absent: there is room, and nobody waits for it.
  std::optional<refusal> refusal_of(submission const& message);

 private:
  enum class patience { none, waits };

  // Ordered or refused; absent: something has to be waited for. What is not ordered stays as it is. `first`: the
  // caller's place, with nobody before it; null: it has none.
  std::optional<receipt> at_once(submission& message, door_queue::place const* first);
  boost::asio::awaitable<receipt> admit(submission& message, door_queue::place& at, patience when_full,
                                        clock::deadline wait_until);
  bool is_shut(message::address const& target);
  refusal unknown(message::function_type const& type) const;
  std::optional<refusal> no_room_for(submission const& message, lane const& type);
  receipt order(submission message, std::string fingerprint);

  shard_data& data_;
};

} // namespace statefund::dispatch
