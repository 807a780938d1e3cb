#include "http/server.hpp"

#include "http/connection.hpp"
#include "http/errc.hpp"
#include "http/problem.hpp"
#include "task/gate.hpp"
#include "task/with_deadline.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <list>
#include <optional>

#include <sys/socket.h>

namespace statefund::http {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds accept_pause{100};

using acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;

peer peer_of(stream_socket& socket, int family) {
  peer from;
  ::ucred who{};
  ::socklen_t size = sizeof who;
  if (family == AF_UNIX && ::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &who, &size) == 0)
    from.uid = who.uid;
  return from;
}

// The client is at fault, or gone again; the next one may do better.
bool concerns_one_connection(boost::system::error_code const& code) {
  return code == asio::error::connection_aborted || code == asio::error::interrupted;
}

// One place's connections. On its thread.
class hall {
 public:
  hall(place where, limits const& bounds, std::atomic<std::size_t>& connections_count)
      : where_(std::move(where)),
        bounds_(bounds),
        connections_count_(connections_count),
        connections_(where_.executor) {}

  asio::any_io_executor const& executor() const noexcept { return where_.executor; }

  void welcome(stream_socket socket, peer from) {
    if (connections_.closed())
      return left();
    connections_.start(converse(std::move(socket), from));
  }

  void turn_away(stream_socket socket) {
    if (connections_.closed())
      return left();
    connections_.start(refuse(std::move(socket)));
  }

  void end_soon() {
    for (conversation* const one : conversations_)
      one->end_soon();
  }

  asio::awaitable<void> close() { co_await connections_.close(); }

  void cancel() { connections_.cancel(); }

 private:
  asio::awaitable<void> converse(stream_socket socket, peer from) {
    conversation self;
    auto const here = conversations_.insert(conversations_.end(), &self);
    co_await serve(std::move(socket), from, bounds_, *where_.answers, self);
    conversations_.erase(here);
    left();
  }

  asio::awaitable<void> refuse(stream_socket socket) {
    response answer = problem(number::connections_limit_reached, "as many connections are open as this socket takes",
                              std::chrono::seconds(1));
    where_.answers->answered(answer.status);
    co_await http::turn_away(std::move(socket), std::move(answer), bounds_);
    left();
  }

  void left() noexcept { connections_count_.fetch_sub(1, std::memory_order_relaxed); }

  place where_;
  limits const& bounds_;
  std::atomic<std::size_t>& connections_count_;
  std::list<conversation*> conversations_;
  task::gate connections_;
};

} // namespace

struct server::parts {
  parts(std::vector<place> places, limits const& wanted, std::function<void(error const&)> told)
      : bounds(wanted),
        accept_failed(std::move(told)),
        executor(places.front().executor),
        accepting(executor) {
    for (place& one : places)
      halls.emplace_back(std::move(one), bounds, connections_count);
  }

  asio::awaitable<void> accept_from(listening_socket from);
  void hand_over(stream_socket socket, hall& to, int family);

  limits const bounds;
  std::function<void(error const&)> accept_failed;
  asio::any_io_executor executor;
  std::atomic<std::size_t> connections_count{0}; // turned away ones included
  std::list<hall> halls;
  std::size_t next_hall = 0;
  task::gate accepting;
};

void server::parts::hand_over(stream_socket socket, hall& to, int family) {
  bool const full = connections_count.fetch_add(1, std::memory_order_relaxed) >= bounds.connections_max;
  peer const from = peer_of(socket, family);
  auto arrive = [&to, from, full, moved = std::move(socket)]() mutable {
    if (full)
      to.turn_away(std::move(moved));
    else
      to.welcome(std::move(moved), from);
  };
  asio::post(to.executor(), std::move(arrive));
}

asio::awaitable<void> server::parts::accept_from(listening_socket from) {
  acceptor door(executor);
  boost::system::error_code failure;
  door.assign(asio::generic::stream_protocol(from.family(), 0), from.release(), failure);
  bool was_failing = false;
  while (!failure) {
    auto to = std::next(halls.begin(), static_cast<std::ptrdiff_t>(next_hall));
    stream_socket socket(to->executor());
    auto accept = door.async_accept(socket, asio::deferred);
    auto const accepted = co_await task::with_deadline(std::move(accept), clock::deadline::never());
    if (accepted) {
      was_failing = false;
      next_hall = (next_hall + 1) % halls.size();
      hand_over(std::move(socket), *to, from.family());
      continue;
    }
    if (accepted.error().code == asio::error::operation_aborted)
      break;
    if (concerns_one_connection(accepted.error().code))
      continue;
    if (!was_failing && accept_failed)
      accept_failed(error{accepted.error().code, from.name() + ": no connection can be taken"});
    was_failing = true;
    task::timer pause(executor, accept_pause);
    auto passed = pause.async_wait(asio::deferred);
    auto const waited = co_await task::with_deadline(std::move(passed), clock::deadline::never());
    if (waited.has_error())
      break;
  }
}

server::server(std::vector<place> places, limits const& bounds, std::function<void(error const&)> accept_failed)
    : parts_(std::make_unique<parts>(std::move(places), bounds, std::move(accept_failed))) {}

server::~server() = default;

void server::start(listening_socket from) {
  parts_->accepting.start(parts_->accept_from(std::move(from)));
}

asio::awaitable<void> server::stop() {
  parts_->accepting.cancel();
  co_await parts_->accepting.close();
  // What was handed over to a place before this arrives there before this.
  for (hall& one : parts_->halls) {
    auto const end = [&one] { one.end_soon(); };
    asio::post(one.executor(), end);
  }
  for (hall& one : parts_->halls) {
    auto closed = asio::co_spawn(one.executor(), one.close(), asio::deferred);
    co_await std::move(closed);
  }
}

void server::cancel() {
  for (hall& one : parts_->halls) {
    auto const end = [&one] { one.cancel(); };
    asio::post(one.executor(), end);
  }
}

std::size_t server::connections_count() const noexcept {
  return parts_->connections_count.load(std::memory_order_relaxed);
}

} // namespace statefund::http
