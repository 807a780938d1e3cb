#include "systemd/stop_signals.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <catch2/catch.hpp>

#include <csignal>
#include <future>
#include <vector>

using statefund::systemd::stop_signals;
namespace asio = boost::asio;

namespace {

asio::awaitable<void> collect(stop_signals& signals, std::size_t count, std::vector<int>& into) {
  while (into.size() < count)
    into.push_back(co_await signals.wait());
}

struct waiting {
  asio::io_context loop;
  stop_signals signals{loop.get_executor()};
  std::vector<int> seen;
  std::exception_ptr failure;

  void expect(std::size_t count) {
    asio::co_spawn(loop, collect(signals, count, seen), [this](std::exception_ptr thrown) { failure = thrown; });
  }
  void run() {
    loop.restart();
    loop.run_for(std::chrono::seconds(10));
    CHECK_FALSE(failure);
  }
};

} // namespace

TEST_CASE("SIGTERM and SIGINT end a wait with their number") {
  waiting process;
  process.expect(2);
  process.loop.poll();
  std::raise(SIGTERM);
  std::raise(SIGINT);
  process.run();
  std::sort(process.seen.begin(), process.seen.end());
  CHECK(process.seen == std::vector<int>{SIGINT, SIGTERM});
}

TEST_CASE("a signal that comes while nobody waits is kept") {
  waiting process;
  std::raise(SIGTERM);
  process.expect(1);
  process.run();
  CHECK(process.seen == std::vector<int>{SIGTERM});
}

TEST_CASE("a cancelled wait ends with no signal, and a later one hears again") {
  waiting process;
  process.expect(1);
  process.loop.poll();
  process.signals.cancel();
  process.run();
  CHECK(process.seen == std::vector<int>{0});
  process.expect(2);
  std::raise(SIGINT);
  process.run();
  CHECK(process.seen == std::vector<int>{0, SIGINT});
}
