#pragma once

#include "crash/run.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace statefund::crash {

// What went wrong, a line each.
using faults = std::vector<std::string>;

// Each tries many things and tells what went wrong; at most `faults_max`, then it ends. What it is about came about.

// The process is killed, its follower found all that it was promised, orders a little, and the power is lost.
faults kills_and_power_losses(place& at, std::size_t faults_max);
// The power is lost, and takes an older file of the log alone. No sync is waited for.
faults lost_log_files(place& at, std::size_t faults_max);

// States are read as soon as a change of them is ordered, from a cache that keeps nothing that can be read back.
faults states_read_at_once(place& at, std::size_t faults_max);

struct damage {
  std::string what;
  std::string path;
  std::function<void(disk_image&)> apply;
};
// Of the files of these kinds: a byte turned round at many places, all lengths from none, an end of zeros, a record of
// another kind, no file.
std::vector<damage> damages_of(disk_image const& image, std::vector<file_kind> const& kinds);
// Whether damage is told: a start is refused, twice; or a read ends the store; or nothing is missing.
struct told_damage {
  std::size_t refused_count = 0;
  std::size_t lost_count = 0;
  std::size_t harmless_count = 0;
};
faults damaged_files(place& at, std::vector<file_kind> const& kinds, std::uint64_t seed, std::size_t faults_max,
                     told_damage& told);
// Of each file of the log but the last one, while tables are made of them: its end reads as zeros, or a record's kind
// has another bit.
faults damaged_older_logs(place& at, std::size_t faults_max, told_damage& told);

// Likewise of a manifest, and a cut, while all rows are still in the first file of the log.
faults damaged_first_manifest(place& at, std::size_t faults_max, told_damage& told);

// Of a manifest, with no promise beside it but that of the start: any of its records but the last.
faults damaged_manifest_without_promise(place& at, std::size_t faults_max, told_damage& told);

// A step on a file of one of these kinds fails, or a read, at a start or while changes are ordered.
faults failing_steps(place& at, std::vector<file_kind> const& kinds, fault_cause cause, fault_end end,
                     std::size_t faults_max);
faults failing_reads(place& at, std::size_t faults_max);

} // namespace statefund::crash
