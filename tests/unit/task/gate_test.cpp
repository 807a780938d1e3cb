#include "support/event_loop.hpp"
#include "task/event.hpp"
#include "task/gate.hpp"

#include <catch2/catch.hpp>

namespace asio = boost::asio;
using namespace statefund;
using namespace std::chrono_literals;
using clock::deadline;

namespace {

asio::awaitable<void> wait_for(task::event& happening, deadline until, std::vector<task::wait_end>& ends) {
  ends.push_back(co_await happening.wait(until));
}

asio::awaitable<void> close(task::gate& gate, bool& closed) {
  co_await gate.close();
  closed = true;
}

} // namespace

TEST_CASE("a gate's close ends when the last task has ended") {
  support::event_loop loop;
  task::event happening(loop.executor());
  std::vector<task::wait_end> ends;
  task::gate gate(loop.executor());
  task::gate closer(loop.executor());
  gate.start(wait_for(happening, deadline::never(), ends));
  gate.start(wait_for(happening, deadline::never(), ends));
  bool closed = false;
  closer.start(close(gate, closed));
  loop.settle();
  CHECK(gate.closed());
  CHECK_FALSE(closed);
  happening.notify_all();
  REQUIRE(loop.run_until([&] { return closed; }));
  CHECK(ends == std::vector{task::wait_end::notified, task::wait_end::notified});
}

TEST_CASE("a closer that was cancelled still waits for the tasks") {
  support::event_loop loop;
  task::event happening(loop.executor());
  std::vector<task::wait_end> ends;
  task::gate gate(loop.executor());
  task::gate closer(loop.executor());
  gate.start(wait_for(happening, deadline::never(), ends));
  bool closed = false;
  closer.start(close(gate, closed));
  loop.settle();
  closer.cancel();
  loop.settle();
  CHECK_FALSE(closed);
  happening.notify_all();
  REQUIRE(loop.run_until([&] { return closed && closer.running_count() == 0; }));
}

namespace {

asio::awaitable<void> start_and_cancel(task::gate& gate, task::event& happening, std::vector<task::wait_end>& ends) {
  gate.start(wait_for(happening, deadline::never(), ends));
  gate.cancel();
  gate.start(wait_for(happening, deadline::never(), ends));
  co_return;
}

} // namespace

TEST_CASE("a task that is cancelled before it has begun finds itself cancelled, and the next one does not") {
  support::event_loop loop;
  task::event happening(loop.executor());
  std::vector<task::wait_end> ends;
  task::gate gate(loop.executor());
  loop.run(start_and_cancel(gate, happening, ends));
  loop.settle();
  CHECK(ends == std::vector{task::wait_end::cancelled});
  happening.notify_all();
  loop.settle();
  CHECK(ends == std::vector{task::wait_end::cancelled, task::wait_end::notified});
  CHECK(gate.running_count() == 0);
}

TEST_CASE("waiting for an event ends at its deadline, by a notification, or by cancellation, and says which") {
  support::event_loop loop;
  task::event happening(loop.executor());
  std::vector<task::wait_end> ends;
  task::gate gate(loop.executor());
  gate.start(wait_for(happening, deadline::after(1s), ends));
  loop.advance(1s);
  REQUIRE(loop.run_until([&] { return ends.size() == 1; }));
  gate.start(wait_for(happening, deadline::after(1s), ends));
  loop.settle();
  happening.notify_all();
  REQUIRE(loop.run_until([&] { return ends.size() == 2; }));
  gate.start(wait_for(happening, deadline::after(1s), ends));
  loop.settle();
  gate.cancel();
  REQUIRE(loop.run_until([&] { return ends.size() == 3; }));
  CHECK(ends == std::vector{task::wait_end::deadline_reached, task::wait_end::notified, task::wait_end::cancelled});
  loop.settle();
  CHECK(gate.running_count() == 0);
}
