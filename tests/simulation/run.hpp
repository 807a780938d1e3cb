#pragma once

#include "simulation/program.hpp"
#include "support/mistake.hpp"

#include <cstdint>
#include <string>

namespace statefund::simulation {

struct outcome {
  std::uint64_t trace = 0; // of everything that happened, in its order
  std::string fault;       // the first thing that was wrong; empty: none
  std::size_t turns_count = 0;
  std::size_t crashes_count = 0;
  std::size_t lost_changes_count = 0;     // that were ordered and did not survive a crash
  std::size_t crashes_in_parts_count = 0; // while part of a batch that failed had gone, and the rest had not
  std::size_t letters_count = 0;          // messages set aside
};

// Runs the program to its end, by the real dispatch on one thread, and holds it against the model. The same program has
// the same outcome each time.
outcome run(program const& one, support::mistake planted = support::mistake::none);

// The program without the steps, commands and failures that its fault does not need. Runs it at most `runs_max` times.
program shorten(program one, support::mistake planted, std::size_t runs_max);

} // namespace statefund::simulation
