#include "endpoint/connection.hpp"

#include "endpoint/errc.hpp"
#include "error/ensure.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace statefund::endpoint {

namespace asio = boost::asio;

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

} // namespace

connection::connection(stream over) : stream_(std::move(over)) {}

asio::awaitable<std::optional<failure>> connection::send_rest(request_buffers unsent, exchange_limits const& limits,
                                                              clock::deadline total) {
  for (;;) {
    auto const bound = within(limits.write, cause::write_timeout, total);
    auto const waited = co_await stream_.writable(bound.until);
    if (waited.has_error())
      co_return failure_of(waited.error(), stage::sending, bound.when_reached);
    answered_early_ = answered_early_ || !is_quiet();
    auto const sent = stream_.write_now(unsent);
    if (sent.has_error())
      co_return failure_of(sent.error(), stage::sending, bound.when_reached);
    if (!consume(unsent, *sent))
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
  request_buffers unsent{asio::buffer(head), middle.bytes(), asio::buffer(body)};

  // A request nearly always fits the socket's buffer: then no timer is needed.
  std::optional<failure> unsent_because;
  auto const sent = stream_.write_now(unsent);
  if (sent.has_error())
    unsent_because = failure_of(sent.error(), stage::sending, cause::write_timeout);
  else if (consume(unsent, *sent))
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
    auto const got = co_await stream_.read_some(room, bound.until);
    if (got.has_error()) {
      if (unsent_because && got.error().code != errc::tls_failed) // an alert says why
        co_return std::move(*unsent_because);
      if (got.error().code != asio::error::eof || at == stage::waiting)
        co_return failure_of(got.error(), at, bound.when_reached);
      parser_.feed_end();
      if (parser_.state() == parse_state::incomplete)
        co_return failure_of(got.error(), at, bound.when_reached);
      break;
    }
    if (*got == 0)
      continue;
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

asio::awaitable<void> connection::rest() {
  buffer_ = {};
  return stream_.rest();
}

} // namespace statefund::endpoint
