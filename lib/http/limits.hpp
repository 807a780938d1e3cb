#pragma once

#include <chrono>
#include <cstddef>

namespace statefund::http {

// What one client may take of a server. Times are of the process's clock.
struct limits {
  std::size_t connections_max = 1024; // above it a connection is answered 503 and closed
  std::size_t header_bytes_max = 16U << 10U;
  std::size_t read_bytes_max = 64U << 10U;  // how much of a body is read at once
  std::size_t drain_bytes_max = 64U << 10U; // of a body that nobody wanted; a longer one costs the connection
  std::chrono::nanoseconds idle_max = std::chrono::seconds(75);      // between requests
  std::chrono::nanoseconds header_max = std::chrono::seconds(10);    // from its first byte to its last
  std::chrono::nanoseconds body_read_max = std::chrono::seconds(10); // without a byte of the body
  std::chrono::nanoseconds write_max = std::chrono::seconds(30);     // without a byte of the answer taken
  std::chrono::nanoseconds linger_max =
      std::chrono::seconds(5); // for a client to read an answer that ends the connection
};

} // namespace statefund::http
