#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace statefund::endpoint {

enum class after_answer {
  keep_alive, // the connection may carry the next request
  close,
};

enum class body_state {
  whole,
  too_large,   // `body` holds what was read before the limit
  undecodable, // of an answer other than 2xx: `body` holds what could be decoded
};

enum class body_end {
  told,       // by its length, or by its chunks
  connection, // it had neither: whether it is whole its bytes alone can say
};

// A final (not 1xx) answer of HTTP/1.1, as far as a call needs it. Headers are as they were sent; empty: there is none.
struct answer {
  unsigned status = 0;
  std::string reason;
  std::string content_type;
  std::string content_encoding;
  std::string location;
  std::string retry_after;
  std::string body; // decoded
  body_state state = body_state::whole;
  body_end ended_by = body_end::told;
  after_answer then = after_answer::close;
};

// What heads, those of 1xx answers included, and what frames the body's chunks may take beside what they need.
inline constexpr std::size_t header_bytes_max = std::size_t{16} * 1024;
// What is read of the body of an answer other than 2xx: enough for a stack trace.
inline constexpr std::uint64_t error_body_bytes_max = std::uint64_t{64} * 1024;

// What somebody else sent, in quotes and fit for a line of a log: control bytes and what is not UTF-8 stand there as
// \n or \x1b. Of a longer text the first 200 bytes.
std::string quoted(std::string_view text);
// The same of an answer's body, up to a kilobyte: of a longer one its beginning and, since stack traces name the error
// last, its end.
std::string quoted_body(std::string_view body);

} // namespace statefund::endpoint
