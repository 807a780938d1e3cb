#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace statefund::task {

namespace on_detail {

namespace asio = boost::asio;

template <class T>
using kept = std::optional<std::conditional_t<std::is_void_v<T>, bool, T>>;

template <class T>
asio::awaitable<void> run(asio::awaitable<T> work, kept<T>& into, asio::cancellation_type cancelled_before,
                          asio::cancellation_signal& own) {
  co_await asio::this_coro::throw_if_cancelled(false);
  if (cancelled_before != asio::cancellation_type::none)
    own.emit(cancelled_before);
  if constexpr (std::is_void_v<T>) {
    co_await std::move(work);
    into.emplace(true);
  } else {
    auto value = co_await std::move(work);
    into.emplace(std::move(value));
  }
}

// Asio's own way to pass a cancellation on to a coroutine of another executor posts a pointer to what the caller frees
// as soon as that coroutine has ended (Boost 1.81). Here the signal lives until both have let go of it.
struct start {
  template <class Handler>
  void operator()(Handler&& handler) {
    auto const here = asio::get_associated_executor(handler);
    auto outer = asio::get_associated_cancellation_slot(handler);
    if (outer.is_connected())
      outer.assign([signal = inner, there = elsewhere](asio::cancellation_type type) {
        asio::post(there, [signal, type] { signal->emit(type); });
      });
    auto ended = [signal = inner, outer, then = std::forward<Handler>(handler)](std::exception_ptr thrown) mutable {
      if (outer.is_connected())
        outer.clear();
      std::move(then)(thrown);
    };
    asio::co_spawn(elsewhere, std::move(*work),
                   asio::bind_cancellation_slot(inner->slot(), asio::bind_executor(here, std::move(ended))));
  }

  asio::any_io_executor elsewhere;
  asio::awaitable<void>* work;
  std::shared_ptr<asio::cancellation_signal> inner;
};

} // namespace on_detail

// Runs `work` on another thread's executor, which runs one thing at a time, and comes back to the caller's with its
// value. What it borrows from the caller stays alive, for the caller waits. Cancellation is passed on, also one that
// came before.
template <class T>
boost::asio::awaitable<T> on(boost::asio::any_io_executor elsewhere, boost::asio::awaitable<T> work) {
  namespace asio = boost::asio;
  auto const caller = co_await asio::this_coro::cancellation_state;
  on_detail::kept<T> value;
  auto inner = std::make_shared<asio::cancellation_signal>();
  auto running = on_detail::run<T>(std::move(work), value, caller.cancelled(), *inner);
  on_detail::start const begin{std::move(elsewhere), &running, std::move(inner)};
  auto there = asio::async_initiate<asio::deferred_t const, void(std::exception_ptr)>(begin, asio::deferred);
  co_await std::move(there);
  if constexpr (!std::is_void_v<T>)
    co_return std::move(*value);
}

} // namespace statefund::task
