#include "error/ensure.hpp"
#include "task/errc.hpp"
#include "task/event.hpp"
#include "task/gate.hpp"
#include "task/with_deadline.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <exception>

namespace statefund::task {

namespace asio = boost::asio;

std::string_view room_of(errc) noexcept {
  return "task";
}

std::string_view describe(errc value) noexcept {
  switch (value) {
  case errc::deadline_reached:
    return "the deadline was reached";
  }
  return "unknown error";
}

boost::system::error_code make_error_code(errc value) noexcept {
  return error_category::code_of(value);
}

gate::gate(asio::any_io_executor executor)
    : executor_(std::move(executor)),
      all_ended_(executor_, clock::steady::time_point::max()) {}

gate::~gate() {
  ensure(running_.empty(), "a gate is closed, and its close awaited, before it is destroyed");
}

// Cancellation is seen as an error of what is awaited, never as an exception.
asio::awaitable<void> gate::run(running& self, asio::awaitable<void> task) {
  co_await asio::this_coro::throw_if_cancelled(false);
  self.began = true;
  if (self.cancelled)
    self.signal.emit(asio::cancellation_type::terminal);
  auto const executor = co_await asio::this_coro::executor;
  auto next = asio::post(executor, asio::deferred);
  co_await std::move(next);
  co_await std::move(task);
}

void gate::start(asio::awaitable<void> task) {
  ensure(!closed_, "nothing starts through a closed gate");
  auto const self = running_.emplace(running_.end());
  auto const ended_handler = [this, self](std::exception_ptr thrown) {
    ensure(thrown == nullptr, "a task handles its errors; none leaves it as an exception");
    ended(self);
  };
  asio::co_spawn(executor_, run(*self, std::move(task)),
                 asio::bind_cancellation_slot(self->signal.slot(), ended_handler));
}

void gate::cancel() {
  // A task may end, and leave the list, while it is being cancelled.
  for (auto next = running_.begin(); next != running_.end();) {
    auto const current = next++;
    if (current->began)
      current->signal.emit(asio::cancellation_type::terminal);
    else // asio ends the process over a coroutine that is cancelled before it has begun (Boost 1.81)
      current->cancelled = true;
  }
}

asio::awaitable<void> gate::close() {
  closed_ = true;
  while (!running_.empty()) {
    auto ended = all_ended_.async_wait(asio::as_tuple(asio::deferred));
    co_await std::move(ended);
  }
}

void gate::ended(tasks::iterator which) {
  running_.erase(which);
  if (running_.empty())
    all_ended_.cancel();
}

event::event(asio::any_io_executor const& executor) : never_(executor, clock::steady::time_point::max()) {}

asio::awaitable<wait_end> event::wait(clock::deadline until) {
  auto notified = never_.async_wait(asio::deferred);
  auto const waited = co_await with_deadline(std::move(notified), until);
  if (waited.has_error() && waited.error().code == errc::deadline_reached)
    co_return wait_end::deadline_reached;
  auto const caller = co_await asio::this_coro::cancellation_state;
  co_return caller.cancelled() == asio::cancellation_type::none ? wait_end::notified : wait_end::cancelled;
}

void event::notify_all() {
  never_.cancel();
}

} // namespace statefund::task
