#include "simulation/run.hpp"

#include "clock/clock.hpp"
#include "daemon/function_limits.hpp"
#include "dispatch/dispatcher.hpp"
#include "error/planted.hpp"
#include "log/capture.hpp"
#include "simulation/model.hpp"
#include "simulation/modules.hpp"
#include "simulation/observed_store.hpp"
#include "support/crash_store.hpp"
#include "support/lateness.hpp"
#include "task/gate.hpp"
#include "task/on.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <charconv>
#include <deque>
#include <memory>
#include <random>
#include <unordered_map>
#include <utility>

namespace statefund::simulation {

namespace {

namespace asio = boost::asio;
using clock::deadline;
using support::crash_store;
using support::mistake;
using namespace std::chrono_literals;

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

constexpr std::size_t connections_count = 4;

class world {
 public:
  world(program const& run, mistake planted)
      : run_(run),
        planted_(planted),
        random_(static_cast<std::uint32_t>(run.seed * 40503U + 977)),
        model_(run),
        sent_(run.messages.size()),
        failures_left_(run.messages.size()),
        in_flight_(run.addresses_count()),
        addresses_(run.addresses_count()) {
    for (std::size_t i = 0; i < run.messages.size(); ++i)
      failures_left_[i] = run.messages[i].failures_count;
    for (std::uint32_t i = 0; i < run.addresses_count(); ++i)
      addresses_[i] = run.address(i);
    for (std::size_t i = 0; i < run.shards_count; ++i)
      loops_.push_back(std::make_unique<asio::io_context>(1));
    modules_ = make_modules(run.modules_chance, presence::some, ++generation_);
  }

  outcome to_the_end() {
    test_only::planted = planted_ == mistake::lost_wake_up      ? test_only::mistake::lost_wake_up
                         : planted_ == mistake::reordered_retry ? test_only::mistake::reordered_retry
                                                                : test_only::mistake::none;
    start();
    while (next_step_ < run_.steps.size() && ok())
      go_on();
    calm_down();
    if (ok())
      compare();
    end_process(0s);
    test_only::planted = test_only::mistake::none;
    return {trace_, fault_, turns_count_, crashes_count_, lost_changes_count_};
  }

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
  bool is_open() const noexcept { return started_ || planted_ == mistake::doors_before_load; }

  // The process.
  void start();
  asio::awaitable<void> start_ways(dispatch::dispatcher& all);
  bool end_process(std::chrono::milliseconds given); // whether all that was ordered could be kept
  asio::awaitable<void> drain(std::chrono::milliseconds given, bool& done);
  void crash(action how);
  dispatch::declarations declarations_of(std::shared_ptr<catalog::snapshot const> const& modules);
  asio::awaitable<void> apply(std::shared_ptr<catalog::snapshot const> next);

  // What goes on.
  void go_on();
  void take_step();
  void poll_all();
  void move_time(std::uint32_t ms);
  void calm_down();
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
  asio::awaitable<void> send_one(question about, std::size_t shard);
  asio::awaitable<void> send_many(std::vector<question> asked, std::size_t shard);
  asio::awaitable<void> hear(question about, dispatch::receipt told, std::size_t shard);
  void forget_connection(std::size_t which);
  void break_connection(std::size_t which);
  void operate(std::uint32_t chance);
  void resume_everything();
  asio::awaitable<void> carry_out(asio::awaitable<dispatch::verb_answer<dispatch::acted>> verb);
  void start_read(std::size_t egress, std::uint32_t chance);
  asio::awaitable<void> read(std::size_t egress, std::uint64_t asked_count, std::size_t shard, std::uint32_t wait_ms);

  // The order.
  void will_order(message::change const& whole);
  void has_ordered(message::change const& whole, std::uint64_t number);

  // Functions.
  std::uint32_t number_of(message::address const& self) const { return run_.number_of(self); }
  void call_begins(std::uint32_t self, message::batch const& taken, message::state_values const& states,
                   function::limits const& limits);
  result<message::reply> answer(std::uint32_t self, message::batch const& taken, message::state_values const& states);

  program const& run_;
  mistake const planted_;
  std::minstd_rand random_;
  clock::moved_clock time_;
  log::capture quiet_{log::level::error};
  std::vector<std::unique_ptr<asio::io_context>> loops_;
  support::disk disk_;
  support::lateness late_;
  std::shared_ptr<catalog::snapshot const> modules_;
  std::uint64_t generation_ = 0;

  // Of one process.
  std::size_t process_ = 0;
  bool dead_ = false;
  bool starts_ = false;
  bool started_ = false;
  bool applies_ = false;
  bool store_lost_ = false;
  std::unique_ptr<crash_store> store_;
  std::unique_ptr<observed_store> observed_;
  std::unique_ptr<dispatch::dispatcher> all_;
  std::unique_ptr<task::gate> outside_;
  std::array<std::unique_ptr<task::gate>, connections_count> connections_;

