#include "daemon/reloader.hpp"

#include "clock/deadline.hpp"
#include "task/on.hpp"

#include <utility>

namespace statefund::daemon {

namespace asio = boost::asio;

namespace {

asio::awaitable<result<loaded_modules>> load_here(std::function<result<loaded_modules>()> const& load) {
  co_return load();
}

} // namespace

reloader::reloader(asio::any_io_executor executor, steps to_do)
    : to_do_(std::move(to_do)),
      reader_(1),
      some_ended_(executor),
      running_(std::move(executor)) {}

void reloader::ask() {
  if (closed_)
    return;
  bool const runs = answered_count_ < asked_count_;
  ++asked_count_;
  if (!runs)
    running_.start(run());
}

asio::awaitable<std::optional<result<void>>> reloader::reload() {
  if (closed_)
    co_return std::nullopt;
  ask();
  auto const own = asked_count_;
  auto const never = clock::deadline::never();
  while (answered_count_ < own) {
    auto const end = co_await some_ended_.wait(never);
    if (end == task::wait_end::cancelled || (closed_ && answered_count_ < own))
      co_return std::nullopt;
  }
  co_return last_;
}

asio::awaitable<void> reloader::run() {
  while (!closed_ && answered_count_ < asked_count_) {
    auto const answers = asked_count_;
    to_do_.begins();
    auto load = load_here(to_do_.load);
    auto next = co_await task::on(reader_.get_executor(), std::move(load));
    if (next) {
      auto apply = to_do_.apply(std::move(*next));
      co_await std::move(apply);
      last_ = result<void>{};
    } else {
      last_ = next.error();
    }
    answered_count_ = answers;
    to_do_.ended(last_);
    some_ended_.notify_all();
  }
}

asio::awaitable<void> reloader::close() {
  closed_ = true;
  co_await running_.close();
  some_ended_.notify_all();
}

} // namespace statefund::daemon
