#pragma once

#include "clock/deadline.hpp"
#include "error/result.hpp"
#include "http/request.hpp"
#include "http/response.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace statefund::http {

// The body of the request that is being handled. Owned by the connection.
class body {
 public:
  // As the client says; absent when it comes in chunks.
  virtual std::optional<std::uint64_t> length_bytes() const noexcept = 0;

  // The next bytes, as many as have come; empty at the end. Borrowed until the next call. A client that waits for
  // "100 Continue" is told so here. After an error the connection ends with the answer. errc: malformed,
  // client_too_slow (limits::body_read_max, or `until`), connection_lost.
  virtual boost::asio::awaitable<result<std::string_view>>
  read_some(clock::deadline until = clock::deadline::never()) = 0;

 protected:
  ~body() = default;
};

// What answers requests. One for each event loop, called on its thread, by many connections at once (but by each for
// one request after the other). Must outlive the server.
class handler {
 public:
  virtual ~handler() = default;

  // Absent: the connection is closed without an answer. What is left unread of the body is read over, or costs the
  // connection. A server that is cancelled cancels this.
  virtual boost::asio::awaitable<std::optional<response>> handle(request const& asked, body& sent) = 0;

  // An answer was given, with this status; also one that the server gave by itself.
  virtual void answered(unsigned /*status*/) noexcept {}
};

} // namespace statefund::http