  model model_;
  std::vector<sent_from_outside> sent_;
  std::vector<std::uint32_t> came_in_;
  std::array<reader, egresses_count> readers_;
  std::vector<std::uint8_t> failures_left_;
  std::vector<bool> in_flight_;
  std::vector<message::address> addresses_;
  std::array<clock::steady::time_point, kinds.size()> out_of_reach_until_{};
  std::uint64_t shown_ = 0; // the largest number that anything shown outside rests on
  std::size_t next_step_ = 0;
  std::optional<action> ends_soon_;
  std::uint32_t goes_on_for_ = 0;
  std::size_t turns_count_ = 0;
  std::size_t crashes_count_ = 0;
  std::size_t lost_changes_count_ = 0;
  std::uint64_t trace_ = 14695981039346656037U;
  std::string fault_;
};

class simulated_function final : public function::function {
 public:
  simulated_function(world& in, statefund::function::limits limits, std::shared_ptr<message::state_specs const> states)
      : world_(in),
        process_(in.process_),
        limits_(limits),
        states_(std::move(states)) {}

  statefund::function::limits const& call_limits() const noexcept override { return limits_; }
  std::shared_ptr<message::state_specs const> declared_states() const noexcept override { return states_; }
  std::string_view text_type_name() const noexcept override { return "text"; }
  std::size_t request_bytes_of(message::invocation const& one) const noexcept override {
    return one.value.size_bytes();
  }
  std::size_t request_bytes_of(message::address const&, message::state_values const&) const noexcept override {
    return 0;
  }
  asio::awaitable<result<message::reply>> call(message::address const& self, message::batch const& taken,
                                               message::state_values const& states, deadline total) override;
  asio::awaitable<void> close() override { co_return; }

