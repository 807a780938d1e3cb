#pragma once

#include "clock/deadline.hpp"
#include "endpoint/attempt.hpp"
#include "endpoint/options.hpp"
#include "endpoint/resolver.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/system/result.hpp>

#include <optional>
#include <string>

namespace statefund::endpoint {

using stream_socket = boost::asio::generic::stream_protocol::socket;

// A connected, non-blocking socket.
struct opened {
  stream_socket socket;
  std::string address; // that of a host's name which it leads to, "127.0.0.1:8000"; else empty
};

// A place to connect to. Made once for a function; immutable.
class place {
 public:
  explicit place(options const& from);

  // For the operator: "127.0.0.1:8000", "[::1]:80", "/run/f.sock".
  std::string const& text() const noexcept { return text_; }

 private:
  friend boost::asio::awaitable<boost::system::result<opened, failure>>
  connect(place const& to, resolver& names, clock::deadline own, clock::deadline total);

  transport over_;
  std::string host_;
  std::uint16_t port_;
  std::string socket_path_;
  std::string text_;
  std::optional<boost::asio::ip::address> numeric_; // of host_, if it is an address
};

// On the coroutine's executor. `own`, the connect timeout's end, within `total`, covers the name's look-up and all of
// its addresses, which race (happy_eyeballs.hpp), and a unix socket's full backlog. The error of a name names each
// address that was tried.
boost::asio::awaitable<boost::system::result<opened, failure>> connect(place const& to, resolver& names,
                                                                       clock::deadline own, clock::deadline total);

} // namespace statefund::endpoint
