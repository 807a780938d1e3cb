#pragma once

#include "catalog/snapshot.hpp"
#include "clock/clock.hpp"
#include "dispatch/dispatcher.hpp"
#include "log/capture.hpp"
#include "simulation/model.hpp"
#include "simulation/observed_store.hpp"
#include "simulation/program.hpp"
#include "simulation/run.hpp"
#include "support/crash_store.hpp"
#include "support/lateness.hpp"
#include "support/mistake.hpp"
#include "task/gate.hpp"

#include <boost/asio/io_context.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace statefund::simulation {

// What is known outside of a message that comes from there.
struct sent_from_outside {
  bool comes_in = false; // a step has sent it
  bool keyed = false;
  std::uint32_t delay_ms = 0;
  bool under_way = false;
  std::size_t connection = 0; // on which it is
  std::uint64_t asked_count = 0;
  bool unknown = false;  // a connection broke before its answer
  bool refused = false;  // the last answer
  bool accepted = false; // and durable: a promise
  std::uint64_t id = 0;  // its number, once told
};

struct reader {
  bool under_way = false;
  std::size_t connection = 0;
  std::uint64_t asked_count = 0;
  std::uint64_t seen_through = 0;
  std::map<std::uint64_t, std::string> shown; // over all restarts
  std::set<std::string> seen;
};

inline constexpr std::size_t connections_count = 4;

// One run of a program: the process with its doubles, everybody outside of it, and what is held against the model.
class world {
 public:
  world(program const& run, support::mistake planted);

  outcome to_the_end();

 private:
  friend class simulated_function;

  bool ok() const noexcept { return fault_.empty(); }
  void wrong(std::string what) {
    if (ok())
      fault_ = std::move(what);
  }
  void check(bool holds, char const* what) {
    if (!holds)
      wrong(what);
  }
  template <class... Words>
  void traced(Words... words) noexcept {
    for (std::uint64_t const word : {static_cast<std::uint64_t>(words)...})
      trace_ = (trace_ ^ word) * 1099511628211U;
  }
  std::uint32_t below(std::size_t bound) {
    return static_cast<std::uint32_t>(random_()) % static_cast<std::uint32_t>(bound);
  }
  bool one_in(std::uint32_t bound) { return below(bound) == 0; }
  bool is_open() const noexcept { return started_ || planted_ == support::mistake::doors_before_load; }

  // The process.
  void start();
  boost::asio::awaitable<void> start_ways(dispatch::dispatcher& all);
  bool end_process(std::chrono::milliseconds given); // whether all that was ordered could be kept
  boost::asio::awaitable<void> drain(std::chrono::milliseconds given, bool& done);
  void crash(action how);
  dispatch::declarations declarations_of(std::shared_ptr<catalog::snapshot const> const& modules);
  boost::asio::awaitable<void> apply(std::shared_ptr<catalog::snapshot const> next);

  // What goes on.
  void go_on();
  void take_step();
  void stir();
  void poll_all();
  void move_time(std::uint32_t ms);
  void jump(std::uint32_t chance);
  void calm_down();
  void settle();
  void break_some();
  void heal_all();
  void crash_while_it_is_mended();
  void drain_rest();
  bool is_drained();
  std::uint32_t until_due_ms(int round) const;
  bool is_stuck(std::uint32_t address) const;
  bool never_ends(std::uint32_t message) const;
  void probe();
  void compare();
  std::string where_it_stands() const;

