#pragma once

#include "clock/clock.hpp"
#include "clock/deadline.hpp"
#include "error/result.hpp"
#include "function/table.hpp"
#include "mailbox/mailbox.hpp"
#include "message/address.hpp"
#include "message/change.hpp"
#include "message/state_values.hpp"
#include "store/ticket.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace statefund::dispatch {

// Counts in buckets of given upper bounds; the last one is open.
template <std::size_t Bounds>
struct histogram {
  std::array<std::uint64_t, Bounds + 1> counts{};
  double sum = 0;

  void add(double value, std::array<double, Bounds> const& bounds) noexcept {
    std::size_t i = 0;
    while (i < Bounds && value > bounds[i])
      ++i;
    ++counts[i];
    sum += value;
  }
};

inline constexpr std::array<double, 10> batch_size_bounds{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000};
// What a shard counts for one function type, on its thread.
struct lane_counters {
  std::uint64_t in_total = 0;         // messages for the type that were ordered
  std::uint64_t out_local_total = 0;  // messages that it sent to functions
  std::uint64_t out_egress_total = 0; // records that it sent to egresses
  std::uint64_t calls_succeeded_total = 0;
  std::uint64_t calls_failed_total = 0;
  std::uint64_t dead_letters_total = 0; // messages that were set aside
  std::uint64_t skipped_total = 0;      // messages that were dropped, by its module's word or an operator's
  histogram<batch_size_bounds.size()> batch_size;
};

// An address whose turn may start, and the shard on which it lives.
struct ready_turn {
  std::size_t shard;
  mailbox::mailbox* box; // stays in its place while it is ready or in flight; touched by its shard alone
};

// One function type on one shard: who is ready, and how many may call. While no module declares the type it is unbound:
// it has no permits, and who is ready waits. While its endpoint is not reached one worker at a time, the probe, calls
// now and then; who is ready waits, without a failure of its own. Once it is reached one permit is open beside those
// that are out, and each call that ends opens another, so that it is not run over.
struct lane {
  message::function_type type;
  function::handle callee; // null: unbound
  function::limits limits; // the callee's, or of the one before; without a mark where there was none
  std::size_t home = 0;    // the shard that holds the permits: this one, or another for a type with few
  std::size_t permits_count = 0;
  std::size_t open_permits_count = 0;     // of these; fewer for a while after the endpoint was not reached
  unsigned not_reached_count = 0;         // probes in a row that did not reach it, the call that found out among them
  bool not_reached_is_logged = false;     // of this row
  clock::steady::time_point next_probe{}; // none before, while not_reached_count > 0
  std::uint64_t probe = 0;                // the number of the one that is out; 0: none
  std::uint64_t probes_total = 0;
  // Until a first answer names no missing states nobody knows what a call has to carry: one call goes out at a time,
  // one more for each that ended otherwise, and after a while as many as there are permits.
  bool is_learning = true;
  std::size_t learners_max = 1;
  clock::steady::time_point learns_until{}; // none: no call has gone out yet
  std::size_t workers_count = 0;            // each holds one permit
  std::size_t own_calls_max = 0;            // of the shard's calls: kept for this type
  std::size_t leaving_count = 0; // workers whose permits are for what was bound before; each in its last turn
  std::deque<ready_turn> ready;
  std::uint64_t bound_generation = 0;                // the lanes' when it was bound
  std::optional<message::pause> paused;              // by an operator: no turn starts, whoever is ready
  std::shared_ptr<message::state_specs const> specs; // that a call carries: declared, or learned
  bool specs_are_declared = false;
  lane_counters counters;

  // Of addresses of this type and shard. Kept up to date, so that showing them costs no walk over the mailboxes.
  std::size_t waiting_messages_count = 0;
  std::uint64_t waiting_bytes = 0;
  bool unbound_is_full = false;             // so many waited while it was unbound that who sends to it is held
  std::size_t addresses_count = 0;          // with something waiting or out, or paused
  clock::steady::time_point unused_since{}; // while there are none
  std::size_t paused_count = 0;             // each for itself
  std::size_t shut_count = 0;               // whose door is shut
  std::size_t in_flight_count = 0;
  std::size_t backing_off_count = 0;
  std::size_t held_count = 0;
  std::size_t failing_count = 0; // whose last call failed
  std::string last_error;        // the newest failure of a call

  store::ticket last_change; // of any address of this type and shard

  // A message is given up only where another call of the type has succeeded since it failed, on any shard.
  std::uint64_t last_success = 0;             // its place among the process's; 0: none since the lane was bound
  std::vector<mailbox::mailbox*> awaiting;    // addresses of this shard that wait for one
  std::vector<std::size_t> success_wanted_by; // shards that are told of the next one

  std::int64_t last_error_at_ms = 0;
  clock::steady::time_point log_again_at{};
  std::size_t unlogged_failures_count = 0;
};

// The right to call what a lane is bound to, one call at a time. A worker holds one. Once the lane is bound anew it is
// good for the turn that runs and for no other, so nothing is called more often than its own limit says.
struct permit {
  lane* of;
  function::handle callee;
  std::uint64_t probe = 0; // the number of the probe for which it was given; 0: for none
};

