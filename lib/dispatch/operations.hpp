#pragma once

#include "dispatch/entrance.hpp"
#include "dispatch/inspection.hpp"
#include "error/result.hpp"
#include "message/address.hpp"
#include "message/batch.hpp"
#include "store/store.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace statefund::dispatch {

// An operator's word was carried out and is durable; not changed: it was so before.
struct acted {
  bool changed = true;
};

// What became of many dead letters.
struct replayed {
  std::uint64_t replayed_count = 0;
  std::uint64_t left_count = 0;         // those that were refused, and all later ones of their addresses
  std::optional<refusal> first_refusal; // why
};

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

  // Each is a turn of the address, and waits for the call that is out. What it does is said in verbs.hpp.
  virtual boost::asio::awaitable<verb_answer<acted>> pause(message::address self, std::string reason) = 0;
  virtual boost::asio::awaitable<verb_answer<acted>> resume(message::address self) = 0;
  virtual boost::asio::awaitable<verb_answer<acted>> skip(message::address self, message::entry_key head) = 0;
  // Of all addresses of a type. A call that is out ends; no other starts. Refused where no module declares the type.
  virtual boost::asio::awaitable<verb_answer<acted>> pause(message::function_type type, std::string reason) = 0;
  virtual boost::asio::awaitable<verb_answer<acted>> resume(message::function_type type) = 0;

  // At most `letters_max`, the oldest message first, from behind `after` on.
  virtual boost::asio::awaitable<result<dead_letter_page>>
  dead_letters(store::dead_letter_filter wanted, std::optional<message::entry_key> after, std::size_t letters_max) = 0;
  virtual boost::asio::awaitable<verb_answer<store::dead_letter_row>> dead_letter(message::entry_key id) = 0;
  virtual boost::asio::awaitable<verb_answer<acted>> replay(message::entry_key id) = 0;
  virtual boost::asio::awaitable<verb_answer<acted>> drop(message::entry_key id) = 0;
  // All that are there now, each address's in their order. A refusal ends it for its address alone, so that they stay
  // in order; asked for again, it goes on there.
  virtual boost::asio::awaitable<result<replayed>> replay_all(store::dead_letter_filter wanted) = 0;

  // The daemon, which was started paused, begins to serve; false: it was not paused. What is paused by itself stays so.
  virtual bool resume_all() = 0;
};

} // namespace statefund::dispatch
