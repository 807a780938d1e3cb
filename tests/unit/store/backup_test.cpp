#include "clock/clock.hpp"
#include "store/memory_store.hpp"
#include "store/rocks_store.hpp"
#include "store/store_check.hpp"
#include "support/event_loop.hpp"
#include "support/temporary_directory.hpp"
#include "task/gate.hpp"

#include <rocksdb/env.h>

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace asio = boost::asio;
namespace fs = std::filesystem;
using namespace statefund;
using namespace statefund::store;
using namespace std::chrono_literals;

namespace {

message::address const alice{{"ns", "fn"}, "alice"};
message::egress_id const way{"out", "way"};

std::unique_ptr<rocks_store> open(fs::path const& directory, rocksdb::Env* environment = nullptr) {
  rocks_store_options chosen;
  chosen.database.directory = directory;
  if (environment)
    chosen.database.environment = environment;
  auto opened = rocks_store::open(chosen, [](error const& why) { FAIL(why.to_string()); });
  if (!opened)
    FAIL(opened.error().to_string());
  return std::move(*opened);
}

message::change writes(std::string const& bytes) {
  message::change whole;
  whole.self = alice;
  whole.states = {{"seen", message::stored_value{{"t", true, bytes}, 0}}};
  whole.egress_records = {{way, {"t", true, bytes}}};
  return whole;
}

message::change acknowledges(std::uint64_t through) {
  message::change whole;
  whole.departed = message::departure{way, through};
  return whole;
}

asio::awaitable<void> wait_until_durable(store::store& kept, ticket ordered) {
  auto const done = co_await kept.durable(ordered);
  CHECK(done.has_value());
}

asio::awaitable<void> back_up(store::store& kept, std::string directory, std::optional<result<backup_report>>& into) {
  auto told = co_await kept.back_up(std::move(directory));
  into.emplace(std::move(told));
}

asio::awaitable<void> read(store::store& kept, egress_page& into) {
  auto page = co_await kept.read_egress(way, 0, 100'000, 1U << 30U);
  CHECK(page.has_value());
  into = std::move(*page);
}

result<backup_report> backed_up(support::event_loop& loop, store::store& kept, fs::path const& directory) {
  std::optional<result<backup_report>> told;
  loop.run(back_up(kept, directory, told));
  REQUIRE(told.has_value());
  return *told;
}

egress_page records_of(support::event_loop& loop, store::store& kept) {
  loop.run(wait_until_durable(kept, kept.ordered_so_far()));
  egress_page page;
  loop.run(read(kept, page));
  return page;
}

std::string refused(support::event_loop& loop, store::store& kept, fs::path const& directory) {
  auto const told = backed_up(loop, kept, directory);
  REQUIRE_FALSE(told.has_value());
  CHECK(told.error().code == errc::backup_refused);
  return told.error().detail;
}

void check_is_clean(fs::path const& directory) {
  auto const told = check_store(directory);
  INFO((told ? "" : told.error().to_string()));
  REQUIRE(told.has_value());
  for (auto const& one : told->findings)
    FAIL_CHECK(one.table + ' ' + one.key + ": " + one.what);
}

// Writes down which files and directories were synced, but by RocksDB itself.
class syncs final : public rocksdb::EnvWrapper {
 public:
  syncs() : rocksdb::EnvWrapper(rocksdb::Env::Default()) {}

  rocksdb::Status NewRandomRWFile(std::string const& path, std::unique_ptr<rocksdb::RandomRWFile>* made,
                                  rocksdb::EnvOptions const& options) override {
    auto const done = target()->NewRandomRWFile(path, made, options);
    if (done.ok())
      *made = std::make_unique<file>(std::move(*made), path, synced);
    return done;
  }
  rocksdb::Status NewDirectory(std::string const& path, std::unique_ptr<rocksdb::Directory>* made) override {
    synced.insert(path); // nobody opens one for anything else
    return target()->NewDirectory(path, made);
  }

  std::set<std::string> synced;

 private:
  class file final : public rocksdb::RandomRWFileWrapper {
   public:
    file(std::unique_ptr<rocksdb::RandomRWFile> of, std::string path, std::set<std::string>& into)
        : rocksdb::RandomRWFileWrapper(of.get()),
          of_(std::move(of)),
          path_(std::move(path)),
          into_(into) {}
    rocksdb::Status Fsync() override {
      into_.insert(path_);
      return of_->Fsync();
    }

   private:
    std::unique_ptr<rocksdb::RandomRWFile> of_;
    std::string path_;
    std::set<std::string>& into_;
  };
};

// A disk that takes its time: the first file that is copied waits until it is let go.
class slow_disk final : public rocksdb::EnvWrapper {
 public:
  slow_disk() : rocksdb::EnvWrapper(rocksdb::Env::Default()) {}

  rocksdb::Status LinkFile(std::string const& from, std::string const& to) override {
    if (!began.exchange(true))
      may_go_on.get_future().wait_for(20s);
    return target()->LinkFile(from, to);
  }

  std::atomic<bool> began = false;
  std::promise<void> may_go_on;
};

struct running_store {
  support::event_loop loop;
  support::temporary_directory place;
  fs::path at = place.path() / "state";
  fs::path copy = place.path() / "copy";
  std::unique_ptr<rocks_store> kept = open(at);
};

} // namespace

TEST_CASE("a backup holds what was committed before, passes a check, and opens as a store") {
  running_store own;
  auto const written = own.kept->commit(writes("one"));
  own.loop.run(wait_until_durable(*own.kept, written));
  auto const told = backed_up(own.loop, *own.kept, own.copy);
  REQUIRE(told.has_value());
  CHECK(told->number == written.number() + 1); // its record's
  CHECK(told->bytes > 1000);
  own.kept->commit(writes("behind it"));

  check_is_clean(own.copy);
  CHECK(fs::status(own.copy).permissions() == fs::perms::owner_all);
  CHECK_FALSE(fs::exists(own.copy / "lock"));
  CHECK_FALSE(fs::exists(own.copy.string() + ".partial"));
  auto const restored = open(own.copy);
  auto const page = records_of(own.loop, *restored);
  REQUIRE(page.records.size() == 1);
  CHECK(page.records[0].value.bytes == "one");
  CHECK(records_of(own.loop, *own.kept).records.size() == 2);
}

TEST_CASE("every file and directory of a backup is synced before it is told") {
  support::event_loop loop;
  support::temporary_directory const place;
  syncs watched;
  auto opened = open(place.path() / "state", &watched);
  opened->commit(writes("one"));
  loop.run(wait_until_durable(*opened, opened->ordered_so_far()));
  watched.synced.clear();
  auto const copy = (place.path() / "copy").string();
  REQUIRE(backed_up(loop, *opened, copy).has_value());
  opened.reset();
  auto const is_synced = [&](fs::path const& one) {
    return watched.synced.contains(copy + ".partial" + one.string().substr(copy.size()));
  };
  CHECK(is_synced(copy));
  CHECK(watched.synced.contains(place.path().string()));
  std::size_t files_count = 0;
  for (auto const& one : fs::recursive_directory_iterator(copy)) {
    INFO(one.path().string());
    CHECK((is_synced(one.path()) || one.path().filename() == promise::file_name)); // which is written synced
    files_count += one.is_regular_file() ? 1 : 0;
  }
  CHECK(files_count >= 5); // promise, CURRENT, MANIFEST, OPTIONS, a table
}

TEST_CASE("its promise is its own: a copy that loses something does not open") {
  running_store own;
  own.kept->commit(writes("one"));
  own.loop.run(wait_until_durable(*own.kept, own.kept->ordered_so_far()));
  auto const told = backed_up(own.loop, *own.kept, own.copy);
  REQUIRE(told.has_value());
  auto const checked = check_store(own.copy);
  REQUIRE(checked.has_value());
  CHECK(checked->promised == told->number);
  CHECK(checked->last_number == told->number);
  for (auto const& one : fs::directory_iterator(own.copy / "db"))
    if (one.path().extension() == ".sst")
      fs::resize_file(one.path(), fs::file_size(one.path()) / 2);
  rocks_store_options chosen;
  chosen.database.directory = own.copy;
  CHECK_FALSE(rocks_store::open(chosen, [](error const&) {}).has_value());
}

TEST_CASE("a number that was shown before a restore is never given again") {
  running_store own;
  own.kept->commit(writes("kept"));
  own.loop.run(wait_until_durable(*own.kept, own.kept->ordered_so_far()));
  REQUIRE(backed_up(own.loop, *own.kept, own.copy).has_value());
  for (int i = 0; i < 100; ++i)
    own.kept->commit(writes("shown, and not in the backup"));
  auto const shown = records_of(own.loop, *own.kept);
  REQUIRE(shown.records.size() == 101);
  own.kept->commit(acknowledges(shown.last_sequence));
  own.kept.reset();

  own.loop.time().advance(1s);
  auto restored = open(own.copy);
  CHECK(records_of(own.loop, *restored).records.size() == 1);
  // A reader goes on with what it saw last, and neither sees an old number again nor removes what it never saw.
  auto const next = restored->commit(writes("new"));
  CHECK(next.number() > shown.last_sequence);
  auto const page = records_of(own.loop, *restored);
  REQUIRE(page.records.size() == 2);
  CHECK(page.records[1].sequence > shown.last_sequence);
  CHECK(page.records[1].value.bytes == "new");
  restored.reset();
  own.loop.time().advance(1s);
  check_is_clean(own.copy);
}

TEST_CASE("a backup under load is a prefix of the order, and holds what was durable before it began") {
  running_store own;
  std::atomic<bool> stops = false;
  std::atomic<int> committed = 0;
  std::thread load([&] {
    for (int i = 0; !stops && i < 50'000; ++i) {
      own.kept->commit(writes(std::to_string(i) + std::string(200, 'x')));
      committed = i + 1;
    }
  });
  auto const done = [&] {
    std::vector<std::uint64_t> least;
    for (int round = 0; round < 3; ++round) {
      while (committed < (round + 1) * 500)
        std::this_thread::yield();
      auto const before = committed.load();
      own.loop.run(wait_until_durable(*own.kept, own.kept->ordered_so_far()));
      auto const told = backed_up(own.loop, *own.kept, own.copy.string() + std::to_string(round));
      CHECK(told.has_value());
      least.push_back(static_cast<std::uint64_t>(before));
    }
    return least;
  }();
  stops = true;
  load.join();
  own.kept.reset();
  for (std::size_t round = 0; round < done.size(); ++round) {
    auto const copy = own.copy.string() + std::to_string(round);
    check_is_clean(copy);
    auto const restored = open(copy);
    auto const page = records_of(own.loop, *restored);
    CHECK(page.records.size() >= done[round]);
    for (std::size_t i = 0; i < page.records.size(); ++i)
      REQUIRE(page.records[i].value.bytes == std::to_string(i) + std::string(200, 'x'));
  }
}

TEST_CASE("a backup goes into a new directory, or an empty one, by an absolute path") {
  running_store own;
  auto const& root = own.place.path();
  CHECK(refused(own.loop, *own.kept, "copy") == "'copy' is no absolute path of a new directory");
  CHECK(refused(own.loop, *own.kept, "/") == "'/' is no absolute path of a new directory");
  CHECK(refused(own.loop, *own.kept, "") == "'' is no absolute path of a new directory");
  CHECK(refused(own.loop, *own.kept, own.at) == own.at.string() + " is there already, and is no empty directory");
  std::ofstream(root / "file") << "x";
  CHECK(refused(own.loop, *own.kept, root / "file") ==
        (root / "file").string() + " is there already, and is no empty directory");
  CHECK(refused(own.loop, *own.kept, root / "no" / "such") ==
        (root / "no" / "such.partial").string() + " cannot be made: No such file or directory");
  fs::create_directory(root / "half.partial");
  CHECK(refused(own.loop, *own.kept, root / "half") ==
        (root / "half.partial").string() + " is there, from a backup that did not end; remove it");
  fs::create_directory(root / "empty");
  CHECK(backed_up(own.loop, *own.kept, root / "empty" / "").has_value());
  check_is_clean(root / "empty");
  CHECK(fs::status(root / "empty").permissions() == fs::perms::owner_all);
  own.kept->commit(writes("the store goes on"));
  CHECK(records_of(own.loop, *own.kept).records.size() == 1);
}

TEST_CASE("one backup is made at a time, and another one afterwards") {
  running_store own;
  std::optional<result<backup_report>> first;
  std::optional<result<backup_report>> second;
  task::gate callers(own.loop.executor());
  callers.start(back_up(*own.kept, own.copy.string(), first));
  callers.start(back_up(*own.kept, own.copy.string() + "2", second));
  own.loop.run(callers.close());
  REQUIRE((first && second));
  CHECK(first->has_value());
  REQUIRE_FALSE(second->has_value());
  CHECK(second->error().code == errc::backup_under_way);
  CHECK(backed_up(own.loop, *own.kept, own.copy.string() + "2").has_value());
}

TEST_CASE("a backup whose caller is cancelled ends soon, and leaves nothing behind") {
  support::event_loop loop;
  support::temporary_directory const place;
  slow_disk disk;
  auto opened = open(place.path() / "state", &disk);
  auto& kept = *opened;
  kept.commit(writes("one"));
  loop.run(wait_until_durable(kept, kept.ordered_so_far()));

  std::optional<result<backup_report>> told;
  task::gate callers(loop.executor());
  callers.start(back_up(kept, place.path() / "copy", told));
  REQUIRE(loop.run_until([&] { return disk.began.load(); }));
  callers.cancel();
  loop.settle();
  CHECK_FALSE(told.has_value());
  disk.may_go_on.set_value();
  REQUIRE(loop.run_until([&] { return told.has_value(); }));
  loop.run(callers.close());
  REQUIRE_FALSE(told->has_value());
  CHECK(told->error().code == errc::backup_failed);
  CHECK(told->error().detail == "a copy of the files: Operation aborted: it is cancelled");
  CHECK_FALSE(fs::exists(place.path() / "copy"));
  CHECK_FALSE(fs::exists(place.path() / "copy.partial"));

  kept.commit(writes("two"));
  REQUIRE(backed_up(loop, kept, place.path() / "copy").has_value());
  CHECK(records_of(loop, kept).records.size() == 2);
  opened.reset();
  check_is_clean(place.path() / "copy");
}

TEST_CASE("the memory store has nothing to copy") {
  support::event_loop loop;
  support::temporary_directory const place;
  memory_store kept;
  auto const told = backed_up(loop, kept, place.path() / "copy");
  REQUIRE_FALSE(told.has_value());
  CHECK(told.error().code == errc::keeps_nothing);
  CHECK(told.error().detail == "the memory store has no files that could be copied");
  CHECK(fs::is_empty(place.path()));
}