// All lanes of one shard, on its thread. Decides who may call: ready addresses of a type take turns, types take turns
// for the shard's calls. Some of these are kept for each type, so that slow types cannot hold them all.
class lanes {
 public:
  struct options {
    std::size_t shard = 0;
    std::size_t shards_count = 1;
    std::size_t calls_max = 1024; // this shard's share; one call may always go out
    unsigned random_seed = 1;
  };
  // What they have others do.
  struct links {
    std::function<void(permit)> start_worker;
    // Another shard holds the permits: tell it that this address is ready.
    std::function<void(std::size_t home, message::function_type const&, ready_turn)> send_home;
    // A function that was forgotten, and that nobody calls.
    std::function<void(function::handle)> close;
    // next_probe() may be sooner.
    std::function<void()> probes_changed;
  };

  lanes(options const& chosen, function::table& functions, links others)
      : chosen_(chosen),
        calls_max_(std::max<std::size_t>(1, chosen.calls_max)),
        functions_(functions),
        links_(std::move(others)),
        random_(chosen.random_seed) {}

  // Null: no module declares the type, or there are as many functions as may be, each of them used within the last
  // minute; others are forgotten then.
  lane* find(message::function_type const& type);
  // Bound or not: for who has messages. Made where there is none.
  lane& open(message::function_type const& type);

  // Its last address is idle again.
  void unused(lane& of) noexcept { of.unused_since = clock::steady::now(); }

  // The turn waits for a permit here, or at the type's home.
  void ready(lane& of, ready_turn next);
  // A turn that another shard, of that generation, has handed over. Where this shard's is older it waits here until it
  // is not, for each of the two may see another home.
  void arrived(message::function_type const& type, ready_turn next, std::uint64_t generation);

  // The functions were replaced: every lane is bound to what they are now, or unbound, and turns go where they belong.
  // Returns the lanes with addresses whose mark is another one.
  std::unordered_set<lane*> rebind();

  // An operator's word. Turns that run go on.
  void pause(lane& of, message::pause why);
  void resume(lane& of);

  // Takes an address of this shard out of those that are ready; false: its turn is on its way, here or at the type's
  // home.
  bool withdraw(lane& of, mailbox::mailbox const& own);

  // What a worker's turn has found out about the endpoint. The first takes the turn back: it is the next to go.
  void not_reached(permit const& held, ready_turn back, error const& why);
  void reached(permit const& held);
  // What it has found out about the states that a call carries: all that the function wants, or nothing to rely on.
  void learned(permit const& held);
  void learned_nothing(permit const& held);
  // When wake_probes() has something to do; never, while all endpoints are reached, all types have their function and
  // none is being learned.
  clock::deadline next_probe() const noexcept;
  void wake_probes();

  // How often rebind() was called; the same on all shards but while declarations are being applied.
  std::uint64_t generation() const noexcept { return generation_; }

  // A worker's first turn; none: it ends, for nobody is ready any more. The place was given to it for this turn, so it
  // does not look at other types.
  bool first(permit const& held, ready_turn& into);
  // Its next turn; none: it ends, for nobody is ready or another type's turn has come.
  bool next(permit const& held, ready_turn& into);
  void worker_ended(permit const& held);

  // Nobody is called until go(): who is ready waits. For an operator.
  void hold() noexcept { held_ = true; }
  void go();
  // The same until go_on(), for the store.
  void hold_up() noexcept { held_up_ = true; }
  bool is_held_up() const noexcept { return held_up_; }
  void go_on();

  void stop() noexcept { stopped_ = true; }

  auto begin() const noexcept { return by_type_.begin(); }
  auto end() const noexcept { return by_type_.end(); }

 private:
  function::handle function_of(message::function_type const& type);
  bool is_unused(message::function_type const& type, clock::steady::time_point since) const;
  void bind(lane& of, function::handle callee);
  void probe_at(clock::steady::time_point at, message::function_type const& type);
  void share_calls();
  bool has_place_for(lane const& of) noexcept;
  void give_places();
  void start_worker(lane& of);
  void start_all(lane& of); // as many as it may have
  void start_all();
  static std::size_t calls_max_of(lane const& of) noexcept;
  static bool may_probe(lane const& of) noexcept;
  static bool wants_worker(lane const& of) noexcept;

  options const chosen_;
  std::size_t const calls_max_;
  function::table& functions_;
  links const links_;
  clock::steady::time_point unused_looked_for_again_at_{};
  std::unordered_map<message::function_type, std::unique_ptr<lane>> by_type_;
  std::size_t calls_count_ = 0;
  std::size_t kept_count_ = 0; // calls that are free and kept for a type
  bool shares_are_stale_ = true;
  std::size_t shared_among_count_ = 0; // lanes
  std::uint64_t generation_ = 0;
  std::vector<std::pair<message::function_type, ready_turn>> early_; // of shards that are one generation ahead
  std::multimap<clock::steady::time_point, message::function_type> probes_;
  std::minstd_rand random_;
  std::deque<lane*> waiting_; // lanes with ready turns and free permits, for a call of the shard's share
  bool held_ = false;
  bool held_up_ = false;
  bool stopped_ = false;
};

} // namespace statefund::dispatch
