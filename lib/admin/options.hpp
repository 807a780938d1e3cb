#pragma once

#include <cstddef>
#include <string>

namespace statefund::admin {

// What may be done over TCP; over the socket everything may, by whoever its mode lets in.
enum class actions {
  refused, // TCP only shows
  allowed,
};

// The settings under `admin:`, by their names.
struct options {
  std::string socket = "/run/statefun/admin.sock";
  unsigned mode = 0660;
  std::string group;  // empty: the daemon's own
  std::string listen; // "127.0.0.1:9810", for scraping; empty: no TCP
  admin::actions actions = admin::actions::refused;
};

inline constexpr std::size_t connections_max = 128;

} // namespace statefund::admin
