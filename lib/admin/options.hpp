#pragma once

#include <cstddef>
#include <string>

namespace statefund::admin {

// The settings under `admin:`, by their names.
struct options {
  std::string socket = "/run/statefun/admin.sock";
  unsigned mode = 0660;
  std::string group;  // empty: the daemon's own
  std::string listen; // "127.0.0.1:9810", for scraping; empty: no TCP
};

inline constexpr std::size_t connections_max = 128;

} // namespace statefund::admin
