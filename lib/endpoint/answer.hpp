#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace statefund::endpoint {

enum class after_answer {
  keep_alive, // the connection may carry the next request
  close,
};

enum class body_size {
  within_limit,
  too_large, // `body` holds what was read before the limit
};

// A final (not 1xx) answer of HTTP/1.1, as far as a call needs it.
struct answer {
  unsigned status = 0;
  std::string reason;
  std::string content_type; // as sent; empty: none
  std::string location;     // as sent; empty: none
  std::string body;
  body_size size = body_size::within_limit;
  after_answer then = after_answer::close;
};

// Header blocks above this are no answer.
inline constexpr std::uint32_t header_bytes_max = 16U * 1024U;
// What is read of the body of an answer other than 2xx: enough for a stack trace.
inline constexpr std::uint64_t error_body_bytes_max = std::uint64_t{64} * 1024;

} // namespace statefund::endpoint
