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
  complete,   // parsed() is whole, or holds as much as the limit lets through
  malformed,  // what no server should send: fault() says what
};

// The bytes of one answer, as they come, into an `answer`: content-length, chunked and close-delimited bodies, of which
// gzip and deflate are decoded; 1xx answers are skipped. Thinks only. Kept with a connection and begun anew for each
// answer.
//
// The limits. Heads, those of 1xx answers among them, take header_bytes_max together, and so do the extensions and
// trailers of chunks. A body has `body_bytes_max` at most, both as it is sent and as it is decoded; above that nothing
// more is read. Of an answer other than 2xx the bound is error_body_bytes_max, and a body that cannot be decoded does
// not hide the status.
//
// Malformed are also: a Transfer-Encoding other than chunked, or one beside a Content-Length, and Content-Lengths that
// differ (what comes behind could be taken for the next answer); 101; and, of a 2xx, an encoding that is not known and
// an encoded body that is broken, cut short, or goes on behind its end.
class answer_parser {
 public:
  answer_parser();
  ~answer_parser();

  // Forgets everything before.
  void begin(std::uint64_t body_bytes_max);

  // Takes the front of `unread`, which begins where the last feed's consumption ended, and returns how many bytes it
  // consumed. What it leaves must be offered again, with more behind it; while incomplete it leaves header_bytes_max
  // and the little that frames a chunk at most. Not after complete or malformed.
  std::size_t feed(std::string_view unread);

  // The connection has ended, and with it a close-delimited answer; any other stays incomplete, and so does a 2xx whose
  // body has not begun.
  void feed_end();

  parse_state state() const noexcept;
  std::string_view fault() const noexcept;
  answer& parsed() noexcept;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace statefund::endpoint
