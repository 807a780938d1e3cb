#include "endpoint/connect.hpp"

#include "endpoint/happy_eyeballs.hpp"
#include "error/ensure.hpp"
#include "task/errc.hpp"
#include "task/event.hpp"
#include "task/gate.hpp"
#include "task/timer.hpp"
#include "task/with_deadline.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <cerrno>
#include <sys/socket.h>
#include <utility>

namespace statefund::endpoint {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using connected = boost::system::result<opened, failure>;

namespace {

constexpr std::chrono::milliseconds backlog_pause_initial{1};
constexpr std::chrono::milliseconds backlog_pause_max{64};

std::string text_of(std::string const& host, std::uint16_t port) {
  bool const v6 = host.find(':') != std::string::npos;
  return (v6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

std::string text_of(tcp::endpoint const& address) {
  return text_of(address.address().to_string(), address.port());
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
  bool const exhausted = met.code == boost::system::errc::too_many_files_open ||
                         met.code == boost::system::errc::too_many_files_open_in_system;
  return {exhausted ? cause::out_of_descriptors : cause::io, at, met.to_string()};
}

failure failure_of(error_code const& met, bounds const& within) {
  return failure_of(error{met, {}}, stage::connecting, within);
}

asio::awaitable<connected> connect_tcp(tcp::endpoint to, bounds within) {
  auto const executor = co_await asio::this_coro::executor;
  stream_socket socket(executor);
  error_code code;
  if (socket.open(to.protocol(), code); code)
    co_return failure_of(code, within);
  if (socket.set_option(tcp::no_delay(true), code); code)
    co_return failure_of(code, within);
  auto connecting = socket.async_connect(to, asio::deferred);
  auto const done = co_await task::with_deadline(std::move(connecting), within.until);
  if (done.has_error())
    co_return failure_of(done.error(), stage::connecting, within);
  if (socket.non_blocking(true, code); code)
    co_return failure_of(code, within);
  co_return opened{std::move(socket), {}};
}

// Several addresses on their way. Lives in the frame of connect_to_first, which awaits all that it has begun.
struct race {
  race(asio::any_io_executor const& executor, std::vector<tcp::endpoint> to, bounds const& by)
      : tried(std::move(to)),
        within(by),
        starts(tried.size()),
        failures(tried.size()),
        changed(executor),
        tries(executor) {}

  std::vector<tcp::endpoint> const tried;
  bounds const within;
  staggered_starts starts;
  std::vector<failure> failures; // of those that have failed by themselves
  std::optional<opened> won;
  task::event changed;
  task::gate tries;

  cause why_lost() const {
    if (!starts.all_failed() || within.until.reached())
      return within.when_reached;
    auto const exhausted = [](failure const& met) { return met.why == cause::out_of_descriptors; };
    return std::any_of(failures.begin(), failures.end(), exhausted) ? cause::out_of_descriptors : cause::io;
  }

  // "127.0.0.1:8000: Connection refused; [::1]:8000: no answer"
  std::string reasons() const {
    std::string all;
    for (std::size_t i = 0; i < starts.begun_count(); ++i) {
      auto const& reason = failures[i].detail;
      all += (i == 0 ? "" : "; ") + text_of(tried[i]) + ": " + (reason.empty() ? "no answer" : reason);
    }
    return all;
  }
};

asio::awaitable<void> try_one(race& in, std::size_t which) {
  auto got = co_await connect_tcp(in.tried[which], in.within);
  if (got.has_error()) {
    in.failures[which] = got.error();
    in.starts.failed(which);
  } else if (!in.won) {
    in.won = opened{std::move(got->socket), text_of(in.tried[which])};
  }
  in.changed.notify_all();
}

asio::awaitable<connected> connect_to_first(std::vector<tcp::endpoint> addresses, bounds within) {
  auto const executor = co_await asio::this_coro::executor;
  race in(executor, std::move(addresses), within);
  auto ended = task::wait_end::notified;
  while (!in.won && !in.starts.all_failed() && !within.until.reached() && ended != task::wait_end::cancelled) {
    while (auto const which = in.starts.next(clock::steady::now()))
      in.tries.start(try_one(in, *which));
    auto const until = std::min(in.starts.next_at(), within.until);
    ended = co_await in.changed.wait(until);
  }
  auto const why = ended == task::wait_end::cancelled ? cause::cancelled : in.why_lost();
  in.tries.cancel();
  co_await in.tries.close();
  if (in.won)
    co_return std::move(*in.won);
  co_return failure{why, stage::connecting, in.reasons()};
}

// connect() on a unix socket ends at once: done, failed, or EAGAIN when the listener's backlog is full. There is no
// event for "no longer full", and asio's async_connect (1.81) takes that EAGAIN for a success.
asio::awaitable<connected> connect_unix(std::string path, bounds within) {
  auto const executor = co_await asio::this_coro::executor;
  asio::local::stream_protocol::endpoint const to(path);
  stream_socket socket(executor);
  error_code code;
  if (socket.open(to.protocol(), code); code)
    co_return failure_of(code, within);
  if (socket.non_blocking(true, code); code)
    co_return failure_of(code, within);
  for (auto pause = backlog_pause_initial;; pause = std::min(2 * pause, backlog_pause_max)) {
    if (::connect(socket.native_handle(), to.data(), static_cast<socklen_t>(to.size())) == 0)
      co_return opened{std::move(socket), {}};
    if (errno != EAGAIN && errno != EINTR)
      co_return failure_of(error_code(errno, boost::system::system_category()), within);
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
      text_(over_ == transport::unix_socket ? socket_path_ : text_of(host_, port_)) {
  error_code code;
  if (auto const address = asio::ip::make_address(host_, code); !code)
    numeric_ = address;
  ensure(over_ == transport::tcp || socket_path_.size() < 108, "a unix socket's path fits its address");
}

asio::awaitable<connected> connect(place const& to, resolver& names, clock::deadline own, clock::deadline total) {
  bounds const within{std::min(own, total), own < total ? cause::connect_timeout : cause::call_timeout};
  if (to.over_ == transport::unix_socket)
    co_return co_await connect_unix(to.socket_path_, within);
  if (to.numeric_)
    co_return co_await connect_tcp({*to.numeric_, to.port_}, within);

  auto const found = co_await names.resolve(to.host_, within.until);
  if (found.has_error())
    co_return failure_of(found.error(), stage::resolving, within);
  std::vector<tcp::endpoint> order;
  for (auto const& address : interleaved(*found))
    order.emplace_back(address, to.port_);
  co_return co_await connect_to_first(std::move(order), within);
}

} // namespace statefund::endpoint
