#include "http/connection.hpp"

#include "http/errc.hpp"
#include "http/problem.hpp"
#include "http/request_parser.hpp"
#include "task/with_deadline.hpp"

#include <boost/asio/buffer.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>

namespace statefund::http {

namespace asio = boost::asio;
using clock::deadline;

namespace {

constexpr std::size_t small_buffer_bytes = 4096; // what an idle connection holds

std::string head_of(response const& answer, bool keeps_alive) {
  std::string head = "HTTP/1.1 ";
  head += std::to_string(answer.status);
  head += ' ';
  head += reason_phrase(answer.status);
  head += "\r\n";
  if (!answer.content_type.empty()) {
    head += "Content-Type: ";
    head += answer.content_type;
    head += "\r\n";
  }
  for (auto const& [name, value] : answer.headers) {
    head += name;
    head += ": ";
    head += value;
    head += "\r\n";
  }
  head += "Content-Length: ";
  head += std::to_string(answer.body.size());
  head += keeps_alive ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n";
  return head;
}

// Until all is sent, or no byte is taken for `write_max`.
asio::awaitable<result<void>> write_all(stream_socket& socket, std::string_view head, std::string_view rest,
                                        std::chrono::nanoseconds write_max) {
  while (!head.empty() || !rest.empty()) {
    std::array<asio::const_buffer, 2> const parts{asio::buffer(head), asio::buffer(rest)};
    auto write = socket.async_write_some(parts, asio::deferred);
    auto const written = co_await task::with_deadline(std::move(write), deadline::after(write_max));
    if (written.has_error())
      co_return error{errc::connection_lost, written.error().to_string()};
    std::size_t const of_head = std::min(*written, head.size());
    head.remove_prefix(of_head);
    rest.remove_prefix(*written - of_head);
  }
  co_return result<void>{};
}

// A close with bytes unread would take the answer away from a client that is still sending: our side is shut, and what
// comes is read over until the client has seen it.
asio::awaitable<void> linger(stream_socket& socket, std::chrono::nanoseconds linger_max) {
  boost::system::error_code ignored;
  socket.shutdown(stream_socket::shutdown_send, ignored);
  auto const until = deadline::after(linger_max);
  auto const dropped = std::make_unique<std::array<char, small_buffer_bytes>>();
  for (;;) {
    auto read = socket.async_read_some(asio::buffer(*dropped), asio::deferred);
    auto const came = co_await task::with_deadline(std::move(read), until);
    if (came.has_error())
      co_return;
  }
}

} // namespace

void conversation::end_soon() {
  ending_ = true;
  if (idle_on_)
    idle_on_->cancel();
}

class connection final : public body {
 public:
  connection(stream_socket socket, peer from, limits const& bounds, handler& answers, conversation& self)
      : socket_(std::move(socket)),
        bounds_(bounds),
        answers_(answers),
        self_(self) {
    asked_.from = from;
  }

  asio::awaitable<void> run();

  std::optional<std::uint64_t> length_bytes() const noexcept override { return parser_->length_bytes(); }
  asio::awaitable<result<std::string_view>> read_some(deadline until) override;

 private:
  enum class after { next_request, linger_and_close, close };

  asio::awaitable<result<void>> read_head();
  asio::awaitable<after> answer_request();
  asio::awaitable<bool> read_over();
  asio::awaitable<after> answer_failure(error const& failure);
  asio::awaitable<result<void>> fill(std::size_t capacity_bytes, deadline until);
  bool buffer_is_full(std::size_t capacity_bytes) const noexcept { return end_ - begin_ >= capacity_bytes; }
  asio::awaitable<bool> send(response const& answer, bool keeps_alive);

