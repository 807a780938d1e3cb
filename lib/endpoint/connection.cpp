#include "endpoint/connection.hpp"

#include "error/ensure.hpp"
#include "task/errc.hpp"
#include "task/with_deadline.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <sys/socket.h>

namespace statefund::endpoint {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t buffer_bytes_initial =
    std::size_t{4} * 1024; // most answers are smaller, and a pool has many connections
constexpr std::size_t buffer_bytes_max = std::size_t{64} * 1024;
static_assert(buffer_bytes_max > std::size_t{2} * header_bytes_max, "the parser sees the whole header at once");

struct bounds {
  clock::deadline until;
  cause when_reached;
};

bounds within(std::optional<std::chrono::nanoseconds> const& own, cause when_own, clock::deadline total) noexcept {
  if (own)
    if (auto const until = clock::deadline::after(*own); until < total)
      return {until, when_own};
  return {total, cause::call_timeout};
}

failure failure_of(error_code const& met, stage at, cause when_reached) {
  if (met == task::errc::deadline_reached)
    return {when_reached, at, {}};
  if (met == asio::error::operation_aborted)
    return {cause::cancelled, at, {}};
  if (met == asio::error::eof)
    return {cause::io, at, "the connection was closed"};
  return {cause::io, at, met.message()};
}

// "<length>\r\n\r\n"
class head_end {
 public:
  explicit head_end(std::size_t content_length) noexcept {
    auto* const end = std::to_chars(text_.data(), text_.data() + text_.size(), content_length).ptr;
    std::memcpy(end, "\r\n\r\n", 4); // NOLINT(bugprone-not-null-terminated-result): a size is kept beside it
    size_ = static_cast<std::size_t>(end - text_.data()) + 4;
  }
  asio::const_buffer bytes() const noexcept { return {text_.data(), size_}; }

 private:
  std::array<char, 32> text_;
  std::size_t size_;
};

using request_bytes = std::array<asio::const_buffer, 3>;

// False when nothing is left.
bool consume(request_bytes& buffers, std::size_t count) noexcept {
  bool left = false;
  for (auto& each : buffers) {
    auto const taken = std::min(count, each.size());
    each += taken;
    count -= taken;
    left = left || each.size() > 0;
  }
  return left;
}

} // namespace

connection::connection(stream_socket socket) : socket_(std::move(socket)) {}

template <class Buffers>
asio::awaitable<std::optional<failure>> connection::send_rest(Buffers unsent, exchange_limits const& limits,
                                                              clock::deadline total) {
  for (;;) {
    auto const bound = within(limits.write, cause::write_timeout, total);
    auto writable = socket_.async_wait(stream_socket::wait_write, asio::deferred);
    auto const waited = co_await task::with_deadline(std::move(writable), bound.until);
    if (waited.has_error())
      co_return failure_of(waited.error().code, stage::sending, bound.when_reached);
    answered_early_ = answered_early_ || !is_quiet();
    error_code code;
    auto const sent = socket_.write_some(unsent, code);
    if (code && code != asio::error::would_block && code != asio::error::try_again)
      co_return failure_of(code, stage::sending, bound.when_reached);
    if (!consume(unsent, sent))
      co_return std::nullopt;
  }
}

asio::awaitable<boost::system::result<answer, failure>> connection::exchange(std::string_view head,
                                                                             std::string_view body,
                                                                             exchange_limits const& limits,
                                                                             clock::deadline total) {
  ensure(reusable_ && unread_ == 0, "one exchange at a time, on a connection that may be reused");
  reusable_ = false;
  answered_early_ = false;
  if (buffer_.empty())
    buffer_.resize(buffer_bytes_initial);
  head_end const middle(body.size());
  request_bytes unsent{asio::buffer(head), middle.bytes(), asio::buffer(body)};

  // A request nearly always fits the socket's buffer: then no timer is needed.
  std::optional<failure> unsent_because;
  error_code code;
  auto const sent = socket_.write_some(unsent, code);
  if (code && code != asio::error::would_block && code != asio::error::try_again)
    unsent_because = failure_of(code, stage::sending, cause::write_timeout);
  else if (consume(unsent, sent))
    unsent_because = co_await send_rest(unsent, limits, total);
  if (unsent_because && unsent_because->why != cause::io)
    co_return std::move(*unsent_because);

  // A server that does not want to read all of the request may have said why, before it closed.
  parser_.begin(limits.body_bytes_max);
  auto at = stage::waiting;
  while (parser_.state() == parse_state::incomplete) {
    if (unread_ == buffer_.size()) {
      ensure(buffer_.size() < buffer_bytes_max, "the parser leaves less than the buffer holds");
      buffer_.resize(buffer_.size() * 2);
    }
    auto const bound = within(limits.read, cause::read_timeout, total);
    auto const room = asio::buffer(buffer_) + unread_;
    auto read = socket_.async_read_some(room, asio::deferred);
    auto const got = co_await task::with_deadline(std::move(read), bound.until);
    if (got.has_error()) {
      if (unsent_because)
        co_return std::move(*unsent_because);
      if (got.error().code != asio::error::eof || at == stage::waiting)
        co_return failure_of(got.error().code, at, bound.when_reached);
      parser_.feed_end();
      if (parser_.state() == parse_state::incomplete)
        co_return failure_of(got.error().code, at, bound.when_reached);
      break;
    }
    at = stage::reading;
    bool const filled = *got == room.size();
    unread_ += *got;
    auto const consumed = parser_.feed({buffer_.data(), unread_});
    unread_ -= consumed;
    if (unread_ > 0 && consumed > 0)
      std::memmove(buffer_.data(), buffer_.data() + consumed, unread_);
    if (filled && unread_ == 0 && buffer_.size() < buffer_bytes_max) // a large body: fewer, larger reads
      buffer_.resize(buffer_.size() * 2);
  }
  if (parser_.state() == parse_state::malformed)
    co_return failure{cause::malformed, at, std::string(parser_.fault())};
  auto& got = parser_.parsed();
  if (unsent_because && got.status / 100 == 2)
    co_return std::move(*unsent_because);       // it cannot have read what it says yes to
  if (answered_early_ && got.status / 100 == 2) // nor here: it may be an earlier request's, sent again or late
    co_return failure{cause::malformed, stage::sending, "an answer came before the request was sent"};
  ++answers_count_;
  reusable_ = got.then == after_answer::keep_alive && unread_ == 0 && !unsent_because;
  co_return std::move(got);
}

bool connection::is_quiet() noexcept {
  char byte = 0;
  auto const seen = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return seen < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

asio::awaitable<void> connection::rest() {
  buffer_ = {};
  auto readable = socket_.async_wait(stream_socket::wait_read, asio::as_tuple(asio::deferred));
  co_await std::move(readable);
}

void connection::wake() {
  error_code ignored;
  socket_.cancel(ignored);
}

} // namespace statefund::endpoint
