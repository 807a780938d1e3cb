// Damage to what was synced.

#include "crash/experiments.hpp"

#include <catch2/catch.hpp>

using namespace statefund;
using namespace statefund::crash;

namespace {

constexpr std::size_t faults_max = 10;

void check(faults const& found) {
  for (auto const& fault : found)
    FAIL_CHECK(fault);
}

} // namespace

TEST_CASE("a damaged log is told at each start, and what is left of it is taken once that is accepted") {
  place at;
  told_damage told;
  check(damaged_files(at, {file_kind::log}, 6, faults_max, told));
  CHECK(told.refused_count > 0);
}

TEST_CASE("what ends an older file of the log is told at each start, whatever tables are ahead of it") {
  place at;
  told_damage told;
  check(damaged_older_logs(at, faults_max, told));
  CHECK(told.refused_count > 0);
}

TEST_CASE("a damaged table is told, at the start or when it is read, and never makes a scan shorter") {
  place at;
  told_damage told;
  check(damaged_files(at, {file_kind::table}, 6, faults_max, told));
  CHECK(told.refused_count > 0);
  CHECK(told.lost_count > 0);
}

TEST_CASE("a damaged manifest is told at each start") {
  place at;
  told_damage told;
  check(damaged_files(at, {file_kind::manifest, file_kind::current}, 6, faults_max, told));
  CHECK(told.refused_count > 0);
}

TEST_CASE("a damaged manifest of a store that has made no tables of its log is told, or nothing is missing") {
  place at;
  told_damage told;
  check(damaged_first_manifest(at, faults_max, told));
  CHECK(told.refused_count > 0);
}

TEST_CASE("a damaged manifest is told, or nothing is missing, where nothing is synced and promised") {
  place at;
  told_damage told;
  check(damaged_manifest_without_promise(at, faults_max, told));
  CHECK(told.refused_count > 0);
}

TEST_CASE("a promise that is damaged or missing is told at each start, unless its other slot is whole") {
  place at;
  told_damage told;
  check(damaged_files(at, {file_kind::promise}, 6, faults_max, told));
  CHECK(told.refused_count > 0);
  CHECK(told.harmless_count > 0);
}
