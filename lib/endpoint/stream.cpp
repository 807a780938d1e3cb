#include "endpoint/stream.hpp"

#include "endpoint/errc.hpp"
#include "task/errc.hpp"
#include "task/with_deadline.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>

#include <cerrno>
#include <sys/socket.h>
#include <utility>

namespace statefund::endpoint {

namespace asio = boost::asio;

stream::stream(stream_socket socket, std::unique_ptr<tls_layer> tls) noexcept
    : socket_(std::move(socket)),
      tls_(std::move(tls)) {}

result<std::size_t> stream::write_now(request_buffers const& from) {
  if (tls_)
    return tls_->write_now(from);
  boost::system::error_code code;
  auto const sent = socket_.write_some(from, code);
  if (code && code != asio::error::would_block && code != asio::error::try_again)
    return error{code, {}};
  return sent;
}

asio::awaitable<result<void>> stream::writable(clock::deadline until) {
  if (tls_)
    return tls_->ready(socket_, until);
  auto wait = socket_.async_wait(stream_socket::wait_write, asio::deferred);
  return task::with_deadline(std::move(wait), until);
}

asio::awaitable<result<std::size_t>> stream::read_some(asio::mutable_buffer into, clock::deadline until) {
  if (tls_)
    return tls_->read_some(socket_, into, until);
  auto read = socket_.async_read_some(into, asio::deferred);
  return task::with_deadline(std::move(read), until);
}

bool stream::is_quiet() noexcept {
  if (tls_)
    return tls_->is_quiet();
  char byte = 0;
  auto const seen = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return seen < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

asio::awaitable<void> stream::rest() {
  auto readable = socket_.async_wait(stream_socket::wait_read, asio::as_tuple(asio::deferred));
  co_await std::move(readable);
}

void stream::wake() {
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

failure failure_of(error const& met, stage at, cause when_reached) {
  if (met.code == task::errc::deadline_reached)
    return {when_reached, at, {}};
  if (met.code == asio::error::operation_aborted)
    return {cause::cancelled, at, {}};
  if (met.code == errc::tls_failed)
    return {cause::tls, at, met.detail};
  bool const is_cut_off = met.code == errc::tls_cut_off && at == stage::handshaking;
  if (met.code == asio::error::eof || is_cut_off)
    return {cause::io, at, "the connection was closed"};
  return {cause::io, at, met.code.message()};
}

} // namespace statefund::endpoint
