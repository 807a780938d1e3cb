#pragma once

#include "http/handler.hpp"
#include "http/limits.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

namespace statefund::http {

using stream_socket = boost::asio::generic::stream_protocol::socket;

// How a server reaches a connection that runs. On the connection's thread; outlives it.
class conversation {
 public:
  // An idle connection ends now, a busy one after the answer that it is about. Once.
  void end_soon();
  bool is_idle() const noexcept { return idle_on_ != nullptr; }

 private:
  friend class connection;
  stream_socket* idle_on_ = nullptr;
  bool ending_ = false;
};

// One connection, from the first byte to the close: requests are read and answered one after the other, in order (so
// pipelined ones wait). Runs on the socket's executor, which has one thread. Ends when the client does, at a limit, at
// end_soon(), or when it is cancelled. Answers by itself what is no request (400), too long (431) or too slow (408).
boost::asio::awaitable<void> serve(stream_socket socket, peer from, limits const& bounds, handler& answers,
                                   conversation& self);

// Answers without reading, and closes.
boost::asio::awaitable<void> turn_away(stream_socket socket, response answer, limits const& bounds);

} // namespace statefund::http
