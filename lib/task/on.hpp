#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace statefund::task {

namespace on_detail {

template <class T>
boost::asio::awaitable<T> without_exceptions(boost::asio::awaitable<T> work) {
  co_await boost::asio::this_coro::throw_if_cancelled(false);
  co_return co_await std::move(work);
}

} // namespace on_detail

// Runs `work` on another thread's executor and comes back to the caller's with its value. What it borrows from the
// caller stays alive, for the caller waits. Cancellation is passed on.
template <class T>
boost::asio::awaitable<T> on(boost::asio::any_io_executor elsewhere, boost::asio::awaitable<T> work) {
  auto there =
      boost::asio::co_spawn(elsewhere, on_detail::without_exceptions(std::move(work)), boost::asio::use_awaitable);
  co_return co_await std::move(there);
}

} // namespace statefund::task