 private:
  world& world_;
  std::size_t const process_;
  statefund::function::limits const limits_;
  std::shared_ptr<message::state_specs const> const states_;
};

asio::awaitable<result<message::reply>> simulated_function::call(message::address const& self,
                                                                 message::batch const& taken,
                                                                 message::state_values const& states, deadline total) {
  auto const number = world_.number_of(self);
  world_.call_begins(number, taken, states, limits_);
  auto end = task::wait_end::notified;
  if (!world_.one_in(3))
    end = co_await world_.late_.wait(total);
  if (process_ != world_.process_ || world_.dead_ || end == task::wait_end::cancelled)
    co_return error{statefund::function::errc::call_cancelled, {}};
  world_.in_flight_[number] = false;
  if (end == task::wait_end::deadline_reached)
    co_return error{statefund::function::errc::endpoint_failed, "out of time"};
  co_return world_.answer(number, taken, states);
}

void world::call_begins(std::uint32_t self, message::batch const& taken, message::state_values const& states,
                        function::limits const& limits) {
  if (dead_)
    return;
  ++turns_count_;
  traced(1, self, taken.size(), taken.front().key.number);
  check(!in_flight_[self], "two calls of one address at a time");
  check(!model_.paused().contains(self), "a paused address is called");
  in_flight_[self] = true;
  check(!taken.empty() && taken.size() <= limits.batch_messages_max, "a batch is larger than its limit");
  // One call at a time: what it carries is all that the address has ever written.
  auto const& wanted = model_.states(self);
  for (std::size_t i = 0; i < states.values.size(); ++i) {
    auto const which = static_cast<std::size_t>((*states.specs)[i].name[1] - '0');
    auto const has = states.values[i] ? states.values[i]->value.bytes : "";
    check(has == (wanted[which] ? std::to_string(*wanted[which]) : ""), "a call carries a state that is not the last");
  }
  auto const& waits = model_.mailbox(self);
  for (auto const& one : taken) {
    auto const found = waits.find(one.key);
    if (found == waits.end())
      return wrong("a call carries what does not wait");
    check(found->second.message == message_of(one.value), "a call carries another value");
    check(one.caller ? found->second.sender == number_of(*one.caller) : !found->second.sender,
          "a call carries another caller");
  }
}

result<message::reply> world::answer(std::uint32_t self, message::batch const& taken,
                                     message::state_values const& states) {
  if (clock::steady::now() < out_of_reach_until_[run_.kind_of(self)])
    return error{function::errc::endpoint_unreachable, {}};
  for (auto const& one : taken) {
    auto const message = message_of(one.value);
    if (failures_left_[message] > 0) {
      --failures_left_[message];
      traced(2, self, message);
      return error{run_.messages[message].failure, {}};
    }
  }
  auto const& specs = *states.specs;
  std::array<std::optional<std::size_t>, states_count> carried;
  for (std::size_t i = 0; i < specs.size(); ++i)
    carried[static_cast<std::size_t>(specs[i].name[1] - '0')] = i;
  message::missing_states missing;
  for (auto const& one : taken)
    for (auto const& asked : run_.messages[message_of(one.value)].does)
      if ((asked.what == verb::add || asked.what == verb::remove) && !carried[asked.which]) {
        carried[asked.which] = 0;
        missing.specs.push_back({state_name(asked.which), "n", {}});
      }
  if (!missing.specs.empty())
    return message::reply{std::move(missing)};

  message::invocation_result done;
  std::array<bool, states_count> touched{};
  std::array<std::optional<std::int64_t>, states_count> values;
  for (std::size_t which = 0; which < states_count; ++which)
    if (carried[which] && states.values[*carried[which]]) {
      auto const& bytes = states.values[*carried[which]]->value.bytes;
      std::int64_t value = 0;
      std::from_chars(bytes.data(), bytes.data() + bytes.size(), value);
      values[which] = value;
    }
  for (auto const& one : taken) {
    std::size_t records_count = 0;
    auto const message = message_of(one.value);
    for (auto const& asked : run_.messages[message].does)
      switch (asked.what) {
      case verb::add:
        values[asked.which] = values[asked.which].value_or(0) + asked.amount;
        touched[asked.which] = true;
        break;
      case verb::remove:
        values[asked.which].reset();
        touched[asked.which] = true;
        break;
      case verb::send:
        done.messages.push_back({addresses_[run_.messages[asked.which].target], value_of(asked.which)});
        break;
      case verb::send_later:
        done.delayed.push_back(message::delayed_send{asked.amount, addresses_[run_.messages[asked.which].target],
                                                     value_of(asked.which),
                                                     asked.token == 0 ? std::string() : std::to_string(asked.token)});
        break;
      case verb::cancel:
        done.delayed.push_back(message::delayed_cancel{std::to_string(asked.token)});
        break;
      case verb::record:
        done.egresses.push_back({egress_id_of(asked.which), {"r", true, record_of(message, records_count++)}});
        break;
      }
  }
  for (std::size_t which = 0; which < states_count; ++which)
    if (touched[which])
      done.mutations.push_back({state_name(which), values[which] ? std::optional(message::typed_value{
                                                                       "n", true, std::to_string(*values[which])})
                                                                 : std::nullopt});
  return message::reply{std::move(done)};
}

dispatch::declarations world::declarations_of(std::shared_ptr<catalog::snapshot const> const& modules) {
  auto const make = [this, modules](message::function_type const& type, std::size_t) -> function::handle {
    auto const* const spec = modules->find(type);
    if (!spec)
      return nullptr;
    auto declared =
        spec->speaks == module::protocol::v2 ? std::make_shared<message::state_specs const>(spec->states) : nullptr;
    return std::make_shared<simulated_function>(*this, daemon::limits_of(*spec), std::move(declared));
  };
  auto const is_declared = [modules](message::egress_id const& egress) { return modules->find(egress) != nullptr; };
  return {make, is_declared};
}

void world::start() {
  ++process_;
  dead_ = started_ = store_lost_ = applies_ = false;
  starts_ = true;
  ends_soon_.reset();
  std::fill(in_flight_.begin(), in_flight_.end(), false);
  support::crash_store_options kept;
  kept.recovered_rows_max = 1 + below(5);
  kept.late = &late_;
  kept.planted = planted_;
  kept.shards_count = run_.shards_count;
  auto const first = loops_.front()->get_executor();
  store_ = std::make_unique<crash_store>(disk_, first, crash_store::pace::by_hand, kept);
  observed_ = std::make_unique<observed_store>(
      *store_, observed_store::observer{
                   [this](message::change const& whole) { will_order(whole); },
                   [this](message::change const& whole, std::uint64_t number) { has_ordered(whole, number); }});
  dispatch::options chosen;
  chosen.memory.bytes_max = run_.buffered_bytes_max;
  chosen.delayed_max = run_.delayed_max;
  chosen.calls_in_flight_max = run_.calls_in_flight_max;
  chosen.egress_queue.bytes_max = run_.egress_bytes_max;
  chosen.random_seed = below(1'000'000);
  dispatch::dispatcher::parts parts;
  for (auto& loop : loops_)
    parts.executors.emplace_back(loop->get_executor());
  parts.store = observed_.get();
  parts.declared = declarations_of(modules_);
  parts.store_lost = [this](error const&) { store_lost_ = true; };
  all_ = std::make_unique<dispatch::dispatcher>(chosen, std::move(parts));
  outside_ = std::make_unique<task::gate>(first);
  for (auto& one : connections_)
    one = std::make_unique<task::gate>(first);
  outside_->start(start_ways(*all_));
  if (planted_ == mistake::doors_before_load) {
    all_->start();
    all_->serve();
  }
}

asio::awaitable<void> world::start_ways(dispatch::dispatcher& all) {
  auto const recovered = co_await all.recover();
  starts_ = false;
  if (!recovered || dead_) {
    store_lost_ = true;
    co_return;
  }
  if (planted_ != mistake::doors_before_load) {
    all.start();
    all.serve();
  }
  started_ = true;
}

asio::awaitable<void> world::drain(std::chrono::milliseconds given, bool& done) {
  auto const until = deadline::after(given);
  auto const left = co_await all_->drain(until);
  static_cast<void>(left);
  for (auto& one : connections_) {
    one->cancel();
    co_await one->close();
  }
  co_await outside_->close();
  done = true;
}

// Everything that runs ends, whether the process is dead, so that nothing of it goes anywhere, or was asked to stop.
bool world::end_process(std::chrono::milliseconds given) {
  bool done = false;
  task::gate ending(loops_.front()->get_executor());
  bool stops = false;
  for (int i = 0; !done; ++i) {
    // A daemon stops once it has started, and no reload runs any more.
    if (!stops && !starts_ && !applies_) {
      stops = true;
      if (dead_)
        all_->hurry();
      ending.start(drain(given, done));
    }
    if (i > 2000) {
      wrong("a stop does not end");
      std::fprintf(stderr, "%s\n", fault_.c_str()); // what still runs cannot be taken apart
      std::abort();
    }
    poll_all();
    late_.release_all();
    store_->write(1000);
    store_->sync();
    if (i % 10 == 9)
      time_.advance(50ms);
  }
  bool closed = false;
  auto const close = [](task::gate& one, bool& ended) -> asio::awaitable<void> {
    co_await one.close();
    ended = true;
  };
  task::gate last(loops_.front()->get_executor());
  last.start(close(ending, closed));
  while (!closed || last.running_count() > 0)
    poll_all();
  poll_all();
  bool const is_clean = !store_->is_lost();
  all_.reset();
  outside_.reset();
  for (auto& one : connections_)
    one.reset();
  observed_.reset();
  store_.reset();
  return is_clean;
}

void world::crash(action how) {
  ++crashes_count_;
  auto const ordered_through = model_.last_number();
  if (how == action::stop) {
    bool const is_clean = end_process(std::chrono::milliseconds(below(200)));
    check(!is_clean || disk_.last_number() >= ordered_through, "a stop has lost what was ordered");
  } else {
    dead_ = true;
    store_->lose();
    end_process(0s);
  }
  for (std::size_t i = 0; i < connections_count; ++i)
    forget_connection(i);
  if (how == action::lose_power)
    disk_.lose_power(below(disk_.unsynced_count() + 1));
  auto const kept_through = disk_.last_number();
  traced(3, how, kept_through);
  if (shown_ > kept_through)
    wrong("what was shown outside rests on a change that is lost");
  auto const before = model_.last_number();
  model_.crash(kept_through);
  lost_changes_count_ += before > kept_through ? 1 : 0;
  for (std::uint32_t i = 0; i < sent_.size(); ++i) {
    auto const& own = sent_[i];
    if (own.accepted && model_.ordered(i) == 0)
      wrong("m" + std::to_string(i) + " was acknowledged and is lost");
  }
  start();
}

// Whoever is on it gets no answer.
void world::forget_connection(std::size_t which) {
  for (auto& own : sent_)
    if (own.connection == which && own.under_way) {
      own.under_way = false;
      own.unknown = true;
      ++own.asked_count;
    }
  for (auto& own : readers_)
    if (own.connection == which && own.under_way) {
      own.under_way = false;
      ++own.asked_count;
    }
}

void world::break_connection(std::size_t which) {
  traced(9, which);
  forget_connection(which);
  asio::post(*loops_.front(), [one = connections_[which].get()] { one->cancel(); });
}

asio::awaitable<void> world::apply(std::shared_ptr<catalog::snapshot const> next) {
  auto const before = modules_;
  auto const keeps = [before, next](message::function_type const& type) {
    auto const* const had = before->find(type);
    auto const* const has = next->find(type);
    if (!had || !has)
      return had == has;
    auto moved = *had;
    moved.where = has->where;
    return moved == *has;
  };
  co_await all_->apply(declarations_of(next), keeps);
  modules_ = next;
  applies_ = false;
}

dispatch::submission world::submission_of(std::uint32_t message) const {
  auto const& own = sent_[message];
  dispatch::submission one;
  one.target = addresses_[run_.messages[message].target];
  one.value = value_of(message);
  if (own.keyed)
    one.idempotency_key = "k" + std::to_string(message);
  one.delay = std::chrono::milliseconds(own.delay_ms);
  return one;
}

void world::send(std::vector<std::uint32_t> const& messages, bool in_one_request) {
  if (!is_open())
    return;
  auto const shard = below(run_.shards_count);
  auto const connection = below(connections_count);
  auto const on = loops_[shard]->get_executor();
  std::vector<question> asked;
  for (auto const message : messages) {
    sent_[message].under_way = true;
    sent_[message].connection = connection;
    ++sent_[message].asked_count;
    asked.push_back(ask(message));
  }
  if (in_one_request)
    return connections_[connection]->start(task::on(on, send_many(std::move(asked), shard)));
  for (auto const& one : asked)
    connections_[connection]->start(task::on(on, send_one(one, shard)));
}

asio::awaitable<void> world::send_one(question about, std::size_t shard) {
  auto submitted = submission_of(about.message);
  auto told = co_await all_->at(shard).accept(std::move(submitted));
  co_await hear(about, std::move(told), shard);
}

asio::awaitable<void> world::send_many(std::vector<question> asked, std::size_t shard) {
  dispatch::upload of(run_.shards_count);
  std::vector<dispatch::submission> submitted;
  for (auto const& one : asked)
    submitted.push_back(submission_of(one.message));
  auto const wait_max = std::chrono::milliseconds(below(100));
  auto const told = co_await all_->at(shard).accept_many(std::move(submitted), of, wait_max);
  if (dead_ || asked.front().asked_count != sent_[asked.front().message].asked_count)
    co_return;
  for (std::size_t i = 0; i < asked.size(); ++i)
    for (std::size_t before = 0; before < i; ++before) {
      if (run_.messages[asked[before].message].target != run_.messages[asked[i].message].target)
        continue;
      auto const* const earlier = std::get_if<dispatch::accepted>(&told[before]);
      auto const* const later = std::get_if<dispatch::accepted>(&told[i]);
      check(!later || !std::holds_alternative<dispatch::refusal>(told[before]),
            "a message of an upload is accepted after one to the same address was rejected");
      check(!earlier || !later || earlier->id < later->id, "messages of an upload are in another order");
    }
  for (std::size_t i = 0; i < asked.size(); ++i)
    co_await hear(asked[i], told[i], shard);
}

asio::awaitable<void> world::hear(question about, dispatch::receipt told, std::size_t shard) {
  auto const [message, asked_count, was_ordered] = about;
  auto& own = sent_[message];
  if (dead_ || own.asked_count != asked_count)
    co_return;
  if (std::holds_alternative<dispatch::refusal>(told)) {
    // An earlier question of the same key may have been heard all the same.
    check(own.unknown || was_ordered || model_.ordered(message) == 0, "a message was refused after it was ordered");
    own.under_way = false;
    own.refused = true;
    traced(4, message);
    co_return;
  }
  std::uint64_t id = 0;
  store::ticket rests_on;
  bool waits = true;
  if (auto const* const in = std::get_if<dispatch::accepted>(&told)) {
    id = in->id.number;
    rests_on = in->ordered;
  } else {
    auto const& known = std::get<dispatch::duplicate>(told);
    check(own.keyed, "a message without a key is a duplicate");
    id = known.first.number;
    rests_on = known.ordered;
    waits = planted_ != mistake::duplicate_at_once;
  }
  result<void> kept;
  if (waits)
    kept = co_await all_->at(shard).durable(rests_on);
  if (own.asked_count != asked_count)
    co_return;
  if (!kept) {
    own.under_way = false;
    own.unknown = planted_ != mistake::refusal_after_ordering;
    own.refused = !own.unknown;
    co_return;
  }
  if (dead_)
    co_return;
  check(model_.ordered(message) == id, "the id that was told is another one");
  check(own.id == 0 || own.id == id, "one message was told two ids");
  own.under_way = own.refused = false;
  own.accepted = true;
  own.id = id;
  shown_ = std::max(shown_, id);
  traced(5, message, id);
}

asio::awaitable<void> world::carry_out(asio::awaitable<dispatch::verb_answer<dispatch::acted>> verb) {
  auto const process = process_;
  auto const told = co_await std::move(verb);
  if (process != process_ || dead_ || !told)
    co_return;
  traced(10, told->index());
}

void world::operate(std::uint32_t chance) {
  if (!is_open())
    return;
  auto& by = *connections_[below(connections_count)];
  auto const type = message::function_type{"sim", std::string(kinds[chance / 8 % kinds.size()].name)};
  // Somebody who has messages, if there is one.
  auto address = chance / 64 % static_cast<std::uint32_t>(run_.addresses_count());
  for (std::size_t i = 0; i < run_.addresses_count() && model_.mailbox(address).empty(); ++i)
    address = (address + 1) % static_cast<std::uint32_t>(run_.addresses_count());
  auto const& self = addresses_[address];
  switch (chance % 8) {
  case 0:
    return by.start(carry_out(all_->pause(type, "looked at")));
  case 1:
    return by.start(carry_out(all_->resume(type)));
  case 2:
  case 3:
    if (model_.mailbox(address).empty())
      return;
    model_.may_skip(address, model_.mailbox(address).begin()->first);
    return by.start(carry_out(all_->skip(self, model_.mailbox(address).begin()->first)));
  case 4:
    return by.start(carry_out(all_->resume(self)));
  default:
    return by.start(carry_out(all_->pause(self, "looked at")));
  }
}

void world::resume_everything() {
  for (auto const address : model_.paused())
    outside_->start(carry_out(all_->resume(addresses_[address])));
  for (auto const& name : model_.paused_types())
    outside_->start(carry_out(all_->resume(message::function_type{"sim", name})));
}

void world::start_read(std::size_t egress, std::uint32_t chance) {
  auto& own = readers_[egress];
  if (!is_open() || std::exchange(own.under_way, true))
    return;
  ++own.asked_count;
  own.connection = below(connections_count);
  auto const shard = below(run_.shards_count);
  connections_[own.connection]->start(
      task::on(loops_[shard]->get_executor(), read(egress, own.asked_count, shard, chance % 500)));
}

asio::awaitable<void> world::read(std::size_t egress, std::uint64_t asked_count, std::size_t shard,
                                  std::uint32_t wait_ms) {
  auto& own = readers_[egress];
  if (own.asked_count != asked_count)
    co_return;
  dispatch::egress_request asked{egress_id_of(egress), std::nullopt, false, 1 + wait_ms % 7,
                                 deadline::after(std::chrono::milliseconds(wait_ms))};
  if (own.seen_through > 0)
    asked.after = own.seen_through;
  auto const told = co_await all_->at(shard).read_egress(std::move(asked));
  if (dead_ || own.asked_count != asked_count)
    co_return;
  own.under_way = false;
  auto const* const page = std::get_if<store::egress_page>(&told);
  if (!page) {
    if (!store_lost_ && own.seen_through > 0)
      wrong("an egress does not know what it has shown: " + std::get<dispatch::refusal>(told).detail);
    co_return;
  }
  for (auto const& record : page->records) {
    traced(6, egress, record.sequence);
    check(record.sequence > own.seen_through, "records are not in the order of their sequences");
    own.seen_through = record.sequence;
    auto const& content = record.value.bytes;
    auto const [known, is_new] = own.shown.emplace(record.sequence, content);
    check(known->second == content, "a sequence shows two contents");
    check(own.seen.insert(content).second || !is_new, "a record is shown under two sequences");
    check(model_.records(egress).contains(content), "a record is shown that nobody wrote");
    shown_ = std::max(shown_, record.sequence);
  }
}

void world::will_order(message::change const& whole) {
  if (dead_)
    return;
  check(!starts_ || planted_ == mistake::doors_before_load, "something is ordered before all is loaded");
  for (auto const& record : whole.egress_records) {
    auto const account = store_->find_account(record.egress);
    check(account && account->bytes < run_.egress_bytes_max, "an egress holds more than its mark");
  }
  if (!whole.consumed.empty() || !whole.delayed_gone.empty() || whole.departed || whole.pause)
    return;
  // From outside: through a door.
  if (!whole.delayed_set.empty())
    check(model_.delayed().size() < run_.delayed_max, "more delayed messages are accepted than limits.delayed_max");
  if (whole.messages.empty())
    return;
  std::size_t from_outside_count = 0;
  for (auto const& [key, one] : model_.mailbox(number_of(whole.self)))
    from_outside_count += one.sender ? 0 : 1;
  // What waits, and one batch that is out.
  check(from_outside_count < 2 * batch_messages_max, "a mailbox takes more from outside than its mark");
  check(static_cast<std::uint64_t>(all_->counts().buffered_bytes) < run_.buffered_bytes_max,
        "more is accepted than limits.buffered_bytes_max");
}

void world::has_ordered(message::change const& whole, std::uint64_t number) {
  if (dead_)
    return;
  traced(7, number, whole.consumed.size(), whole.messages.size(), whole.delayed_set.size());
  if (auto found = model_.take(whole, number, clock::unix_ms()); !found.empty())
    wrong(std::move(found));
}

void world::poll_all() {
  for (auto& loop : loops_) {
    loop->restart();
    loop->poll();
  }
}

void world::move_time(std::uint32_t ms) {
  time_.advance(std::chrono::milliseconds(ms));
}

void world::take_step() {
  auto const& next = run_.steps[next_step_++];
  traced(8, next.what, next_step_);
  switch (next.what) {
  case action::send:
  case action::upload:
    for (auto const message : next.messages) {
      auto& own = sent_[message];
      own.comes_in = true;
      came_in_.push_back(message);
      own.keyed = next.keyed;
      own.delay_ms = next.delay_ms;
    }
    return send(next.messages, next.what == action::upload);
  case action::read:
    return start_read(next.chance % egresses_count, next.chance / 16);
  case action::reload:
    if (std::exchange(applies_, true))
      return;
    return outside_->start(apply(make_modules(next.chance, presence::some, ++generation_)));
  case action::operate:
    return operate(next.chance);
  case action::outage:
    out_of_reach_until_[next.chance % kinds.size()] =
        clock::steady::now() + std::chrono::milliseconds(next.chance / 16 % 2000);
    return;
  case action::fail_write:
  case action::fail_sync:
    next.what == action::fail_write ? store_->fail_next_write() : store_->fail_next_sync();
    ends_soon_ = action::kill;
    goes_on_for_ = 20 + below(60);
    return;
  case action::crash_early:
    crash(action::kill);
    ends_soon_ = action::lose_power;
    goes_on_for_ = below(30);
    return;
  case action::kill:
  case action::lose_power:
  case action::stop:
    return crash(next.what);
  }
}

void world::go_on() {
  if (ends_soon_ && goes_on_for_-- == 0)
    return crash(*std::exchange(ends_soon_, std::nullopt));
  switch (below(16)) {
  case 0:
  case 1:
    return take_step();
  case 2:
    return store_->write(1 + below(6));
  case 3:
    return store_->sync();
  case 4:
    return move_time(one_in(8) ? below(1500) : below(40));
  case 5: {
    if (came_in_.empty())
      return;
    // Whoever got no answer asks again: of those that came last, or of all.
    auto const newest = std::min<std::size_t>(came_in_.size(), one_in(2) ? 4 : came_in_.size());
    auto const again = came_in_[came_in_.size() - 1 - below(newest)];
    auto const& own = sent_[again];
    if (!own.under_way && !own.accepted && (own.keyed || !own.unknown))
      send({again}, false);
    return;
  }
  case 6:
    if (one_in(3))
      return break_connection(below(connections_count));
    return poll_all();
  case 7:
  case 8:
  case 9:
    for (auto count = 1 + below(4); count > 0 && late_.count() > 0; --count)
      late_.release(below(1'000'000));
    return;
  default:
    auto& loop = *loops_[below(loops_.size())];
    loop.restart();
    for (auto count = 1 + below(10); count > 0 && loop.poll_one() > 0; --count)
      ;
  }
}

void world::calm_down() {
  if (!ok())
    return;
  if (ends_soon_)
    crash(*std::exchange(ends_soon_, std::nullopt));
  out_of_reach_until_.fill({});
  bool all_present = false;
  constexpr int rounds_max = 400;
  for (int round = 0; ok(); ++round) {
    if (round == rounds_max)
      return wrong("it does not drain:\n" + where_it_stands());
    for (int i = 0; i < 30; ++i) {
      poll_all();
      late_.release_all();
      store_->write(1000);
      store_->sync();
    }
    if (started_ && !all_present && !std::exchange(applies_, true)) {
      all_present = true;
      outside_->start(apply(make_modules(run_.modules_chance, presence::all, ++generation_)));
    }
    if (started_ && !applies_ && round % 4 == 0)
      resume_everything();
    bool answered = true;
    for (std::uint32_t i = 0; i < sent_.size(); ++i) {
      auto const& own = sent_[i];
      if (!own.comes_in || own.accepted || (own.unknown && !own.keyed))
        continue;
      if (!own.keyed && own.refused && i % 2 == 0)
        continue; // gives up
      answered = false;
      if (!own.under_way)
        send({i}, false);
    }
    bool read_all = true;
    for (std::size_t egress = 0; egress < egresses_count; ++egress) {
      read_all = read_all && readers_[egress].seen == model_.records(egress);
      start_read(egress, 6);
    }
    if (started_ && answered && read_all && all_present && !applies_ && model_.paused().empty() &&
        model_.paused_types().empty() && model_.waiting_count() == 0 && model_.delayed().empty())
      return;
    move_time(20U << std::min(round / 4, 6));
  }
}

std::string world::where_it_stands() const {
  std::string text;
  for (std::uint32_t i = 0; i < run_.addresses_count(); ++i) {
    auto const& waits = model_.mailbox(i);
    if (waits.empty())
      continue;
    text += "  " + to_text(run_.address(i)) + (in_flight_[i] ? ", in flight" : "") + ", waiting:";
    for (auto const& [key, one] : waits)
      text += " m" + std::to_string(one.message) + (failures_left_[one.message] > 0 ? " (fails)" : "");
    text += "\n";
  }
  for (auto const& [key, one] : model_.delayed())
    text += "  m" + std::to_string(one.message) + " of " + to_text(run_.address(one.owner)) + " is pending, due in " +
            std::to_string(one.due_ms - clock::unix_ms()) + " ms\n";
  for (std::uint32_t i = 0; i < sent_.size(); ++i)
    if (sent_[i].comes_in && !sent_[i].accepted && (sent_[i].keyed || !sent_[i].unknown) && sent_[i].under_way)
      text += "  m" + std::to_string(i) + " has no answer\n";
  for (std::size_t egress = 0; egress < egresses_count; ++egress)
    text += "  " + to_text(egress_id_of(egress)) + ": " + std::to_string(readers_[egress].seen.size()) + " of " +
            std::to_string(model_.records(egress).size()) + " records were read\n";
  return text + (started_ ? "" : "  it has not started\n") + (store_lost_ ? "  the store is lost\n" : "");
}

namespace {

asio::awaitable<void> read_states(store::store& from, message::address self, std::string& into) {
  message::state_specs wanted;
  for (std::size_t i = 0; i < states_count; ++i)
    wanted.push_back({state_name(i), "n", {}});
  auto const values = co_await from.read(self, wanted);
  for (auto const& one : *values)
    into += (one ? one->value.bytes : "") + ";";
}

} // namespace

void world::compare() {
  check(all_->counts().pending_messages_count == 0, "messages are counted that are not there");
  check(all_->counts().buffered_bytes == 0, "bytes are counted that are not there");
  check(all_->counts().delayed_count == 0, "delayed messages are counted that are not there");
  for (std::uint32_t i = 0; i < sent_.size(); ++i) {
    auto const& own = sent_[i];
    if (own.comes_in && own.accepted && !model_.took_effect(i) && !model_.was_skipped(i))
      wrong("m" + std::to_string(i) + " was acknowledged and took no effect");
    if (own.comes_in && own.refused && !own.unknown && !own.accepted && model_.ordered(i) != 0)
      wrong("m" + std::to_string(i) + " was refused and took effect");
  }
  for (std::uint32_t i = 0; i < run_.addresses_count() && ok(); ++i) {
    std::string wanted;
    bool any = false;
    for (auto const& one : model_.states(i)) {
      wanted += (one ? std::to_string(*one) : "") + ";";
      any = any || one;
    }
    if (!any && i % 8 != 0)
      continue; // of those without states some are enough
    std::string has;
    outside_->start(read_states(*store_, addresses_[i], has));
    while (outside_->running_count() > 0 && has.empty()) {
      poll_all();
      late_.release_all();
    }
    for (int k = 0; k < 3; ++k)
      poll_all();
    if (has != wanted)
      wrong("the states of " + to_text(addresses_[i]) + " are " + has + ", not " + wanted);
  }
}

} // namespace

outcome run(program const& one, mistake planted) {
  return world(one, planted).to_the_end();
}

program shorten(program one, mistake planted, std::size_t runs_max) {
  auto const fails = [&](program const& shorter) {
    return runs_max > 0 && runs_max-- > 0 && !run(shorter, planted).fault.empty();
  };
  for (bool shorter = true; shorter && runs_max > 0;) {
    shorter = false;
    for (std::size_t size = std::max<std::size_t>(1, one.steps.size() / 2); size > 0; size /= 2)
      for (std::size_t at = 0; at < one.steps.size();) {
        auto candidate = one;
        auto const first = candidate.steps.begin() + static_cast<std::ptrdiff_t>(at);
        auto const count = std::min(size, one.steps.size() - at);
        candidate.steps.erase(first, first + static_cast<std::ptrdiff_t>(count));
        if (fails(candidate)) {
          one = std::move(candidate);
          shorter = true;
        } else {
          at += size;
        }
      }
    for (auto& own : one.messages)
      if (!own.does.empty()) {
        auto before = std::exchange(own.does, {});
        if (fails(one)) {
          shorter = true;
          continue;
        }
        own.does = std::move(before);
      }
    for (auto& own : one.messages)
      for (std::size_t at = 0; own.does.size() > 1 && at < own.does.size() && runs_max > 0;) {
        auto const before = own.does;
        own.does.erase(own.does.begin() + static_cast<std::ptrdiff_t>(at));
        if (fails(one)) {
          shorter = true;
        } else {
          own.does = before;
          ++at;
        }
      }
  }
  return one;
}

} // namespace statefund::simulation
