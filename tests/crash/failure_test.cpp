// Steps and reads that fail, once, while changes are ordered.

#include "crash/experiments.hpp"

#include <catch2/catch.hpp>

using namespace statefund;
using namespace statefund::crash;

namespace {

constexpr std::size_t faults_max = 10;
std::vector<file_kind> const all_kinds{file_kind::log,     file_kind::table,   file_kind::manifest,
                                       file_kind::current, file_kind::promise, file_kind::directory,
                                       file_kind::other};

void check(faults const& found) {
  for (auto const& fault : found)
    FAIL_CHECK(fault);
}

} // namespace

TEST_CASE("a step that fails once ends the store, and what was promised is there after a start") {
  place at;
  check(failing_steps(at, all_kinds, fault_cause::input_output, fault_end::heals, faults_max));
}

TEST_CASE("a disk that is full for one step ends the store, and what was promised is there after a start") {
  place at;
  check(failing_steps(at, all_kinds, fault_cause::no_space, fault_end::heals, faults_max));
}

TEST_CASE("a disk that stays full ends the store, and what was promised is there once it has room again") {
  place at;
  check(failing_steps(at, all_kinds, fault_cause::no_space, fault_end::stays, faults_max));
}

TEST_CASE("a read that fails once ends the store, or nothing is missing") {
  place at;
  check(failing_reads(at, faults_max));
}
