// Crashes at every step of a run: what was written stays, or what was synced.

#include "crash/experiments.hpp"

#include <catch2/catch.hpp>

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

} // namespace

TEST_CASE("a process that is killed at any step leaves a prefix, with all that was promised") {
  place at;
  auto const mode = GENERATE(sync_mode::always, sync_mode::interval, sync_mode::never);
  run_options chosen;
  chosen.sync = {mode, std::chrono::milliseconds(1)};
  auto const done = run(at, {}, changes_count, 1, chosen);
  cut_at_each_step(done, cuts_count, [&](disk_image image, std::size_t step) {
    if (step % 2 == 1 && step < done.steps.size())
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
