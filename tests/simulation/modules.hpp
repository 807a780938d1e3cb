#pragma once

#include "catalog/snapshot.hpp"
#include "simulation/program.hpp"

#include <cstdint>
#include <memory>

namespace statefund::simulation {

// The kinds of functions, each declared by a module file of its own; some are missing. Limits and what is missing are
// made from `chance`.
enum class presence { some, all };
std::shared_ptr<catalog::snapshot const> make_modules(program const& run, std::uint32_t chance, presence which,
                                                      std::uint64_t generation);

// The largest that make_modules() declares.
inline constexpr std::size_t batch_messages_max = 8;

} // namespace statefund::simulation
