#pragma once

#include "module/spec.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace statefund::daemon {

enum class reachability {
  reachable,   // a connection was made
  unreachable, // none was; `reason` says why
  unknown,     // where to connect depends on the function's name
};

std::string_view to_string(reachability value) noexcept; // "reachable", "unreachable", "unknown"

// What came of connecting to the endpoint of one function pattern.
struct reached {
  std::string functions; // as in the module: "ns/name", "ns/*"
  std::string endpoint;
  reachability state = reachability::unknown;
  std::string reason; // empty if reachable

  bool operator==(reached const&) const = default;
};

inline constexpr std::chrono::seconds reach_time_max{5};
inline constexpr unsigned reach_tasks_count = 8;

// Connects to every endpoint, each place once and a few at a time, with the name's look-up; sends nothing, and does no
// TLS. A connect may take its pattern's own timeout, and reach_time_max at most. In the order of `functions`. Blocks;
// runs an event loop of its own.
std::vector<reached> reach_all(std::vector<module::function_spec const*> const& functions);

} // namespace statefund::daemon
