#pragma once

#include "clock/clock.hpp"
#include "clock/deadline.hpp"
#include "dispatch/shard_data.hpp"
#include "error/number.hpp"
#include "error/result.hpp"
#include "mailbox/mailbox.hpp"
#include "message/batch.hpp"
#include "message/change.hpp"
#include "message/state_values.hpp"
#include "task/event.hpp"
#include "task/gate.hpp"
#include "turn/failure.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace statefund::dispatch {

enum class turn_end {
  done,        // the batch has taken effect
  failed,      // the batch is back in its mailbox, and its address backs off
  held,        // what it came to has no room: the address stands still, and nothing was counted against it
  held_back,   // likewise without a call: what it came to last would have no room
  given_up,    // the function answered, and its message was set aside or dropped by its policy
  withdrawn,   // an operator was faster: there is nothing to call, or not now
  not_reached, // nobody was asked: the batch is back in its mailbox, and who holds the permit has the turn back
  rebound,     // a reload came between: the batch is back in its mailbox, for the function that is bound now
  stopped,     // the daemon stops; the batch is back in its mailbox
};

// What the worker is told of a turn.
struct turn_told {
  turn_told(turn_end came_to = turn_end::done, error because = {}) : end(came_to), why(std::move(because)) {}
  turn_end end;
  error why; // of not_reached
};

// Where a turn's call is made: at the worker that took the turn, on the worker's shard.
struct call_place {
  std::size_t shard;
  function::function* callee; // of that shard; the worker keeps it
  std::uint64_t generation;   // of that shard's lanes when the turn was taken
};

// The second way: mailbox.take -> store.read -> function.call -> conclude -> store.commit -> release. One shard, on its
// thread. At most one turn of an address runs at a time.
// A call that has succeeded, of a function that is bound, on the shard that tells of it, from one generation of its
// lanes to the other.
struct success {
  std::uint64_t place; // among the process's
  std::uint64_t from_generation;
  std::uint64_t to_generation;
};

class turn_loop {
 public:
  // A type's permits may be on one shard, and its address on another.
  struct links {
    // Runs a turn on the shard where its address lives.
    std::function<boost::asio::awaitable<turn_told>(ready_turn, call_place)> run_there;
    // Makes a turn's call on the worker's shard. All is borrowed until it returns.
    std::function<boost::asio::awaitable<result<message::reply>>(
        call_place, message::address const&, message::batch const&, message::state_values const&, clock::deadline)>
        call_there;
    // Who sends to this type, which was unbound, need not wait any more for what is on this shard.
    std::function<void(message::function_type const&)> unbound_has_room;
    // Another shard is asked to tell of the first success of a type after `since`, or tells of one.
    std::function<void(message::function_type const&, std::uint64_t since, std::uint64_t generation)> ask_for_success;
    std::function<void(std::size_t shard, message::function_type const&, success)> tell_success;
  };

  turn_loop(shard_data& data, links others);

  // A worker holds one permit of its type and takes turns until nobody is ready.
  void start_worker(permit held);

  // A turn of an address of this shard; it stays ready where this shard works with other declarations than the
  // worker's.
  boost::asio::awaitable<turn_told> run(mailbox::mailbox& own, call_place at);

  // Of calls that succeed on other shards, which work with declarations of that generation.
  void success_wanted(std::size_t by, message::function_type const& type, std::uint64_t since,
                      std::uint64_t generation);
  void success_told(message::function_type const& type, success told);
  // Lanes were bound anew: what was known of the function's successes and failures is not true any more.
  void rebound();

  // An egress is below its low mark: who was held by it goes on.
  void egress_has_room(message::egress_id const& egress);

  // The same for what waits on another shard for a type that no module declares.
  void unbound_is_full(message::function_type const& type, std::size_t on_shard);
  void unbound_has_room(message::function_type const& type, std::size_t on_shard);

  // What modules declare is something else: who was held for memory, the disk or another egress asks again.
  void room_looked_at_again();

  // For an operator's verbs. `work` runs right after the turn that is in flight; it finds the mailbox by itself.
  void when_at_rest(message::address const& self, std::function<void()> work);
  // The address takes no turns, until it is resumed. Requires that none is in flight, as the next two do.
  void pause(mailbox::mailbox& own, message::pause why);
  // May erase the mailbox.
  void resume(mailbox::mailbox& own);
  // The first message was consumed, and with it ends a pause for its failure. May erase the mailbox.
  void skip_head(mailbox::mailbox& own);

  // Starts the loops that wake those who back off, and those who wait for memory or the store.
  void start();

  // Calls `see` for the addresses that back off, the next to be called first, and for some that are ready.
  void for_some_waiting(std::function<void(mailbox::mailbox const&)> const& see) const;
  // The next probe of an endpoint may be sooner.
  void probes_changed() { backoffs_changed_.notify_all(); }

  // How many addresses are held, by what they wait for.
  std::vector<std::pair<mailbox::held_for, std::size_t>> held_counts() const;

