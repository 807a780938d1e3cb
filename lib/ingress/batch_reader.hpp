#pragma once

#include "dispatch/entrance.hpp"
#include "ingress/message_head.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace statefund::ingress {

enum class batch_format {
  ndjson,   // a JSON object a line; blank lines are skipped and not counted
  protobuf, // a varint length before each IngressMessage
};

struct rejection {
  std::uint64_t index = 0; // of the message within its request, from 0
  number why = number::request_malformed;
  std::string detail;
};

// A batch upload, message by message, out of pieces cut anywhere. Pure: no I/O, no clock. Of one request.
class batch_reader {
 public:
  batch_reader(batch_format as, std::uint64_t message_bytes_max, text_type type_of);

  // Reads the messages that are complete with this piece, and keeps the rest.
  void feed(std::string_view piece);
  // The upload has ended: what is left is the last line, or a frame that was cut.
  void finish();

  // Nothing more is read: a frame's length was no good, or there were too many rejections.
  bool ended() const noexcept { return ended_; }
  // The number of messages that were read, rejected ones included: the next one's index.
  std::uint64_t next_index() const noexcept { return next_index_; }
  std::size_t held_bytes() const noexcept { return kept_.size(); }

  // What was read since it was last taken; `indexes[i]` is the index of `messages[i]`.
  struct messages {
    std::vector<dispatch::submission> submissions;
    std::vector<std::uint64_t> indexes;
  };
  messages take_messages();
  std::vector<rejection>& rejections() noexcept { return rejections_; }
  std::uint64_t rejections_bytes() const noexcept { return rejections_bytes_; } // of why

 private:
  std::size_t read_lines(std::string_view available);
  std::size_t read_frames(std::string_view available);
  void read_line(std::string_view line);
  void read_frame(std::string_view body);
  void add(dispatch::submission one);
  void reject(dispatch::refusal why);

  batch_format as_;
  std::uint64_t message_bytes_max_;
  std::size_t line_bytes_max_;
  std::size_t frame_bytes_max_;
  text_type type_of_;
  std::string kept_;               // of a message that has begun
  std::size_t searched_bytes_ = 0; // of it, without a line's end
  bool skipping_line_ = false;     // one that is too long; rejected already
  bool ended_ = false;
  std::uint64_t next_index_ = 0;
  messages messages_;
  std::vector<rejection> rejections_;
  std::uint64_t rejections_bytes_ = 0;
};

} // namespace statefund::ingress
