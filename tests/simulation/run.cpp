#include "simulation/run.hpp"

#include "error/planted.hpp"
#include "simulation/modules.hpp"
#include "simulation/world.hpp"

#include <algorithm>
#include <utility>

namespace statefund::simulation {

using support::mistake;
using namespace std::chrono_literals;

namespace {

test_only::mistake in_rooms(mistake planted) {
  switch (planted) {
  case mistake::lost_wake_up:
    return test_only::mistake::lost_wake_up;
  case mistake::reordered_retry:
    return test_only::mistake::reordered_retry;
  case mistake::beside_culprit:
    return test_only::mistake::beside_culprit;
  case mistake::broken_function:
    return test_only::mistake::broken_function;
  case mistake::success_untold:
    return test_only::mistake::success_untold;
  case mistake::expired_stays:
    return test_only::mistake::expired_stays;
  case mistake::refill_by_cursor:
    return test_only::mistake::refill_by_cursor;
  case mistake::removed_comes_back:
    return test_only::mistake::removed_comes_back;
  case mistake::spill_unwritten:
    return test_only::mistake::spill_unwritten;
  case mistake::alarms_apart:
    return test_only::mistake::alarms_apart;
  case mistake::disk_filled:
    return test_only::mistake::disk_filled;
  default:
    return test_only::mistake::none;
  }
}

} // namespace

world::world(program const& run, mistake planted)
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
    loops_.push_back(std::make_unique<boost::asio::io_context>(1));
  modules_ = make_modules(run, run.modules_chance, presence::some, ++generation_);
}

outcome world::to_the_end() {
  test_only::planted = in_rooms(planted_);
  start();
  while (next_step_ < run_.steps.size() && ok())
    go_on();
  calm_down();
  if (ok())
    compare();
  end_process(0s);
  test_only::planted = test_only::mistake::none;
  return {trace_, fault_, turns_count_, crashes_count_, lost_changes_count_, crashes_in_parts_count_, letters_count_};
}

void world::poll_all() {
  for (auto& loop : loops_) {
    loop->restart();
    loop->poll();
  }
}

void world::move_time(std::uint32_t ms) {
  time_.advance(std::chrono::milliseconds(ms));
  model_.time_is(clock::unix_ms());
}

// Not by more than an hour and back in sum: idempotency keys last for a day.
void world::jump(std::uint32_t chance) {
  constexpr std::int64_t hour_ms = 3'600'000;
  auto const to_ms = chance % 3 == 0 ? 0 : static_cast<std::int64_t>(chance / 4 % (2 * hour_ms)) - hour_ms;
  model_.time_is(clock::unix_ms()); // what is due stays so
  time_.jump_wall(std::chrono::milliseconds(to_ms - off_ms_));
  off_ms_ = to_ms;
  model_.time_is(clock::unix_ms());
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
    if (!started_ || std::exchange(applies_, true))
      return;
    return outside_->start(apply(make_modules(run_, next.chance, presence::some, ++generation_)));
  case action::jump:
    return jump(next.chance);
  case action::operate:
    return operate(next.chance);
  case action::outage:
    outages_[next.chance % kinds.size()] = {clock::steady::now() + std::chrono::milliseconds(next.chance / 16 % 2000),
                                            next.chance / 65536 % 2 == 0
                                                ? trouble::out_of_reach
                                                : static_cast<trouble>(next.chance / 131072 % troubles_count)};
    return;
  case action::fill_disk:
    disk_full_until_ = clock::steady::now() + std::chrono::milliseconds(next.chance % 2000);
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
  return one_in(8) ? take_step() : stir();
}

// Some of what is under way moves.
void world::stir() {
  switch (below(14)) {
  case 0:
    return store_->write(1 + below(6));
  case 1:
    return store_->sync();
  case 2:
    return move_time(one_in(8) ? below(1500) : below(40));
  case 3: {
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
  case 4:
    if (one_in(3))
      return break_connection(below(connections_count));
    return poll_all();
  case 5:
  case 6:
  case 7:
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

outcome run(program const& one, mistake planted) {
  return world(one, planted).to_the_end();
}

} // namespace statefund::simulation
