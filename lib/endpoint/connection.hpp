#pragma once

#include "clock/deadline.hpp"
#include "endpoint/answer.hpp"
#include "endpoint/answer_parser.hpp"
#include "endpoint/attempt.hpp"
#include "endpoint/stream.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/system/result.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace statefund::endpoint {

// How long single operations on a connection may take, and how much an answer may be.
struct exchange_limits {
  std::optional<std::chrono::nanoseconds> read;
  std::optional<std::chrono::nanoseconds> write;
  std::uint64_t body_bytes_max;
};

// One HTTP/1.1 connection: a request and its answer, then the next. On its stream's thread; owned by the pool or by
// the call that it is lent to. Destroying it closes it.
class connection {
 public:
  explicit connection(stream over);

  // Sends `head`, which ends before Content-Length's digits, the digits, and `body`, with no copy of them, and reads
  // the answer. All are borrowed until this returns. Each single read and write has its own timeout, within `total`.
  // The connection may be used again if and only if reusable() afterwards.
  boost::asio::awaitable<boost::system::result<answer, failure>>
  exchange(std::string_view head, std::string_view body, exchange_limits const& limits, clock::deadline total);

  // The last answer was whole, allowed the next, and nothing has come behind it.
  bool reusable() const noexcept { return reusable_; }
  connection_age age() const noexcept { return answers_count_ == 0 ? connection_age::fresh : connection_age::reused; }

  bool is_quiet() noexcept { return stream_.is_quiet(); }

  // For a connection that is idle: gives its buffer back, and waits as its stream does.
  boost::asio::awaitable<void> rest();
  void wake() { stream_.wake(); }

 private:
  boost::asio::awaitable<std::optional<failure>> send_rest(request_buffers unsent, exchange_limits const& limits,
                                                           clock::deadline total);

  stream stream_;
  answer_parser parser_;
  std::vector<char> buffer_; // unread bytes lie in [0, unread_); empty before the first request and after a rest
  std::size_t unread_ = 0;
  std::uint64_t answers_count_ = 0;
  bool reusable_ = true;
  bool answered_early_ = false; // bytes had come before the last ones of the request went out
};

} // namespace statefund::endpoint
