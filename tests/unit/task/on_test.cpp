#include "task/on.hpp"

#include "support/event_loop.hpp"
#include "task/event.hpp"
#include "task/gate.hpp"

#include <catch2/catch.hpp>

#include <boost/asio/io_context.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace statefund;
namespace asio = boost::asio;

namespace {

asio::awaitable<std::unique_ptr<std::string>> told(std::string text) {
  co_return std::make_unique<std::string>(std::move(text));
}

asio::awaitable<void> throws() {
  throw std::runtime_error("thrown there");
  co_return;
}

asio::awaitable<task::wait_end> wait_for(task::event& what) {
  co_return co_await what.wait(clock::deadline::never());
}

asio::awaitable<void> note(asio::any_io_executor there, task::event& what, task::event& next,
                           std::vector<task::wait_end>& ends) {
  auto const end = co_await task::on(there, wait_for(what));
  ends.push_back(end);
  auto const here = co_await next.wait(clock::deadline::never());
  ends.push_back(here);
}

asio::awaitable<void> wait_twice(asio::any_io_executor there, task::event& here, task::event& what,
                                 std::vector<task::wait_end>& ends) {
  auto const first = co_await here.wait(clock::deadline::never());
  ends.push_back(first);
  auto const second = co_await task::on(there, wait_for(what));
  ends.push_back(second);
}

asio::awaitable<void> take(asio::any_io_executor there, std::string& into) {
  auto const text = co_await task::on(there, told("there"));
  into = *text;
  try {
    co_await task::on(there, throws());
  } catch (std::runtime_error const& thrown) {
    into += std::string(", ") + thrown.what();
  }
}

} // namespace

TEST_CASE("a value and an exception come back from another executor") {
  support::event_loop loop;
  auto const there = loop.add_loop();
  std::string text;
  loop.run(take(there, text));
  CHECK(text == "there, thrown there");
}

TEST_CASE("a cancellation is passed on, wherever it finds what runs on the other executor") {
  asio::io_context here(1);
  asio::io_context there(1);
  auto const step = [](asio::io_context& one, int count) {
    one.restart();
    while (count-- > 0 && one.poll_one() > 0)
      ;
  };
  // How far each side is when the cancellation comes.
  for (int before = 0; before < 8; ++before)
    for (int after_end = 0; after_end < 5; ++after_end) {
      task::gate own(here.get_executor());
      task::event what(there.get_executor());
      task::event next(here.get_executor());
      std::vector<task::wait_end> ends;
      own.start(note(there.get_executor(), what, next, ends));
      step(here, 10);
      step(there, before);
      what.notify_all();
      step(there, after_end);
      own.cancel();
      for (int i = 0; i < 20; ++i) {
        step(here, 3);
        step(there, 3);
      }
      CHECK(ends.size() == 2);
      CHECK(ends.back() == task::wait_end::cancelled);
      CHECK(own.running_count() == 0);
    }
}

TEST_CASE("what begins on another executor is cancelled if its caller was cancelled before") {
  support::event_loop loop;
  auto const there = loop.add_loop();
  task::gate own(loop.executor());
  task::event here(loop.executor());
  task::event what(there);
  std::vector<task::wait_end> ends;
  own.start(wait_twice(there, here, what, ends));
  loop.settle();
  own.cancel();
  loop.settle();
  CHECK(ends == std::vector<task::wait_end>(2, task::wait_end::cancelled));
  what.notify_all();
  loop.settle();
}
