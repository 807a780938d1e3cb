#pragma once

#include "clock/deadline.hpp"
#include "error/result.hpp"
#include "task/errc.hpp"
#include "task/timer.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>

#include <memory>
#include <optional>
#include <tuple>
#include <utility>

namespace statefund::task {

namespace with_deadline_detail {

namespace asio = boost::asio;
using boost::system::error_code;

template <class Signature>
struct completion;
template <>
struct completion<void(error_code)> {
  using value = void;
};
template <class Value>
struct completion<void(error_code, Value)> {
  using value = Value;
};
template <class Operation>
using value_of = typename completion<typename asio::completion_signature_of<Operation>::type>::value;

// Resumes the coroutine; its type is known only where the operation starts.
struct continuation {
  virtual ~continuation() = default;
  virtual void resume() = 0;
};

// Lives in the coroutine's frame, which both completion handlers find alive: it goes on after the later of the two.
template <class Value>
struct race {
  race(asio::any_io_executor const& executor, clock::deadline until) : expiry(executor), deadline(until) {}

  void operation_ended() {
    operation_pending = false;
    expiry.cancel();
    if (!timer_pending)
      resume();
  }
  void timer_ended(error_code waited) {
    timer_pending = false;
    if (!operation_pending)
      return resume();
    if (!waited) {
      expired = true;
      cancel.emit(asio::cancellation_type::terminal);
    }
  }
  void resume() {
    if (outer.is_connected())
      outer.clear();
    auto const rest = std::move(then);
    rest->resume();
  }

  timer expiry;
  clock::deadline deadline;
  asio::cancellation_signal cancel;
  asio::cancellation_slot outer;
  std::unique_ptr<continuation> then;
  error_code code;
  std::optional<Value> value;
  bool operation_pending = true;
  bool timer_pending = false;
  bool expired = false;
};

template <class Value>
struct operation_handler {
  using executor_type = asio::any_io_executor;
  executor_type get_executor() const noexcept { return executor; }
  using cancellation_slot_type = asio::cancellation_slot;
  cancellation_slot_type get_cancellation_slot() const noexcept { return state->cancel.slot(); }

  template <class... Values>
  void operator()(error_code ended_with, Values&&... values) {
    state->code = ended_with;
    if constexpr (sizeof...(Values) == 1)
      state->value.emplace(std::forward<Values>(values)...);
    state->operation_ended();
  }

  race<Value>* state;
  asio::any_io_executor executor;
};

template <class Value>
struct timer_handler {
  using executor_type = asio::any_io_executor;
  executor_type get_executor() const noexcept { return executor; }
  void operator()(error_code waited) { state->timer_ended(waited); }

  race<Value>* state;
  asio::any_io_executor executor;
};

template <class Handler>
struct typed_continuation final : continuation {
  explicit typed_continuation(Handler&& to_resume) : handler(std::move(to_resume)) {}
  void resume() override {
    auto then = std::move(handler);
    std::move(then)();
  }
  Handler handler;
};

template <class Value, class Operation>
struct start_race {
  template <class Handler>
  void operator()(Handler&& handler) {
    auto const executor = state->expiry.get_executor();
    // The caller's cancellation is passed on for as long as the race runs.
    state->outer = asio::get_associated_cancellation_slot(handler);
    if (state->outer.is_connected())
      state->outer.assign([inner = &state->cancel](asio::cancellation_type type) { inner->emit(type); });
    state->then = std::make_unique<typed_continuation<std::decay_t<Handler>>>(std::forward<Handler>(handler));
    if (!state->deadline.is_never()) {
      state->timer_pending = true;
      state->expiry.expires_at(state->deadline.when());
      state->expiry.async_wait(timer_handler<Value>{state, executor});
    }
    std::move (*operation)(operation_handler<Value>{state, executor});
  }

  race<Value>* state;
  Operation* operation;
};

struct nothing {};

} // namespace with_deadline_detail

// The only place where a timer meets an operation. Awaits `operation`, an asio operation made with asio::deferred that
// completes with an error code and at most one value:
//
//   auto read = socket.async_read_some(buffer, asio::deferred);
//   result<std::size_t> const count = co_await with_deadline(std::move(read), until);
//
// When `until` passes first, the operation is cancelled *and waited for*, so that what it borrows (buffers, the socket)
// is free again when this returns; the error is then errc::deadline_reached, unless the operation had succeeded by
// itself in that moment. Cancellation of the calling coroutine goes to the operation and is seen as
// asio::error::operation_aborted; a coroutine that was cancelled before starts nothing.
// Runs on the coroutine's executor, which must be the single-threaded one of the operation's object.
template <class Operation>
auto with_deadline(Operation operation, clock::deadline until)
    -> boost::asio::awaitable<result<with_deadline_detail::value_of<Operation>>> {
  namespace asio = boost::asio;
  namespace detail = with_deadline_detail;
  using value = detail::value_of<Operation>;
  using stored = std::conditional_t<std::is_void_v<value>, detail::nothing, value>;

  auto const state_of_caller = co_await asio::this_coro::cancellation_state;
  if (state_of_caller.cancelled() != asio::cancellation_type::none)
    co_return error{asio::error::operation_aborted, {}};
  auto const executor = co_await asio::this_coro::executor;
  detail::race<stored> state(executor, until);
  detail::start_race<stored, Operation> const start{&state, &operation};
  auto both = asio::async_initiate<asio::deferred_t const, void()>(start, asio::deferred);
  co_await std::move(both);

  if (state.code) {
    if (state.expired && state.code == asio::error::operation_aborted)
      co_return error{errc::deadline_reached, {}};
    co_return error{state.code, {}};
  }
  if constexpr (std::is_void_v<value>)
    co_return result<value>{};
  else
    co_return result<value>{std::move(*state.value)};
}

} // namespace statefund::task