  // From outside.
  dispatch::submission submission_of(std::uint32_t message) const;
  void send(std::vector<std::uint32_t> const& messages, bool in_one_request);
  struct question {
    std::uint32_t message;
    std::uint64_t asked_count; // by then; the answer to an earlier one goes nowhere
    bool was_ordered;
  };
  question ask(std::uint32_t message) const {
    return {message, sent_[message].asked_count, model_.ordered(message) != 0};
  }
  boost::asio::awaitable<void> send_one(question about, std::size_t shard);
  boost::asio::awaitable<void> send_many(std::vector<question> asked, std::size_t shard);
  boost::asio::awaitable<void> hear(question about, dispatch::receipt told, std::size_t shard);
  void forget_connection(std::size_t which);
  void break_connection(std::size_t which);
  void operate(std::uint32_t chance);
  void resume_everything();
  void heal(std::uint32_t address);
  void see_to_letters(std::uint32_t chance);
  boost::asio::awaitable<void> carry_out(message::entry_key letter,
                                         boost::asio::awaitable<dispatch::verb_answer<dispatch::acted>> verb);
  boost::asio::awaitable<void> replay_all();
  boost::asio::awaitable<void> carry_out(boost::asio::awaitable<dispatch::verb_answer<dispatch::acted>> verb);
  void start_read(std::size_t egress, std::uint32_t chance);
  boost::asio::awaitable<void> read(std::size_t egress, std::uint64_t asked_count, std::size_t shard,
                                    std::uint32_t wait_ms);

  // The order.
  void will_order(message::change const& whole);
  void has_ordered(message::change const& whole, std::uint64_t number);

  std::optional<store::short_of_space> lacks_space() const;

  // Functions.
  std::uint32_t number_of(message::address const& self) const { return run_.number_of(self); }
  void call_begins(std::uint32_t self, message::batch const& taken, message::state_values const& states,
                   function::limits const& limits, trials::policy const& policy);
  std::optional<trouble> trouble_with(std::uint32_t self, message::batch const& taken);
  result<message::reply> fail(std::uint32_t self, trouble what);
  result<message::reply> answer(std::uint32_t self, message::batch const& taken, message::state_values const& states);

  program const& run_;
  support::mistake const planted_;
  std::minstd_rand random_;
  clock::moved_clock time_;
  std::int64_t off_ms_ = 0; // the wall clock
  log::capture quiet_{log::level::error};
  std::vector<std::unique_ptr<boost::asio::io_context>> loops_;
  support::disk disk_;
  support::lateness late_;
  std::shared_ptr<catalog::snapshot const> modules_;
  std::uint64_t generation_ = 0;
  std::array<std::uint64_t, kinds.size()> function_numbers_{}; // of what each kind is declared as
  std::uint64_t functions_count_ = 0;

  // Of one process.
  std::size_t process_ = 0;
  bool dead_ = false;
  bool starts_ = false;
  bool started_ = false;
  bool applies_ = false;
  bool store_lost_ = false;
  std::unique_ptr<support::crash_store> store_;
  std::unique_ptr<observed_store> observed_;
  std::unique_ptr<dispatch::dispatcher> all_;
  std::unique_ptr<task::gate> outside_;
  std::array<std::unique_ptr<task::gate>, connections_count> connections_;

  model model_;
  std::vector<sent_from_outside> sent_;
  std::vector<std::uint32_t> came_in_;
  std::array<reader, egresses_count> readers_;
  std::vector<std::uint8_t> failures_left_;
  std::vector<message::entry_key> letters_seen_; // those that were there when an operator looked
  std::set<message::entry_key> letters_gone_;    // it was told
  std::vector<bool> in_flight_;
  std::vector<message::address> addresses_;
  struct outage {
    clock::steady::time_point until{};
    trouble what = trouble::out_of_reach;
  };
  std::array<outage, kinds.size()> outages_{};
  clock::steady::time_point disk_full_until_{};
  std::uint64_t shown_ = 0; // the largest number that anything shown outside rests on
  struct broken {
    std::size_t kind = kinds.size();
    std::size_t egress = egresses_count;
  };
  std::optional<broken> broken_; // while what is broken stays so, and all the rest has to drain
  std::array<std::size_t, kinds.size()> probes_sent_count_{};
  std::size_t next_step_ = 0;
  std::optional<action> ends_soon_;
  std::uint32_t goes_on_for_ = 0;
  std::size_t turns_count_ = 0;
  std::size_t crashes_count_ = 0;
  std::size_t lost_changes_count_ = 0;
  std::size_t crashes_in_parts_count_ = 0;
  std::size_t letters_count_ = 0;
  std::uint64_t trace_ = 14695981039346656037U;
  std::string fault_;
};

} // namespace statefund::simulation
