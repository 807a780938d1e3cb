#include "simulation/run.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace statefund;
using namespace statefund::simulation;
using support::mistake;

namespace {

constexpr std::uint64_t planted_seeds_max = 1000;

// Of the first seed that finds it.
std::string found(mistake planted) {
  for (std::uint64_t seed = 1; seed <= planted_seeds_max; ++seed)
    if (auto const end = run(make_program(seed), planted); !end.fault.empty())
      return end.fault;
  return {};
}

} // namespace

TEST_CASE("programs crash between the parts of a batch, and set messages aside") {
  std::size_t crashes_in_parts_count = 0;
  std::size_t letters_count = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    auto const end = run(make_program(seed));
    CHECK(end.fault.empty());
    crashes_in_parts_count += end.crashes_in_parts_count;
    letters_count += end.letters_count;
  }
  CHECK(crashes_in_parts_count > 0);
  CHECK(letters_count > 0);
}

TEST_CASE("a seed does the same each time, to the byte, and another seed something else") {
  std::uint64_t before = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    auto const program = make_program(seed);
    auto const trace = run(program).trace;
    CHECK(run(program).trace == trace);
    CHECK(trace != before);
    before = trace;
  }
}

TEST_CASE("every planted mistake is found within 1,000 seeds") {
  for (auto const& [planted, name] : support::mistakes) {
    INFO(name);
    auto const fault = found(planted);
    CHECK_FALSE(fault.empty());
  }
}

TEST_CASE("a program that fails is shortened, and fails still") {
  for (std::uint64_t seed = 1; seed <= planted_seeds_max; ++seed) {
    auto const whole = make_program(seed);
    if (run(whole, mistake::consumed_apart).fault.empty())
      continue;
    auto const shorter = shorten(whole, mistake::consumed_apart, 500);
    CHECK_FALSE(run(shorter, mistake::consumed_apart).fault.empty());
    CHECK(shorter.steps.size() < whole.steps.size());
    return;
  }
  FAIL("nothing failed");
}
