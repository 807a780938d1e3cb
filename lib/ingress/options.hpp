#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace statefund::ingress {

// The settings under `ingress:`, by their names.
struct options {
  std::string socket = "/run/statefun/ingress.sock";
  unsigned mode = 0660;
  std::string group;                     // empty: the daemon's own
  std::vector<std::uint32_t> allow_uids; // empty: whoever the file's mode lets in
  std::size_t connections_max = 1024;
  std::uint64_t message_bytes_max = 16U << 20U;
  std::chrono::nanoseconds wait_max = std::chrono::seconds(10); // of a batch upload, at a full mailbox
};

// What is fixed.
inline constexpr std::size_t key_bytes_max = 1024;     // an idempotency key's
inline constexpr std::size_t address_bytes_max = 4096; // namespace, name and id together
inline constexpr std::size_t type_name_bytes_max = 4096;
inline constexpr std::size_t rejections_max = 10'000; // of one batch upload; then reading stops
// What is kept of the rejected of one upload until it is answered: why, and their addresses. Then reading stops, too.
inline constexpr std::uint64_t rejections_bytes_max = 4U << 20U;
inline constexpr std::size_t line_overhead_bytes = 64U << 10U; // what a batch's line or frame may hold beside the value
inline constexpr std::chrono::seconds body_max{60};            // a single message's body, from first byte to last
inline constexpr std::chrono::seconds egress_wait_max{60};
inline constexpr std::size_t egress_records_max = 10'000; // of one answer

} // namespace statefund::ingress
