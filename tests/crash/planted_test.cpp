// Mistakes that the store could be built with: the experiments find them.

#include "crash/experiments.hpp"
#include "error/planted.hpp"

#include <catch2/catch.hpp>

using namespace statefund;
using namespace statefund::crash;
using test_only::mistake;

namespace {

struct planting {
  explicit planting(mistake which) { test_only::planted = which; }
  ~planting() { test_only::planted = mistake::none; }
};

} // namespace

TEST_CASE("a store that goes on after a failure is found") {
  place at;
  planting const one(mistake::no_latch);
  CHECK(failing_steps(at, {file_kind::log}, fault_cause::input_output, fault_end::heals, 1).size() == 1);
}

TEST_CASE("a promise that is kept in the log alone is found") {
  place at;
  planting const one(mistake::promise_in_log_alone);
  told_damage told;
  CHECK(damaged_files(at, {file_kind::log}, 6, 1, told).size() == 1);
}

TEST_CASE("a store that counts what it recovered as durable is found") {
  place at;
  planting const one(mistake::recovered_counts_as_durable);
  CHECK(kills_and_power_losses(at, 1).size() == 1);
}

TEST_CASE("a value that leaves memory before it can be read back is found") {
  place at;
  planting const one(mistake::evict_by_older_mark);
  CHECK(states_read_at_once(at, 1).size() == 1);
}

TEST_CASE("a hole in the log that is passed over is found") {
  place at;
  planting const one(mistake::hole_in_log);
  CHECK(lost_log_files(at, 1).size() == 1);
}

TEST_CASE("a file of the log that is not missed is found") {
  place at;
  planting const one(mistake::log_files_unchecked);
  told_damage told;
  faults found;
  for (std::uint64_t seed = 1; seed <= 20 && found.empty(); ++seed)
    found = damaged_files(at, {file_kind::manifest}, seed, 1, told);
  CHECK(found.size() == 1);
}
