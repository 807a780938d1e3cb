// Crashes at every step of a run: what was written stays, or what was synced.

#include "crash/experiments.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

namespace asio = boost::asio;
using namespace statefund;
using namespace statefund::crash;
using store::sync_mode;

namespace {

constexpr std::size_t changes_count = 150;
constexpr std::size_t cuts_count = 50;

// Half of what the step writes came about.
void apply_in_part(disk_image& to, disk_step step) {
  if (step.verb != step_verb::append)
    return;
  step.bytes.resize(step.bytes.size() / 2);
  to.apply(step);
}

std::string what_was_cut(history const& of, std::size_t step) {
  return "before step " + std::to_string(step) + " of " + std::to_string(of.steps.size()) +
         (step < of.steps.size() ? ", " + to_string(of.steps[step]) : "");
}

template <class See>
void cut_at_each_step(history const& of, std::size_t count, See const& see) {
  auto image = of.before;
  auto const every = stride(of.steps.size(), count);
  for (std::size_t step = 0; step <= of.steps.size(); ++step) {
    if (step % every == 0 || step == of.steps.size()) {
      INFO(what_was_cut(of, step));
      see(image, step);
    }
    if (step < of.steps.size())
      image.apply(of.steps[step]);
  }
}

void check(survivors const& found) {
  if (!found.fault.empty())
    FAIL_CHECK(found.fault);
}

asio::awaitable<void> back_up(store::store& from, std::string directory, std::optional<store::backup_report>& into) {
  auto told = co_await from.back_up(std::move(directory));
  if (told)
    into = *told;
}

} // namespace

TEST_CASE("a process that is killed at any step leaves a prefix, with all that was promised") {
  place at;
  auto const mode = GENERATE(sync_mode::always, sync_mode::interval, sync_mode::never);
  run_options chosen;
  chosen.sync = {mode, std::chrono::milliseconds(1)};
  auto const done = run(at, {}, changes_count, 1, chosen);
  cut_at_each_step(done, cuts_count, [&](disk_image image, std::size_t step) {
    {
      process next(at, image, chosen);
      check(survivors_of(at, next, done.ordered, done.promised_at(step)));
    }
    if (step == done.steps.size() || done.steps[step].verb != step_verb::append)
      return;
    INFO("in the middle of it");
    apply_in_part(image, done.steps[step]);
    process next(at, image, chosen);
    check(survivors_of(at, next, done.ordered, done.promised_at(step)));
  });
}

TEST_CASE("a power loss at any step leaves a prefix, with all that was promised where syncs are waited for") {
  place at;
  auto const mode = GENERATE(sync_mode::always, sync_mode::interval, sync_mode::never);
  run_options chosen;
  chosen.sync = {mode, std::chrono::milliseconds(1)};
  auto const done = run(at, {}, changes_count, 2, chosen);
  cut_at_each_step(done, cuts_count, [&](disk_image const& image, std::size_t step) {
    for (std::uint64_t seed = 0; seed < 2; ++seed) {
      INFO("seed " << seed);
      std::mt19937_64 chance(step * 10 + seed);
      auto left = image;
      left.lose_power(chance);
      process next(at, left, chosen);
      check(survivors_of(at, next, done.ordered, mode == sync_mode::always ? done.promised_at(step) : 0));
    }
  });
}

TEST_CASE("a power loss after a restart leaves what the restart had found, and what was promised since") {
  place at;
  for (auto const& fault : kills_and_power_losses(at, 10))
    FAIL_CHECK(fault);
}

TEST_CASE("a power loss that takes an older file of the log and leaves a newer one leaves no hole") {
  place at;
  for (auto const& fault : lost_log_files(at, 10))
    FAIL_CHECK(fault);
}

TEST_CASE("a backup that is cut off at any step is not there, or whole, and what did not end opens as no store") {
  place at;
  auto const copy = at.directory() + "/copy";
  std::mt19937_64 chance(31);
  history of;
  std::uint64_t promised = 0;
  std::size_t done_after = 0; // steps of the backup
  {
    process own(at, {});
    commit(at, own, of, changes_count, chance);
    promised = of.promised.back().number;
    auto const begin = static_cast<std::ptrdiff_t>(own.disk().steps_count());
    std::optional<store::backup_report> told;
    at.loop.run(back_up(own.store(), copy, told));
    REQUIRE(told.has_value());
    CHECK(told->number >= promised);
    done_after = own.disk().steps_count() - static_cast<std::size_t>(begin);
    commit(at, own, of, 12, chance);
    auto const steps = own.disk().steps();
    std::for_each(steps.begin(), steps.begin() + begin, [&of](disk_step const& step) { of.before.apply(step); });
    of.steps.assign(steps.begin() + begin, steps.end());
  }
  std::size_t whole_count = 0;
  std::size_t refused_count = 0;
  auto const look_at = [&](disk_image const& left, std::size_t step) {
    process own(at, left);
    check(survivors_of(at, own, of.ordered, promised));
    if (!left.is_directory(copy))
      CHECK(step < done_after);
    for (auto const& directory : {copy, copy + ".partial"}) {
      if (left.children_of(directory).empty())
        continue;
      INFO(directory);
      run_options chosen;
      chosen.directory = directory;
      process restored(at, left, chosen);
      if (restored.is_open() || directory == copy) {
        check(survivors_of(at, restored, of.ordered, promised));
        ++whole_count;
      } else {
        bool const is_told = restored.refused().code == store::errc::not_opened ||
                             restored.refused().code == store::errc::promise_broken;
        CHECK(is_told);
        ++refused_count;
      }
    }
  };
  cut_at_each_step(of, cuts_count, [&](disk_image killed, std::size_t step) {
    look_at(killed, step);
    if (step < of.steps.size())
      apply_in_part(killed, of.steps[step]);
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      INFO("power is lost, seed " << seed);
      std::mt19937_64 loss(step * 10 + seed);
      auto left = killed;
      left.lose_power(loss);
      look_at(left, step);
    }
  });
  CHECK(whole_count > 0);
  CHECK(refused_count > 0);
}
