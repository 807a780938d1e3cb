#pragma once

#include "clock/deadline.hpp"
#include "endpoint/attempt.hpp"
#include "endpoint/connect.hpp"
#include "endpoint/tls_layer.hpp"
#include "error/result.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>

#include <cstddef>
#include <memory>

namespace statefund::endpoint {

// The bytes of one connection: a connected, non-blocking socket, in the clear or with TLS over it. On the socket's
// thread. Its end closes the socket; TLS says close_notify before, and waits for nothing.
class stream {
 public:
  // `tls`: after its handshake on this socket; null: in the clear.
  explicit stream(stream_socket socket, std::unique_ptr<tls_layer> tls = {}) noexcept;

  // What can be written without waiting, which may be nothing; writable() says when to go on then.
  result<std::size_t> write_now(request_buffers const& from);
  boost::asio::awaitable<result<void>> writable(clock::deadline until);
  // One read. Over TLS it may give 0: what came was for TLS alone.
  boost::asio::awaitable<result<std::size_t>> read_some(boost::asio::mutable_buffer into, clock::deadline until);
  // Errors of all three: the system's, asio::error::eof at the connection's end, errc of the room,
  // task::errc::deadline_reached, asio::error::operation_aborted.

  // One look, without waiting: the server has not closed, and has sent nothing that nobody asked for.
  bool is_quiet() noexcept;

  // Waits until the server closes or sends anything, or for wake() or the stream's end, which it survives. Must not be
  // cancelled: after the stream's end asio would look for the wait at a socket that is gone.
  boost::asio::awaitable<void> rest();
  void wake();

 private:
  stream_socket socket_;
  std::unique_ptr<tls_layer> tls_; // ends before the socket
};

// What such an error is for the attempt; `when_reached`: if it is the deadline.
failure failure_of(error const& met, stage at, cause when_reached);

} // namespace statefund::endpoint
