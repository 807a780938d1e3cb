#pragma once

#include "endpoint/answer.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace statefund::endpoint {

enum class parse_state {
  incomplete, // more bytes are needed
  complete,   // answer() is whole, or holds as much as the limit lets through
  malformed,  // not HTTP/1.1, or a header block above header_bytes_max: fault() says which
};

// The bytes of one answer, as they come, into an `answer`: content-length, chunked and close-delimited bodies; 1xx
// answers are skipped. Thinks only. Kept with a connection and begun anew for each answer.
class answer_parser {
 public:
  answer_parser();
  ~answer_parser();

  // Forgets everything before; the body of a 2xx may have up to `body_bytes_max`.
  void begin(std::uint64_t body_bytes_max);

  // Takes the front of `unread`, which begins where the last feed's consumption ended, and returns how many bytes it
  // consumed. What it leaves must be offered again, with more behind it. Not after complete or malformed.
  std::size_t feed(std::string_view unread);

  // The connection has ended: the end of a close-delimited answer, else malformed.
  void feed_end();

  parse_state state() const noexcept;
  std::string_view fault() const noexcept;
  answer& parsed() noexcept;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace statefund::endpoint