  // No turn starts any more; returns when all that run have ended. `cancel` makes that soon.
  boost::asio::awaitable<void> close();
  void cancel() { workers_.cancel(); }

 private:
  boost::asio::awaitable<void> work(permit held);
  boost::asio::awaitable<turn_told> run_turn(mailbox::mailbox& own, lane& type, call_place at);
  boost::asio::awaitable<result<message::reply>> call(call_place const& at, message::address const& self,
                                                      message::batch const& taken, message::state_values const& states,
                                                      clock::deadline total);
  void hear(permit const& held, ready_turn of, turn_told const& told);
  boost::asio::awaitable<void> wake_backed_off();

  message::batch take_next(mailbox::mailbox& own, lane& type);
  message::batch take(mailbox::mailbox& own, lane& type, std::size_t messages_max);
  // What does not fit into a request beside the states waits again, all but the first message. Returns by how much this
  // turn may let the states grow: one message as large as the largest of these still fits in then.
  std::int64_t cut(mailbox::mailbox& own, lane& type, message::state_values const& states, message::batch& taken);
  // What the turn's next call carries: what this one was asked for, too. Only turn::errc::too_many_states.
  result<std::shared_ptr<message::state_specs const>>
  widen(message::state_specs const& carried, message::missing_states const& missing, std::size_t wishes_count) const;
  // Later calls of the type carry these states, too. Only turn::errc::too_many_states.
  result<void> learn(lane& type, function::handle const& bound,
                     std::shared_ptr<message::state_specs const> const& specs) const;
  // What must be durable before a call with these messages, where the module says so.
  static store::ticket inputs_of(message::batch const& taken, lane const& type);
  void give_back(mailbox::mailbox& own, lane& type, message::batch taken);
  // holds.cpp
  bool may_start_turn();
  std::optional<mailbox::held_for> full_egress(mailbox::mailbox const& own) const;
  std::optional<mailbox::held_for> egress_without_room(message::change const& whole) const;
  std::optional<mailbox::held_for> what_has_no_room(message::change const& whole, message::batch const& taken,
                                                    message::state_values const& carried) const;
  bool has_no_memory(message::change const& whole, message::batch const& taken) const;
  void hold(mailbox::mailbox& own, lane& type, message::batch taken, mailbox::held_for const& what);
  bool waits_for_room() const; // of memory or on the disk
  void wake_held(mailbox::held_for const& what);
  void wake_first_held(mailbox::held_for const& what);
  boost::asio::awaitable<void> look_for_room();

  // after_failure.cpp
  turn_told after_failure(mailbox::mailbox& own, lane& type, function::handle const& bound, message::batch taken,
                          error const& why);
  turn_end back_off(mailbox::mailbox& own, lane& type, error const& why);
  // What becomes of the first message, which is refused for good.
  turn_end give_up(mailbox::mailbox& own, lane& type, error const& why);
  struct given_up_for {
    number page; // says what to do
    std::string text;
  };
  turn_end set_aside(mailbox::mailbox& own, lane& type, message::dead_letter letter, turn::culprit_goes where,
                     number page);
  turn_end pause_for(mailbox::mailbox& own, lane& type, number what, given_up_for because);
  turn_end await_success(mailbox::mailbox& own, lane& type, given_up_for because);
  static void stand_paused(mailbox::mailbox& own, lane& type, std::string reason);
  void succeeded(lane& type);
  void wake_awaiting(lane& type);
  void ask_for_success(lane const& type);
  success success_of(lane const& type) const;

  turn_end after_rebinding(mailbox::mailbox& own, lane& type, message::batch taken);
  turn_end halt(mailbox::mailbox& own, lane& type, message::batch taken, error const& why);
  void release(mailbox::mailbox& own, lane& type, message::batch const& taken, message::change& whole,
               store::ticket ordered) noexcept;
  void becomes_ready(mailbox::mailbox& own, lane& type);
  // Takes it out of wherever it waits; false: its turn is on its way already, and will look for itself.
  bool withdraw(mailbox::mailbox& own, lane& type);
  // To where it belongs; an idle mailbox is erased.
  void goes_on(mailbox::mailbox& own, lane& type);
  void forget_failures(mailbox::mailbox& own, lane& type);

  shard_data& data_;
  links links_;
  task::gate workers_;
  task::gate loops_;
  task::event backoffs_changed_;
  std::multimap<clock::steady::time_point, mailbox::mailbox*> backing_off_;
  std::unordered_map<message::address, std::vector<std::function<void()>>> at_rest_; // verbs that wait for a turn's end
  std::map<mailbox::held_for, std::deque<mailbox::mailbox*>> held_;                  // none of them empty
  task::event room_wanted_; // of memory, on the disk, or until the store has synced
  task::event looks_again_; // nobody tells it: a pause that can be cancelled
  std::set<std::pair<message::function_type, std::size_t>> full_unbound_; // type, shard
  std::minstd_rand random_;
  bool closed_ = false;
};

} // namespace statefund::dispatch
