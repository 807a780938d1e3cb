#include "dispatch/dispatcher.hpp"

#include "dispatch/load_kept.hpp"
#include "error/ensure.hpp"
#include "log/log.hpp"
#include "task/event.hpp"
#include "task/gate.hpp"
#include "task/on.hpp"

#include <algorithm>
#include <utility>

namespace statefund::dispatch {

namespace asio = boost::asio;
using clock::deadline;
using namespace std::chrono_literals;

namespace {

constexpr log::logger logger{"dispatch"};

shard_status status_there(shard const& there) {
  return there.status();
}

asio::awaitable<shard_status> status_of(shard& there) {
  co_return status_there(there);
}

} // namespace

dispatcher::dispatcher(options chosen, parts given)
    : chosen_(std::move(chosen)),
      watermarks_(given.executors.size()),
      store_(given.store),
      store_lost_(std::move(given.store_lost)),
      hurried_(given.executors.front()) {
  std::size_t const count = given.executors.size();
  ensure(count > 0 && count <= store_->partition_count(), "between one shard and one for each partition");
  auto const declared = std::make_shared<declarations const>(std::move(given.declared));
  for (std::size_t i = 0; i < count; ++i) {
    delivery::place const own{i, count, store_->partition_count()};
    shards_.push_back(
        std::make_unique<shard>(*this, own, given.executors[i], chosen_, totals_, watermarks_, *store_, declared));
  }
}

dispatcher::~dispatcher() = default;

asio::awaitable<result<void>> dispatcher::recover() {
  auto const pending = static_cast<std::int64_t>(store_->found_delayed_count());
  totals_.delayed_count += pending;
  totals_.delayed_far_count += pending;
  std::vector<result<std::vector<store::kept_pause>>> ends(shards_.size());
  task::gate everywhere(shards_.front()->executor());
  for (std::size_t i = 0; i < shards_.size(); ++i)
    everywhere.start(task::on(shards_[i]->executor(), load(*shards_[i], ends[i])));
  co_await everywhere.close();
  auto const failed = std::find_if(ends.begin(), ends.end(), [](auto const& end) { return !end; });
  if (failed != ends.end())
    co_return failed->error();
  post_to_all([paused = std::make_shared<decltype(ends)>(std::move(ends))](shard& there) {
    for (auto const& of_shard : *paused)
      for (auto const& one : *of_shard)
        there.data_.types.pause(there.data_.types.open(one.self.type), one.why);
  });
  co_return result<void>{};
}

asio::awaitable<void> dispatcher::load(shard& one, result<std::vector<store::kept_pause>>& end) {
  end = co_await load_kept(one.data_);
}

void dispatcher::start() {
  post_to_all([](shard& there) {
    there.turns_.start();
    there.spilling_.start();
    there.delayed_.start();
    there.departures_.start();
    there.data_.delivered.all_loaded();
  });
}

void dispatcher::start_paused() {
  totals_.state = serving_state::paused;
  post_to_all([](shard& there) {
    there.data_.types.hold();
    there.departures_.start();
    there.data_.delivered.all_loaded();
  });
}

bool dispatcher::resume_all() {
  if (state() != serving_state::paused)
    return false;
  post_to_all([](shard& there) {
    there.turns_.start();
    there.spilling_.start();
    there.delayed_.start();
    there.data_.types.go();
  });
  serve();
  logger.info({number::resumed, "an operator has resumed statefund"});
  return true;
}

asio::awaitable<void> dispatcher::apply_to(shard& one, std::shared_ptr<declarations const> next,
                                           keeps_function const& keeps) {
  one.apply(std::move(next), keeps);
  co_return;
}

asio::awaitable<void> dispatcher::apply(declarations next, keeps_function keeps) {
  ensure(!applies_, "declarations are in force before the next ones are applied");
  if (state() == serving_state::stopping)
    co_return;
  applies_ = true;
  auto const shared = std::make_shared<declarations const>(std::move(next));
  task::gate everywhere(shards_.front()->executor());
  for (auto& one : shards_)
    everywhere.start(task::on(one->executor(), apply_to(*one, shared, keeps)));
  co_await everywhere.close();
  applies_ = false;
}

asio::awaitable<leftovers> dispatcher::drain(deadline until) {
  bool const moves = totals_.state.exchange(serving_state::draining) != serving_state::paused;
  post_to_all([](shard& there) {
    there.data_.doors.look_again();
    there.departures_.look_again();
  });
  if (moves && !store_->keeps_over_restart())
    co_await until_nothing_waits(until);
  totals_.state = serving_state::stopping;
  co_await on_all(&dispatcher::close_turns, until); // of all shards: a worker may run turns of another shard
  co_await on_all(&dispatcher::close_rest, until);

  leftovers left;
  left.messages_count = totals_.pending_messages_count;
  left.delayed_count = totals_.delayed_count;
  for (auto const& [egress, account] : store_->accounts())
    left.egress_records_count += account->records_count;
  co_return left;
}

asio::awaitable<void> dispatcher::until_nothing_waits(deadline until) {
  // The count is a process-wide atomic without a listener: looking again costs less than telling it at every message.
  while (totals_.pending_messages_count > 0 && !until.reached() && !hurries_) {
    auto const next_look = std::min(until, deadline::after(5ms));
    auto const end = co_await hurried_.wait(next_look);
    if (end == task::wait_end::cancelled)
      co_return;
  }
}

void dispatcher::hurry() {
  hurries_ = true;
  hurried_.notify_all();
  post_to_all([](shard& there) { there.turns_.cancel(); });
}

namespace {

asio::awaitable<void> cancel_at(task::event& ended, turn_loop& turns, deadline until) {
  auto const end = co_await ended.wait(until);
  if (end == task::wait_end::deadline_reached)
    turns.cancel();
}

} // namespace

asio::awaitable<void> dispatcher::on_all(close_step step, deadline until) {
  task::gate closing(shards_.front()->executor());
  for (auto& one : shards_)
    closing.start(task::on(one->executor(), step(*one, until)));
  co_await closing.close();
}

asio::awaitable<void> dispatcher::close_turns(shard& one, deadline until) {
  task::event ended(one.executor());
  task::gate watch(one.executor());
  watch.start(cancel_at(ended, one.turns_, until));
  co_await one.turns_.close();
  watch.cancel();
  co_await watch.close();
}

asio::awaitable<void> dispatcher::close_rest(shard& one, deadline) {
  co_await one.spilling_.close();
  co_await one.delayed_.close();
  co_await one.overdue_.close();
  co_await one.departures_.close();
  co_await one.data_.functions.close();
  co_await one.closing_.close();
}

asio::awaitable<std::vector<shard_status>> dispatcher::status() {
  std::vector<shard_status> all;
  all.reserve(shards_.size());
  for (auto& one : shards_) {
    auto seen = co_await task::on(one->executor(), status_of(*one));
    all.push_back(std::move(seen));
  }
  co_return all;
}

} // namespace statefund::dispatch
