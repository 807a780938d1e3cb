#include "systemd/signals.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <catch2/catch.hpp>

#include <csignal>
#include <future>
#include <vector>

using statefund::systemd::signals;
namespace asio = boost::asio;

namespace {

asio::awaitable<void> collect(signals& all, std::size_t count, std::vector<int>& into) {
  while (into.size() < count)
    into.push_back(co_await all.wait());
}

struct waiting {
  asio::io_context loop;
  signals all{loop.get_executor(), {SIGTERM, SIGINT, SIGHUP}};
  std::vector<int> seen;
  std::exception_ptr failure;

  void expect(std::size_t count) {
    asio::co_spawn(loop, collect(all, count, seen), [this](std::exception_ptr thrown) { failure = thrown; });
  }
  void run() {
    loop.restart();
    loop.run_for(std::chrono::seconds(10));
    CHECK_FALSE(failure);
  }
};

} // namespace

TEST_CASE("each of its signals ends a wait with its number") {
  waiting process;
  process.expect(3);
  process.loop.poll();
  std::raise(SIGTERM);
  std::raise(SIGINT);
  std::raise(SIGHUP);
  process.run();
  std::sort(process.seen.begin(), process.seen.end());
  CHECK(process.seen == std::vector<int>{SIGHUP, SIGINT, SIGTERM});
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
  process.all.cancel();
  process.run();
  CHECK(process.seen == std::vector<int>{0});
  process.expect(2);
  std::raise(SIGINT);
  process.run();
  CHECK(process.seen == std::vector<int>{0, SIGINT});
}
