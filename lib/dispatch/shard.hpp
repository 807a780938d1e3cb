#pragma once

#include "dispatch/accept.hpp"
#include "dispatch/delayed.hpp"
#include "dispatch/departures.hpp"
#include "dispatch/entrance.hpp"
#include "dispatch/overdue.hpp"
#include "dispatch/shard_data.hpp"
#include "dispatch/spilling.hpp"
#include "dispatch/status.hpp"
#include "dispatch/turn_loop.hpp"
#include "dispatch/verbs.hpp"
#include "task/gate.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <memory>
#include <unordered_set>
#include <vector>

namespace statefund::dispatch {

class dispatcher;

// One event loop's share of the addresses, with the four ways over it, and the doors' entrance for connections that
// this loop serves. Owned by the dispatcher, on its own thread.
class shard final : public entrance {
 public:
  shard(dispatcher& all, delivery::place const& own, boost::asio::any_io_executor executor, options const& chosen,
        totals& counts, watermarks& marks, store::store& truth, std::shared_ptr<declarations const> declared);

  boost::asio::any_io_executor const& executor() const noexcept { return data_.executor; }

  boost::asio::awaitable<receipt> accept(submission one) override;
  boost::asio::awaitable<std::vector<receipt>> accept_many(std::vector<submission> next, upload& of,
                                                           std::chrono::nanoseconds wait_max) override;
  boost::asio::awaitable<result<void>> durable(store::ticket ordered) override;
  std::optional<std::string> text_type_name(message::function_type const& type) override;
  boost::asio::awaitable<std::variant<store::egress_page, refusal>> read_egress(egress_request request) override;
  std::optional<refusal> not_accepting() const override;
  bool reserve_bytes(std::uint64_t bytes) override;
  void release_bytes(std::uint64_t bytes) noexcept override;
  std::size_t shards_count() const noexcept override;

  // What operators do (verbs.hpp), wherever the address lives. A refusal was never ordered.
  boost::asio::awaitable<verb_receipt> pause(message::address self, std::string reason);
  boost::asio::awaitable<verb_receipt> resume(message::address self);
  boost::asio::awaitable<verb_receipt> skip(message::address self, message::entry_key head);
  boost::asio::awaitable<verb_receipt> replay(store::dead_letter_id id);
  boost::asio::awaitable<verb_receipt> drop(store::dead_letter_id id);
  // No turn of the type starts any more, on any shard, once this has returned; those that run go on.
  boost::asio::awaitable<verb_receipt> pause(message::function_type type, std::string reason);
  boost::asio::awaitable<verb_receipt> resume(message::function_type type);

  // From now on works with `next`. Functions whose type it keeps stay as they are, those of others are closed.
  void apply(std::shared_ptr<declarations const> next, keeps_function const& keeps);

  shard_status status() const;

 private:
  friend class dispatcher;

  struct part; // of an upload: the messages whose addresses live on one shard
  boost::asio::awaitable<void> accept_part(part& own, upload& of, std::chrono::nanoseconds wait_max);
  struct parts_left; // of an upload, on other shards
  boost::asio::awaitable<void> accept_elsewhere(shard& there, part& own, upload& of, std::chrono::nanoseconds wait_max,
                                                parts_left& left);
  boost::asio::awaitable<turn_told> run_there(ready_turn next, call_place at);
  boost::asio::awaitable<result<message::reply>> call_there(call_place at, message::address const& self,
                                                            message::batch const& taken,
                                                            message::state_values const& states, clock::deadline total);
  boost::asio::awaitable<void> all_has_come();
  boost::asio::awaitable<void> send_all();
  lanes::links lane_links();
  void send_set_aside(std::size_t at, message::address const& target, std::size_t count_max,
                      message::delayed_key through);
  template <class Tell>
  void tell(std::size_t at, Tell const& told);
  delayed::links delayed_links();
  shard_data::links links();
  turn_loop::links turn_links();
  template <class Verb, class... Given>
  boost::asio::awaitable<verb_receipt> where_it_lives(message::address const& self, Verb verb, Given... given);
  boost::asio::awaitable<carried_out> order(message::function_type type, std::optional<message::pause> why);
  void measure_mailboxes(std::unordered_set<lane*> const& of);

  dispatcher& all_;
  shard_data data_;
  dispatch::accept accept_;
  turn_loop turns_;
  spilling spilling_;
  verbs verbs_;
  overdue overdue_;
  delayed delayed_;
  departures departures_;
  task::gate closing_; // functions that a reload has replaced, or that were forgotten
};

} // namespace statefund::dispatch