  stream_socket socket_;
  limits const& bounds_;
  handler& answers_;
  conversation& self_;
  request asked_;
  std::optional<request_parser> parser_;
  // What was read and not yet parsed: [begin_, end_) of buffer_.
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool continue_due_ = false; // the client waits for "100 Continue"
  std::optional<error> body_failure_;
};

// Reads once, behind what is there; the buffer grows up to `capacity_bytes`, which is not full.
asio::awaitable<result<void>> connection::fill(std::size_t capacity_bytes, deadline until) {
  if (begin_ == end_)
    begin_ = end_ = 0;
  if (end_ == capacity_ || capacity_ < capacity_bytes) {
    std::size_t const wanted = std::max(capacity_, capacity_bytes);
    if (wanted > capacity_) {
      auto larger = std::make_unique_for_overwrite<char[]>(wanted);
      if (end_ > begin_)
        std::memcpy(larger.get(), buffer_.get() + begin_, end_ - begin_);
      buffer_ = std::move(larger);
      capacity_ = wanted;
    } else {
      std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    }
    end_ -= begin_;
    begin_ = 0;
  }
  auto read = socket_.async_read_some(asio::buffer(buffer_.get() + end_, capacity_ - end_), asio::deferred);
  auto const came = co_await task::with_deadline(std::move(read), until);
  if (came.has_error()) {
    if (came.error().code == task::errc::deadline_reached)
      co_return error{errc::client_too_slow, {}};
    co_return error{errc::connection_lost, came.error().to_string()};
  }
  end_ += *came;
  co_return result<void>{};
}

asio::awaitable<result<void>> connection::read_head() {
  parser_.emplace(asked_, bounds_.header_bytes_max);
  continue_due_ = false;
  body_failure_.reset();
  if (begin_ == end_) {
    if (capacity_ > small_buffer_bytes) {
      buffer_.reset();
      capacity_ = 0;
    }
    if (self_.ending_)
      co_return error{errc::connection_lost, {}};
    self_.idle_on_ = &socket_;
    auto const first = co_await fill(small_buffer_bytes, deadline::after(bounds_.idle_max));
    self_.idle_on_ = nullptr;
    if (first.has_error())
      co_return error{errc::connection_lost, {}}; // nobody waits for an answer
  }
  auto const until = deadline::after(bounds_.header_max);
  for (;;) {
    auto const parsed = parser_->put({buffer_.get() + begin_, end_ - begin_});
    if (parsed.has_error())
      co_return parsed.error();
    begin_ += parsed->consumed_bytes;
    if (parser_->head_is_read())
      break;
    if (buffer_is_full(bounds_.header_bytes_max))
      co_return error{errc::header_too_large, "the header block is longer than this server takes"};
    std::size_t const capacity = buffer_is_full(capacity_) ? bounds_.header_bytes_max : capacity_;
    auto const more = co_await fill(capacity, until);
    if (more.has_error()) {
      if (more.error().code == errc::client_too_slow)
        co_return error{errc::client_too_slow, "the request's header did not come in time"};
      co_return more.error();
    }
  }
  continue_due_ = parser_->expects_continue() && begin_ == end_;
  co_return result<void>{};
}

asio::awaitable<result<std::string_view>> connection::read_some(deadline until) {
  if (body_failure_)
    co_return *body_failure_;
  if (continue_due_ && !parser_->done()) {
    continue_due_ = false;
    auto const told = co_await write_all(socket_, "HTTP/1.1 100 Continue\r\n\r\n", {}, bounds_.write_max);
    if (told.has_error()) {
      body_failure_ = told.error();
      co_return *body_failure_;
    }
  }
  while (!parser_->done()) {
    if (begin_ < end_) {
      auto const parsed = parser_->put({buffer_.get() + begin_, end_ - begin_});
      if (parsed.has_error()) {
        body_failure_ = error{errc::malformed, parsed.error().detail};
        co_return *body_failure_;
      }
      begin_ += parsed->consumed_bytes;
      if (!parsed->body.empty())
        co_return parsed->body;
      if (!parsed->needs_more)
        continue;
      if (buffer_is_full(bounds_.read_bytes_max)) {
        body_failure_ = error{errc::malformed, "a chunk's header is too long"};
        co_return *body_failure_;
      }
    }
    auto const left = parser_->length_bytes();
    std::size_t const wanted = left && *left <= small_buffer_bytes ? small_buffer_bytes : bounds_.read_bytes_max;
    auto const read_by = std::min(until, deadline::after(bounds_.body_read_max));
    auto const more = co_await fill(wanted, read_by);
    if (more.has_error()) {
      body_failure_ = more.error();
      if (body_failure_->code == errc::client_too_slow)
        body_failure_->detail = "the request's body did not come in time";
      co_return *body_failure_;
    }
  }
  co_return std::string_view{};
}

// False: the connection cannot go on behind this request.
asio::awaitable<bool> connection::read_over() {
  if (parser_->done())
    co_return true;
  if (body_failure_ || continue_due_)
    co_return false;
  auto const length = parser_->length_bytes();
  if (length && *length > bounds_.drain_bytes_max)
    co_return false;
  std::size_t dropped_bytes = 0;
  auto const until = deadline::after(bounds_.body_read_max);
  while (dropped_bytes <= bounds_.drain_bytes_max) {
    auto const piece = co_await read_some(until);
    if (piece.has_error())
      co_return false;
    if (piece->empty())
      co_return true;
    dropped_bytes += piece->size();
  }
  co_return false;
}

asio::awaitable<bool> connection::send(response const& answer, bool keeps_alive) {
  std::string const head = head_of(answer, keeps_alive);
  std::string_view const rest = asked_.method == method::head ? std::string_view{} : answer.body;
  answers_.answered(answer.status);
  auto const sent = co_await write_all(socket_, head, rest, bounds_.write_max);
  co_return sent.has_value();
}

asio::awaitable<connection::after> connection::answer_failure(error const& failure) {
  auto const answer = answer_to(failure);
  if (!answer)
    co_return after::close;
  bool const sent = co_await send(*answer, false);
  co_return sent&& failure.code != errc::client_too_slow ? after::linger_and_close : after::close;
}

asio::awaitable<connection::after> connection::answer_request() {
  auto const answer = co_await answers_.handle(asked_, *this);
  if (!answer)
    co_return after::close;
  bool const can_go_on = parser_->keeps_alive() && !self_.ending_;
  // A body that nobody wanted is read over before the answer, so that a client that sends all before it reads gets it.
  bool const goes_on = can_go_on && co_await read_over();
  bool const sent = co_await send(*answer, goes_on);
  if (!sent)
    co_return after::close;
  if (goes_on)
    co_return after::next_request;
  bool const gone = body_failure_ && body_failure_->code != errc::malformed;
  co_return parser_->done() || gone ? after::close : after::linger_and_close;
}

asio::awaitable<void> connection::run() {
  auto next = after::next_request;
  while (next == after::next_request) {
    auto const head = co_await read_head();
    if (head.has_error())
      next = co_await answer_failure(head.error());
    else
      next = co_await answer_request();
  }
  if (next == after::linger_and_close)
    co_await linger(socket_, bounds_.linger_max);
}

asio::awaitable<void> serve(stream_socket socket, peer from, limits const& bounds, handler& answers,
                            conversation& self) {
  connection one(std::move(socket), from, bounds, answers, self);
  co_await one.run();
}

asio::awaitable<void> turn_away(stream_socket socket, response answer, limits const& bounds) {
  std::string const head = head_of(answer, false);
  auto const sent = co_await write_all(socket, head, answer.body, bounds.write_max);
  if (sent)
    co_await linger(socket, bounds.linger_max);
}

} // namespace statefund::http
