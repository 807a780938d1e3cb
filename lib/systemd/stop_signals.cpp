#include "systemd/stop_signals.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <csignal>

namespace statefund::systemd {

namespace asio = boost::asio;

stop_signals::stop_signals(asio::any_io_executor const& executor) : signals_(executor, SIGTERM, SIGINT) {}

asio::awaitable<int> stop_signals::wait() {
  auto const [failure, signal] = co_await signals_.async_wait(asio::as_tuple(asio::use_awaitable));
  co_return failure ? 0 : signal;
}

void stop_signals::cancel() {
  boost::system::error_code ignored; // there is nothing that a cancellation could fail at
  signals_.cancel(ignored);
}

} // namespace statefund::systemd
