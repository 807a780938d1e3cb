#include "simulation/modules.hpp"
#include "simulation/world.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace statefund::simulation {

namespace asio = boost::asio;
using clock::deadline;
using support::crash_store;
using support::mistake;
using namespace std::chrono_literals;

void world::start() {
  ++process_;
  for (auto& number : function_numbers_)
    number = ++functions_count_;
  dead_ = started_ = store_lost_ = applies_ = false;
  starts_ = true;
  ends_soon_.reset();
  std::fill(in_flight_.begin(), in_flight_.end(), false);
  support::crash_store_options kept;
  kept.recovered_rows_max = 1 + below(5);
  kept.late = &late_;
  kept.planted = planted_;
  kept.shards_count = run_.shards_count;
  kept.dead_letters_max = run_.dead_letters_max;
  auto const first = loops_.front()->get_executor();
  store_ = std::make_unique<crash_store>(disk_, first, crash_store::pace::by_hand, kept);
  observed_ = std::make_unique<observed_store>(
      *store_, observed_store::observer{
                   [this](message::change const& whole) { will_order(whole); },
                   [this](message::change const& whole, std::uint64_t number) { has_ordered(whole, number); },
                   [this](message::address const& self) { model_.has_read(number_of(self), clock::unix_ms()); },
                   [this] { return lacks_space(); }});
  dispatch::options chosen;
  chosen.memory.bytes_max = run_.buffered_bytes_max;
  chosen.memory.spill_bytes_max = run_.spill_bytes_max;
  chosen.head_messages_max = run_.head_messages_max;
  chosen.delayed_window = run_.delayed_window;
  chosen.delayed_window_bytes_max = run_.delayed_window_bytes_max;
  chosen.delayed_max = run_.delayed_max;
  chosen.calls_in_flight_max = run_.calls_in_flight_max;
  chosen.egress_queue.bytes_max = run_.egress_bytes_max;
  chosen.random_seed = below(1'000'000);
  dispatch::dispatcher::parts parts;
  for (auto& loop : loops_)
    parts.executors.emplace_back(loop->get_executor());
  parts.store = observed_.get();
  parts.declared = declarations_of(modules_);
  parts.store_lost = [this](error const& why) {
    store_lost_ = true;
    if (!store_->is_lost())
      wrong("a store that is there is given up: " + why.to_string());
  };
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
      move_time(50);
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
  crashes_in_parts_count_ += how != action::stop && model_.tried().is_any_in_parts() ? 1 : 0;
  model_.crash(kept_through);
  lost_changes_count_ += before > kept_through ? 1 : 0;
  for (std::uint32_t i = 0; i < sent_.size(); ++i) {
    auto const& own = sent_[i];
    if (own.accepted && model_.ordered(i) == 0)
      wrong("m" + std::to_string(i) + " was acknowledged and is lost");
  }
  for (auto const& key : letters_gone_)
    if (model_.letters().contains(key))
      wrong("a dead letter is there again that was replayed or dropped");
  start();
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
  for (std::uint32_t kind = 0; kind < kinds.size(); ++kind)
    if (!keeps({"sim", std::string(kinds[kind].name)}))
      function_numbers_[kind] = ++functions_count_;
  co_await all_->apply(declarations_of(next), keeps);
  modules_ = next;
  applies_ = false;
}

} // namespace statefund::simulation
