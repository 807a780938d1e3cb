#include "systemd/signals.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace statefund::systemd {

namespace asio = boost::asio;

signals::signals(asio::any_io_executor const& executor, std::initializer_list<int> numbers) : set_(executor) {
  for (int const number : numbers)
    set_.add(number);
}

asio::awaitable<int> signals::wait() {
  auto const [failure, signal] = co_await set_.async_wait(asio::as_tuple(asio::use_awaitable));
  co_return failure ? 0 : signal;
}

void signals::cancel() {
  boost::system::error_code ignored; // there is nothing that a cancellation could fail at
  set_.cancel(ignored);
}

} // namespace statefund::systemd
