#pragma once

#include "dispatch/accept.hpp"
#include "dispatch/entrance.hpp"
#include "dispatch/shard_data.hpp"
#include "dispatch/turn_loop.hpp"
#include "message/address.hpp"
#include "message/batch.hpp"
#include "store/store.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <set>
#include <string>
#include <variant>

namespace statefund::dispatch {

// What an operator asked for was done, or was so already. It may be told to the outside once `ordered` is durable.
struct carried_out {
  store::ticket ordered;
  bool was_so = false;
};

using verb_receipt = std::variant<carried_out, refusal>;

// What operators do to addresses: each verb is one change, and a turn of its address: it waits for the call in flight.
// One shard, on its thread, for addresses that live there. An asker who is cancelled does not hear what became of it.
class verbs {
 public:
  verbs(shard_data& data, turn_loop& turns) : data_(data), accept_(data), turns_(turns) {}

  // The address takes no turns until it is resumed. It keeps its messages and takes new ones, as far as its mark lets
  // it. One that has nothing may be paused, too.
  boost::asio::awaitable<verb_receipt> pause(message::address self, std::string reason);
  // Whatever has paused it. Its first message is tried again, as if it had not failed before.
  boost::asio::awaitable<verb_receipt> resume(message::address self);
  // Drops the first message, if that is the one named: message_not_at_head otherwise. An address that a failure has
  // paused goes on; one that an operator has paused does not.
  boost::asio::awaitable<verb_receipt> skip(message::address self, message::entry_key head);

  // All of a type: the change, on the shard of {type, ""}. Each shard then has to be told.
  carried_out order_pause(message::function_type const& type, message::pause const& why);
  carried_out order_resume(message::function_type const& type);

  // The dead letter becomes the last message of its address, refused as at a door where there is no room. Where it
  // stood before is gone: messages that came later may have passed it.
  boost::asio::awaitable<verb_receipt> replay(store::dead_letter_id id);
  // It is gone for good.
  boost::asio::awaitable<verb_receipt> drop(store::dead_letter_id id);

 private:
  enum class letter_goes { to_its_address, nowhere };

  boost::asio::awaitable<verb_receipt> at_rest(message::address self, std::function<verb_receipt()> work);
  verb_receipt pause_now(message::address const& self, std::string const& reason);
  verb_receipt resume_now(message::address const& self);
  verb_receipt skip_now(message::address const& self, message::entry_key const& head);
  boost::asio::awaitable<verb_receipt> take(store::dead_letter_id id, letter_goes where);
  verb_receipt take_now(store::dead_letter_id const& id, message::dead_letter letter, letter_goes where);

  shard_data& data_;
  accept accept_;
  turn_loop& turns_;
  std::set<store::dead_letter_id> taken_; // being looked up, to be replayed or dropped
};

} // namespace statefund::dispatch
