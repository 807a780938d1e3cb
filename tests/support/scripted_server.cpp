#include "support/scripted_server.hpp"

#include "error/ensure.hpp"
#include "task/with_deadline.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <unistd.h>

namespace statefund::support {

namespace asio = boost::asio;
using clock::deadline;

step expect_request() {
  return {step::kind::expect_request, {}, 0};
}
step expect_bytes(std::size_t count) {
  return {step::kind::expect_bytes, {}, count};
}
step answer_with(std::function<std::string(std::string const& request)> answering) {
  return {step::kind::answer, {}, 0, std::move(answering)};
}
step send(std::string bytes) {
  return {step::kind::send, std::move(bytes), 0};
}
step close() {
  return {step::kind::close, {}, 0};
}
step reset() {
  return {step::kind::reset, {}, 0};
}
step hold() {
  return {step::kind::hold, {}, 0};
}
step stand_by() {
  return {step::kind::stand_by, {}, 0};
}

namespace {

// The size of the request at the front of `bytes`, once all of it is there.
std::optional<std::size_t> request_size(std::string const& bytes) {
  auto const head = bytes.find("\r\n\r\n");
  if (head == std::string::npos)
    return std::nullopt;
  static constexpr std::string_view name = "Content-Length: ";
  std::size_t body = 0;
  if (auto const at = bytes.find(name); at < head)
    std::from_chars(bytes.data() + at + name.size(), bytes.data() + head, body);
  auto const size = head + 4 + body;
  return bytes.size() >= size ? std::optional(size) : std::nullopt;
}

// False when the other side has ended the connection.
asio::awaitable<bool> read_more(asio::generic::stream_protocol::socket& from, std::string& into) {
  std::vector<char> buffer(64U * 1024U);
  auto read = from.async_read_some(asio::buffer(buffer), asio::deferred);
  auto const got = co_await task::with_deadline(std::move(read), deadline::never());
  if (got.has_value())
    into.append(buffer.data(), *got);
  co_return got.has_value();
}

asio::awaitable<bool> write_all(asio::generic::stream_protocol::socket& to, std::string const& bytes) {
  auto write = asio::async_write(to, asio::buffer(bytes), asio::deferred);
  auto const sent = co_await task::with_deadline(std::move(write), deadline::never());
  co_return sent.has_value();
}

} // namespace

scripted_server::scripted_server(event_loop& loop)
    : scripted_server(loop, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {}

scripted_server::scripted_server(event_loop& loop, asio::ip::tcp::endpoint at)
    : loop_(loop),
      acceptor_(loop.io(), protocol::endpoint(at)),
      going_on_(loop.executor()),
      gate_(loop.executor()) {
  asio::ip::tcp::endpoint bound;
  auto const local = acceptor_.local_endpoint();
  std::memcpy(bound.data(), local.data(), local.size());
  port_ = bound.port();
}

scripted_server::scripted_server(event_loop& loop, std::string path, int backlog)
    : loop_(loop),
      path_(std::move(path)),
      acceptor_(loop.io()),
      going_on_(loop.executor()),
      gate_(loop.executor()) {
  asio::local::stream_protocol::endpoint const at(path_);
  acceptor_.open(at.protocol());
  acceptor_.bind(at);
  acceptor_.listen(backlog);
}

scripted_server::~scripted_server() {
  gate_.cancel();
  ensure(loop_.run_until([&] { return gate_.running_count() == 0; }), "a script ends when it is cancelled");
  if (!path_.empty())
    ::unlink(path_.c_str());
}

void scripted_server::plays(script next) {
  scripts_.push_back(std::move(next));
  if (accepting_)
    return;
  accepting_ = true;
  gate_.start(accept());
}

asio::awaitable<void> scripted_server::accept() {
  while (!scripts_.empty()) {
    protocol::socket connected(loop_.io());
    auto accepting = acceptor_.async_accept(connected, asio::deferred);
    auto const done = co_await task::with_deadline(std::move(accepting), deadline::never());
    if (done.has_error())
      break;
    ++accepted_count_;
    auto steps = std::move(scripts_.front());
    scripts_.pop_front();
    gate_.start(play(std::move(connected), std::move(steps)));
  }
  accepting_ = false;
}

asio::awaitable<void> scripted_server::play(protocol::socket with, script steps) {
  ++playing_count_;
  std::string unread;
  bool open = true;
  for (auto next = steps.begin(); open && next != steps.end(); ++next) {
    switch (next->what) {
    case step::kind::expect_request:
    case step::kind::answer:
      while (open && !request_size(unread))
        open = co_await read_more(with, unread);
      if (open) {
        auto const size = *request_size(unread);
        requests_.push_back(unread.substr(0, size));
        unread.erase(0, size);
      }
      if (open && next->what == step::kind::answer) {
        std::string const bytes = next->answering(requests_.back());
        open = co_await write_all(with, bytes);
      }
      break;
    case step::kind::expect_bytes:
      while (open && unread.size() < next->count)
        open = co_await read_more(with, unread);
      if (open)
        unread.erase(0, next->count);
      break;
    case step::kind::send:
      open = co_await write_all(with, next->bytes);
      break;
    case step::kind::close:
      open = false;
      break;
    case step::kind::reset:
      with.set_option(asio::socket_base::linger(true, 0));
      open = false;
      break;
    case step::kind::hold:
      while (open)
        open = co_await read_more(with, unread);
      break;
    case step::kind::stand_by:
      open = co_await going_on_.wait(deadline::never()) == task::wait_end::notified;
      break;
    }
  }
  with.close();
  --playing_count_;
}

} // namespace statefund::support
