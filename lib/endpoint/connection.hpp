#pragma once

#include "clock/deadline.hpp"
#include "endpoint/answer.hpp"
#include "endpoint/answer_parser.hpp"
#include "endpoint/attempt.hpp"
#include "endpoint/connect.hpp"

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

// One HTTP/1.1 connection: a request and its answer, then the next. On its socket's thread; owned by the pool or by
// the call that it is lent to. Destroying it closes it.
class connection {
 public:
  explicit connection(stream_socket socket);

  // Sends `head`, which ends before Content-Length's digits, the digits, and `body`, with no copy of them, and reads
  // the answer. All are borrowed until this returns. Each single read and write has its own timeout, within `total`.
  // The connection may be used again if and only if reusable() afterwards.
  boost::asio::awaitable<boost::system::result<answer, failure>>
  exchange(std::string_view head, std::string_view body, exchange_limits const& limits, clock::deadline total);

  // The last answer was whole, allowed the next, and nothing has come behind it.
  bool reusable() const noexcept { return reusable_; }
  connection_age age() const noexcept { return answers_count_ == 0 ? connection_age::fresh : connection_age::reused; }

  // One look at the socket, without waiting: the server has not closed, and has sent nothing that nobody asked for.
  bool is_quiet() noexcept;

  // For a connection that is idle: gives its buffer back, and waits until the server closes or sends what nobody asked
  // for, or for wake() or the connection's end, which it survives. Must not be cancelled: after the connection's end
  // asio would look for the wait at a socket that is gone.
  boost::asio::awaitable<void> rest();
  void wake();

 private:
  template <class Buffers>
  boost::asio::awaitable<std::optional<failure>> send_rest(Buffers unsent, exchange_limits const& limits,
                                                           clock::deadline total);

  stream_socket socket_;
  answer_parser parser_;
  std::vector<char> buffer_; // unread bytes lie in [0, unread_); empty before the first request and after a rest
  std::size_t unread_ = 0;
  std::uint64_t answers_count_ = 0;
  bool reusable_ = true;
  bool answered_early_ = false; // bytes had come before the last ones of the request went out
};

} // namespace statefund::endpoint
