#include "catalog/errc.hpp"
#include "daemon/reloader.hpp"
#include "support/event_loop.hpp"

#include <catch2/catch.hpp>

#include <condition_variable>
#include <mutex>
#include <vector>

using namespace statefund;
using namespace statefund::support;
namespace asio = boost::asio;

namespace {

using loaded = result<daemon::loaded_modules>;

// A module directory that is read when the test lets it be.
class held_directory {
 public:
  loaded load() {
    std::unique_lock lock(mutex_);
    ++begun_count_;
    changed_.wait(lock, [this] { return allowed_count_ > 0; });
    --allowed_count_;
    if (broken_)
      return error{catalog::errc::directory_missing, "/gone"};
    return daemon::loaded_modules{catalog::snapshot::make(std::vector<catalog::file_text>{}, ++generation_), {}};
  }
  void allow(int count = 1) {
    std::lock_guard const lock(mutex_);
    allowed_count_ += count;
    changed_.notify_all();
  }
  void break_it(bool broken) {
    std::lock_guard const lock(mutex_);
    broken_ = broken;
  }
  int begun_count() {
    std::lock_guard const lock(mutex_);
    return begun_count_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int allowed_count_ = 0;
  int begun_count_ = 0;
  std::uint64_t generation_ = 0;
  bool broken_ = false;
};

struct reloading {
  event_loop loop;
  held_directory directory;
  std::vector<std::uint64_t> applied;
  std::vector<std::string> told;
  daemon::reloader reloads{loop.executor(),
                           {[this] { return directory.load(); },
                            [this](daemon::loaded_modules next) { return apply(std::move(next)); },
                            [this] { told.emplace_back("begins"); },
                            [this](result<void> const& end) { told.emplace_back(end ? "done" : "failed"); }}};
  task::gate askers{loop.executor()};

  ~reloading() {
    directory.allow(100);
    loop.run(reloads.close());
    loop.run(askers.close());
  }

  asio::awaitable<void> apply(daemon::loaded_modules next) {
    applied.push_back(next.snapshot->generation());
    co_return;
  }
  asio::awaitable<void> ask_and_keep(std::vector<std::optional<result<void>>>& into) {
    auto end = co_await reloads.reload();
    into.push_back(std::move(end));
  }
};

} // namespace

TEST_CASE("whoever asks during a reload is answered by the next one, together with all others who ask meanwhile") {
  std::vector<std::optional<result<void>>> answers;
  reloading on;
  on.askers.start(on.ask_and_keep(answers));
  REQUIRE(on.loop.run_until([&] { return on.directory.begun_count() == 1; }));
  for (int i = 0; i < 5; ++i)
    on.askers.start(on.ask_and_keep(answers));
  on.reloads.ask();
  on.loop.settle();
  CHECK(answers.empty());

  on.directory.allow();
  REQUIRE(on.loop.run_until([&] { return on.directory.begun_count() == 2 && answers.size() == 1; }));
  CHECK(on.applied == std::vector<std::uint64_t>{1});

  on.directory.allow();
  REQUIRE(on.loop.run_until([&] { return answers.size() == 6; }));
  on.loop.settle();
  CHECK(on.applied == std::vector<std::uint64_t>{1, 2});
  CHECK(on.directory.begun_count() == 2);
  CHECK(on.told == std::vector<std::string>{"begins", "done", "begins", "done"});
  for (auto const& each : answers)
    CHECK((each && each->has_value()));
}

TEST_CASE("a directory that cannot be read changes nothing, is told to who asked, and the next reload works") {
  std::vector<std::optional<result<void>>> answers;
  reloading on;
  on.directory.break_it(true);
  on.directory.allow();
  on.askers.start(on.ask_and_keep(answers));
  REQUIRE(on.loop.run_until([&] { return answers.size() == 1; }));
  REQUIRE((answers[0] && answers[0]->has_error()));
  CHECK(answers[0]->error().code == catalog::errc::directory_missing);
  CHECK(on.applied.empty());

  on.directory.break_it(false);
  on.directory.allow();
  on.askers.start(on.ask_and_keep(answers));
  REQUIRE(on.loop.run_until([&] { return answers.size() == 2; }));
  CHECK((answers[1] && answers[1]->has_value()));
  CHECK(on.applied == std::vector<std::uint64_t>{1});
  CHECK(on.told == std::vector<std::string>{"begins", "failed", "begins", "done"});
}

TEST_CASE("closing lets a reload that runs end, and begins none") {
  std::vector<std::optional<result<void>>> answers;
  reloading on;
  on.askers.start(on.ask_and_keep(answers));
  REQUIRE(on.loop.run_until([&] { return on.directory.begun_count() == 1; }));
  on.askers.start(on.ask_and_keep(answers));
  on.askers.start(on.reloads.close());
  on.loop.settle();
  on.directory.allow();
  REQUIRE(on.loop.run_until([&] { return answers.size() == 2; }));
  CHECK((answers[0] && answers[0]->has_value()));
  CHECK_FALSE(answers[1].has_value());
  CHECK(on.directory.begun_count() == 1);
  on.reloads.ask();
  on.askers.start(on.ask_and_keep(answers));
  REQUIRE(on.loop.run_until([&] { return answers.size() == 3; }));
  CHECK_FALSE(answers[2].has_value());
  CHECK(on.directory.begun_count() == 1);
}
