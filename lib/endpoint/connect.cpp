#include "endpoint/connect.hpp"

#include "error/ensure.hpp"
#include "task/errc.hpp"
#include "task/timer.hpp"
#include "task/with_deadline.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <cerrno>
#include <sys/socket.h>

namespace statefund::endpoint {

namespace asio = boost::asio;
using boost::system::error_code;
using connected = boost::system::result<stream_socket, failure>;

namespace {

std::string text_of(options const& from) {
  if (from.over == transport::unix_socket)
    return from.socket_path;
  bool const v6 = from.host.find(':') != std::string::npos;
  return (v6 ? '[' + from.host + ']' : from.host) + ':' + std::to_string(from.port);
}

struct bounds {
  clock::deadline until;
  cause when_reached;
};

failure failure_of(error const& met, stage at, bounds const& within) {
  if (met.code == task::errc::deadline_reached)
    return {within.when_reached, at, {}};
  if (met.code == asio::error::operation_aborted)
    return {cause::cancelled, at, {}};
  return {cause::io, at, met.to_string()};
}

failure failure_of(error_code const& met) {
  return {cause::io, stage::connecting, met.message()};
}

asio::awaitable<connected> connect_tcp(asio::ip::tcp::endpoint to, bounds within) {
  auto const executor = co_await asio::this_coro::executor;
  stream_socket socket(executor);
  error_code code;
  if (socket.open(to.protocol(), code); code)
    co_return failure_of(code);
  if (socket.set_option(asio::ip::tcp::no_delay(true), code); code)
    co_return failure_of(code);
  auto connecting = socket.async_connect(to, asio::deferred);
  auto const done = co_await task::with_deadline(std::move(connecting), within.until);
  if (done.has_error())
    co_return failure_of(done.error(), stage::connecting, within);
  if (socket.non_blocking(true, code); code)
    co_return failure_of(code);
  co_return socket;
}

// connect() on a unix socket ends at once: done, failed, or EAGAIN when the listener's backlog is full. There is no
// event for "no longer full", and asio's async_connect (1.81) takes that EAGAIN for a success.
asio::awaitable<connected> connect_unix(std::string path, bounds within) {
  auto const executor = co_await asio::this_coro::executor;
  asio::local::stream_protocol::endpoint const to(path);
  stream_socket socket(executor);
  error_code code;
  if (socket.open(to.protocol(), code); code)
    co_return failure_of(code);
  if (socket.non_blocking(true, code); code)
    co_return failure_of(code);
  for (auto pause = clock::steady::duration(std::chrono::milliseconds(1));; pause *= 2) {
    if (::connect(socket.native_handle(), to.data(), static_cast<socklen_t>(to.size())) == 0)
      co_return socket;
    if (errno != EAGAIN && errno != EINTR)
      co_return failure_of(error_code(errno, boost::system::system_category()));
    if (within.until.reached())
      co_return failure{within.when_reached, stage::connecting, {}};
    task::timer again(executor, std::min(clock::steady::now() + pause, within.until.when()));
    auto wait = again.async_wait(asio::deferred);
    auto const waited = co_await task::with_deadline(std::move(wait), clock::deadline::never());
    if (waited.has_error())
      co_return failure_of(waited.error(), stage::connecting, within);
  }
}

} // namespace

place::place(options const& from)
    : over_(from.over),
      host_(from.host),
      port_(from.port),
      socket_path_(from.socket_path),
      text_(text_of(from)) {
  error_code code;
  if (auto const address = asio::ip::make_address(host_, code); !code)
    numeric_ = address;
  ensure(over_ == transport::tcp || socket_path_.size() < 108, "a unix socket's path fits its address");
}

asio::awaitable<connected> connect(place const& to, resolver& names, std::chrono::nanoseconds timeout,
                                   clock::deadline total) {
  auto const own = clock::deadline::after(timeout);
  bounds const within{std::min(own, total), own < total ? cause::connect_timeout : cause::call_timeout};
  if (to.over_ == transport::unix_socket)
    co_return co_await connect_unix(to.socket_path_, within);
  if (to.numeric_)
    co_return co_await connect_tcp({*to.numeric_, to.port_}, within);

  auto const found = co_await names.resolve(to.host_, within.until);
  if (found.has_error())
    co_return failure_of(found.error(), stage::resolving, within);
  failure last;
  for (auto const& address : *found) {
    asio::ip::tcp::endpoint const one(address, to.port_);
    auto tried = co_await connect_tcp(one, within);
    if (tried.has_value())
      co_return std::move(tried);
    last = tried.error();
    if (last.why != cause::io)
      break;
  }
  co_return last;
}

} // namespace statefund::endpoint
