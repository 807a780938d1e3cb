#include "log/capture.hpp"
#include "store/delayed_table.hpp"
#include "store/head_table.hpp"
#include "store/rocks_store.hpp"
#include "store/state_table.hpp"
#include "store/tables.hpp"
#include "task/gate.hpp"

#include "support/event_loop.hpp"
#include "support/temporary_directory.hpp"
#include "unit/store/store_contract.hpp"

#include <catch2/catch.hpp>

#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <thread>

using namespace statefund;
namespace asio = boost::asio;

namespace {

std::unique_ptr<store::rocks_store> open(std::filesystem::path const& directory,
                                         store::rocks_store_options chosen = {}) {
  chosen.database.directory = directory;
  auto opened = store::rocks_store::open(chosen, [](error const& why) { FAIL(why.to_string()); });
  if (!opened)
    FAIL(opened.error().to_string());
  return std::move(*opened);
}

error refused(std::filesystem::path const& directory) {
  store::rocks_store_options chosen;
  chosen.database.directory = directory;
  auto const opened = store::rocks_store::open(chosen, [](error const&) {});
  REQUIRE_FALSE(opened.has_value());
  return opened.error();
}

message::address const alice{{"ns", "fn"}, "alice"};

message::change sets(message::address const& self, std::string const& name,
                     std::optional<message::stored_value> value) {
  message::change whole;
  whole.self = self;
  whole.states.push_back({name, std::move(value)});
  return whole;
}

asio::awaitable<void> keep_durable(store::store& kept, store::ticket ordered, bool& done) {
  auto const end = co_await kept.durable(ordered);
  done = end.has_value();
}

std::optional<message::stored_value> read_one(support::event_loop& loop, store::store& from,
                                              message::address const& self, std::string const& name) {
  message::state_specs const wanted{{name, "", {}}};
  std::optional<message::stored_value> found;
  auto const read = [](store::store& kept, message::address const& whose, message::state_specs const& names,
                       std::optional<message::stored_value>& into) -> asio::awaitable<void> {
    auto values = co_await kept.read(whose, names);
    into = (*values)[0];
  };
  loop.run(read(from, self, wanted, found));
  return found;
}

// More of them than RocksDB opens by itself at a start (16).
void divide_into_files(std::filesystem::path const& database, std::set<std::string_view> const& tables) {
  rocksdb::Options options;
  options.compression = rocksdb::kNoCompression;
  options.target_file_size_base = 4096;
  std::vector<std::string> names;
  REQUIRE(rocksdb::DB::ListColumnFamilies(options, database, &names).ok());
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (auto const& name : names)
    families.emplace_back(name, options);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  REQUIRE(rocksdb::DB::Open(options, database, families, &handles, &opened).ok());
  std::unique_ptr<rocksdb::DB> const own(opened);
  rocksdb::CompactRangeOptions whole;
  whole.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  std::map<std::string, std::size_t> files_count;
  for (auto* const family : handles)
    if (tables.contains(family->GetName()))
      CHECK(own->CompactRange(whole, family, nullptr, nullptr).ok());
  std::vector<rocksdb::LiveFileMetaData> files;
  own->GetLiveFilesMetaData(&files);
  for (auto const& file : files)
    ++files_count[file.column_family_name];
  for (auto const table : tables)
    CHECK(files_count[std::string(table)] > 32);
  for (auto* const family : handles)
    CHECK(own->DestroyColumnFamilyHandle(family).ok());
}

std::size_t count_delayed(support::event_loop& loop, store::store& from, std::uint32_t partition) {
  std::size_t count = 0;
  auto const read = [](store::store& kept, std::uint32_t of, std::size_t& into) -> asio::awaitable<void> {
    auto const rows = co_await kept.read_delayed(of, {INT64_MIN, {}}, {INT64_MAX, {}}, SIZE_MAX, UINT64_MAX);
    into = rows.has_value() ? rows->size() : 0;
  };
  loop.run(read(from, partition, count));
  return count;
}

} // namespace

TEST_CASE("the rocks store keeps the contract of a store") {
  support::temporary_directory const place;
  int count = 0;
  auto const make = [&](store_contract::chosen const& options) {
    store::rocks_store_options chosen;
    chosen.keys_max = options.keys_max;
    chosen.dead_letters_max = options.dead_letters_max;
    chosen.dead_letters_bytes_max = options.dead_letters_bytes_max;
    return open(place.path() / std::to_string(count++), chosen);
  };
  SECTION("of one thread") {
    store_contract::single_thread(make);
  }
  SECTION("of bounds") {
    store_contract::bounds(make);
  }
  SECTION("of several threads") {
    store_contract::many_threads(make);
  }
}

TEST_CASE("the rocks store keeps the contract over restarts") {
  support::temporary_directory const place;
  store_contract::over_restarts([&](support::event_loop&) { return open(place.path() / "state"); });
}

TEST_CASE("a data directory is the daemon's own, and one process's") {
  support::temporary_directory const place;
  auto const directory = place.path() / "state";
  SECTION("it is made for nobody else to read") {
    auto const own = open(directory);
    struct stat found {};
    REQUIRE(::stat(directory.c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0700);
    CHECK_FALSE(std::filesystem::exists(directory / "db" / "LOG")); // it ends the process on a disk that is full
  }
  SECTION("one that others may read is shut") {
    std::filesystem::create_directory(directory);
    ::chmod(directory.c_str(), 0755);
    auto const own = open(directory);
    struct stat found {};
    REQUIRE(::stat(directory.c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0700);
  }
  SECTION("one that others may read, and that holds something else, is left as it is") {
    std::filesystem::create_directory(directory);
    std::filesystem::create_directory(directory / "lost+found"); // where a file system is mounted
    std::ofstream(directory / "letters") << "x";
    ::chmod(directory.c_str(), 0755);
    auto const why = refused(directory);
    CHECK(why.code == store::errc::directory_unusable);
    CHECK(why.detail == directory.string() +
                            " is open to others and holds letters, which is not statefund's; the store "
                            "needs a directory of its own");
    struct stat found {};
    REQUIRE(::stat(directory.c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0755);
    std::filesystem::remove(directory / "letters");
    CHECK(open(directory));
    ::chmod(directory.c_str(), 0755);
    CHECK(open(directory));
  }
  SECTION("one that cannot be written is not taken for one that is open elsewhere") {
    std::filesystem::create_directories(directory / "lock"); // root may write anywhere: a name that is taken
    auto const why = refused(directory);
    CHECK(why.code == store::errc::directory_unusable);
    CHECK(why.detail == (directory / "lock").string() + ": Is a directory");
  }
  SECTION("while it is open nobody else opens it, and afterwards it can be opened again") {
    auto own = open(directory);
    CHECK(refused(directory).code == store::errc::in_use);
    own.reset();
    CHECK(open(directory));
  }
  SECTION("a file in its place is no directory") {
    std::ofstream(directory) << "x";
    auto const why = refused(directory);
    CHECK(why.code == store::errc::directory_unusable);
    CHECK(why.detail == directory.string() + " is not a directory");
  }
}

TEST_CASE("a directory that a newer version has written is refused, and left as it is") {
  support::temporary_directory const place;
  { auto const own = open(place.path()); }
  {
    rocksdb::Options options;
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (auto const name : store::table_names)
      families.emplace_back(std::string(name), options);
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* opened = nullptr;
    REQUIRE(rocksdb::DB::Open(options, place.path() / "db", families, &handles, &opened).ok());
    std::unique_ptr<rocksdb::DB> const own(opened);
    CHECK(own->Put({}, store::head_table::format_key, store::head_table::value_of(store::head_table::format{2, 256}))
              .ok());
    for (auto* const family : handles)
      CHECK(own->DestroyColumnFamilyHandle(family).ok());
  }
  for (int start = 0; start < 2; ++start)
    CHECK(refused(place.path()).code == store::errc::format_newer);
}

TEST_CASE("numbers go on where they were, also after the clock was set back") {
  support::temporary_directory const place;
  std::optional<support::event_loop> loop(std::in_place);
  loop->advance(std::chrono::hours(1000));
  auto own = open(place.path() / "state");
  auto const number = own->commit(sets(alice, "s", {{{"t", true, "1"}, 0}})).number();
  own.reset();
  loop.reset();
  loop.emplace(); // as the first one was before it was moved on
  own = open(place.path() / "state");
  CHECK(own->ordered_so_far().number() == number);
  CHECK(own->commit(sets(alice, "s", {{{"t", true, "2"}, 0}})).number() > number);
}

TEST_CASE("a state that leaves memory is read back as it was changed last, whatever is written by then") {
  support::temporary_directory const place;
  support::event_loop loop;
  store::rocks_store_options chosen;
  chosen.cache_bytes_max = 1; // whatever can be read back leaves at once
  auto own = open(place.path() / "state", chosen);
  std::map<std::pair<int, int>, std::optional<message::stored_value>> model;
  std::minstd_rand random(7);
  auto const hour_later_ms = clock::unix_ms() + 3'600'000;
  auto const any = [&](int count) { return static_cast<int>(random() % static_cast<unsigned>(count)); };
  for (int i = 0; i < 5000; ++i) {
    int const address = any(20);
    int const state = any(3);
    message::address const self{{"ns", "fn"}, std::to_string(address)};
    auto const name = std::to_string(state);
    auto& expected = model[{address, state}];
    if (any(2) == 0) {
      expected = any(4) == 0
                     ? std::nullopt
                     : std::optional(message::stored_value{{"t", true, std::to_string(i)}, any(2) * hour_later_ms});
      own->commit(sets(self, name, expected));
    } else {
      auto const found = read_one(loop, *own, self, name);
      CAPTURE(i, address, state);
      REQUIRE(found == expected);
    }
    if (any(1000) == 0) {
      own.reset();
      own = open(place.path() / "state", chosen);
    }
  }
}

TEST_CASE("rows that lie in several files are all read, whichever of the files are open") {
  support::temporary_directory const place;
  support::event_loop loop;
  constexpr std::uint32_t partitions_count = 8;
  constexpr std::size_t addresses_count = 400;
  message::typed_value const value{"t", true, std::string(1000, 'x')};
  {
    store::rocks_store_options chosen;
    chosen.database.partition_count = partitions_count;
    auto const own = open(place.path(), chosen);
    for (std::size_t i = 0; i < addresses_count; ++i) {
      auto whole = sets({alice.type, std::to_string(i)}, "kept", {{value, 0}});
      whole.delayed_set.push_back({7, "", {alice, std::nullopt, value}});
      own->commit(whole);
    }
  }
  divide_into_files(place.path() / "db", {store::state_table::name, store::delayed_table::name});
  auto const own = open(place.path());
  std::size_t delayed_found = 0;
  for (std::uint32_t partition = 0; partition < partitions_count; ++partition)
    delayed_found += count_delayed(loop, *own, partition);
  CHECK(delayed_found == addresses_count);
  std::size_t states_found = 0;
  for (std::size_t i = 0; i < addresses_count; ++i) {
    auto const kept = read_one(loop, *own, {alice.type, std::to_string(i)}, "kept");
    states_found += kept && kept->value == value ? 1 : 0;
  }
  CHECK(states_found == addresses_count);
}

TEST_CASE("with any setting of sync what was ordered is there after a stop") {
  support::temporary_directory const place;
  support::event_loop loop;
  store::rocks_store_options chosen;
  chosen.sync.mode = GENERATE(store::sync_mode::always, store::sync_mode::interval, store::sync_mode::never);
  chosen.sync.interval = std::chrono::milliseconds(5);
  auto own = open(place.path() / "state", chosen);
  bool done = false;
  for (int i = 0; i < 100; ++i) {
    auto const ordered = own->commit(sets(alice, "s", {{{"t", true, std::to_string(i)}, 0}}));
    loop.run(keep_durable(*own, ordered, done));
    REQUIRE(done);
    REQUIRE(own->is_written(ordered));
  }
  CHECK(own->work()->commit_changes.sum == 100);
  CHECK(own->unsynced().bytes == 0);
  own.reset();
  own = open(place.path() / "state", chosen);
  CHECK(read_one(loop, *own, alice, "s")->value.bytes == "99");
}

TEST_CASE("a loss is accepted by its number, and by that number no other one") {
  support::temporary_directory const place;
  support::event_loop loop;
  auto const directory = place.path() / "state";
  store::rocks_store_options chosen;
  auto const change = [&] {
    auto const own = open(directory, chosen);
    bool done = false;
    loop.run(keep_durable(*own, own->commit(sets(alice, "seen", message::stored_value{{"int", true, "1"}, {}})), done));
    CHECK(done);
    return own->ordered_so_far().number();
  };
  auto const lose_the_log = [&] {
    std::set<std::filesystem::path> log;
    for (auto const& one : std::filesystem::directory_iterator(directory / "db"))
      if (one.path().extension() == ".log")
        log.insert(one.path());
    for (auto const& one : log)
      std::filesystem::remove(one);
  };
  auto const refusal = [&] {
    chosen.database.directory = directory;
    auto const opened = store::rocks_store::open(chosen, [](error const&) {});
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().code == store::errc::promise_broken);
    return opened.error().detail;
  };
  auto const kept = change(); // and a table of it is made by the next start
  auto const lost = change();
  lose_the_log();
  auto const numbers = " holds changes up to number " + std::to_string(kept) + ", and was durable up to " +
                       std::to_string(lost) + "; only store.accept_loss=" + std::to_string(kept) +
                       " starts with what is left";
  CHECK(refusal() == directory.string() + numbers);
  chosen.database.accept_loss = lost;
  CHECK(refusal() == directory.string() + numbers + ", and it is " + std::to_string(lost));
  chosen.database.accept_loss = kept;
  {
    log::capture const told;
    auto const own = open(directory, chosen);
    CHECK(own->ordered_so_far().number() == lost + 1); // what somebody has seen is not given again
    CHECK(told.count(number::store_promise_broken) == 1);
  }
  change();
  lose_the_log();
  CHECK(refusal().find(" holds changes up to number " + std::to_string(lost + 1) + ",") != std::string::npos);
}

TEST_CASE("what cannot be looked at is not taken for missing") {
  support::temporary_directory const place;
  auto const directory = place.path() / "state";
  open(directory);
  auto const database = directory / "db";
  std::filesystem::rename(database, place.path() / "elsewhere");
  std::filesystem::create_symlink("db", database); // leads to itself
  auto const why = refused(directory);
  CHECK(why.code == store::errc::directory_unusable);
  CHECK(why.detail == database.string() + ": Too many levels of symbolic links");
  std::filesystem::remove(database);
  std::filesystem::create_symlink(place.path() / "elsewhere", database);
  CHECK(open(directory));
}

TEST_CASE("where nothing is synced, a page of the log that is lost leaves what was before it") {
  support::temporary_directory const place;
  support::event_loop loop;
  store::rocks_store_options chosen;
  chosen.sync.mode = store::sync_mode::never;
  constexpr int count = 10;
  auto const killed = place.path() / "killed";
  {
    auto const own = open(place.path() / "state", chosen);
    for (int i = 0; i < count; ++i) {
      bool done = false;
      // Of several blocks each, so that a lost page leaves a batch without its middle.
      message::stored_value const value{{"t", true, std::string(100'000, static_cast<char>('a' + i))}, {}};
      loop.run(keep_durable(*own, own->commit(sets(alice, std::to_string(i), value)), done));
      CHECK(done);
    }
    std::filesystem::copy(place.path() / "state", killed, std::filesystem::copy_options::recursive);
  }
  std::filesystem::path log;
  for (auto const& one : std::filesystem::directory_iterator(killed / "db"))
    if (one.path().extension() == ".log" && one.file_size() > 0)
      log = one.path();
  for (int batch = 0; batch < count; ++batch) {
    INFO("batch " << batch);
    auto const cut = place.path() / ("cut" + std::to_string(batch));
    std::filesystem::copy(killed, cut, std::filesystem::copy_options::recursive);
    {
      std::fstream file(cut / "db" / log.filename(), std::ios::binary | std::ios::in | std::ios::out);
      file.seekp((batch * 100'000 + 50'000) / 4096 * 4096);
      file << std::string(4096, '\0');
    }
    auto const own = open(cut, chosen);
    for (int i = 0; i < count; ++i)
      CHECK(read_one(loop, *own, alice, std::to_string(i)).has_value() == (i < batch));
  }
}

TEST_CASE("what nobody waits for is written all the same, and so is what comes behind it") {
  support::temporary_directory const place;
  support::event_loop loop;
  auto const own = open(place.path() / "state");
  store::ticket last;
  for (int i = 0; i < 3; ++i) {
    last = own->commit(sets(alice, "seen", message::stored_value{{"int", true, std::to_string(i)}, {}}));
    CHECK(loop.run_until([&] { return own->is_written(last); }));
  }
  CHECK(own->unsynced().bytes == 0);
  bool done = false;
  loop.run(keep_durable(*own, last, done));
  CHECK(done);
}

TEST_CASE("changes that are not durable are counted, and are not any more once they are") {
  support::temporary_directory const place;
  support::event_loop loop;
  auto const own = open(place.path() / "state");
  store::ticket last;
  std::uint64_t count_seen = 0;
  for (int i = 0; i < 1000; ++i) {
    last = own->commit(sets(alice, "seen", message::stored_value{{"int", true, std::to_string(i)}, {}}));
    count_seen = std::max(count_seen, own->unsynced().changes_count);
  }
  CHECK(count_seen > 0);
  CHECK(count_seen <= 1000);
  bool done = false;
  loop.run(keep_durable(*own, last, done));
  REQUIRE(done);
  CHECK(own->unsynced().bytes == 0);
  CHECK(own->unsynced().changes_count == 0);
}

TEST_CASE("who waits for the disk is counted, until it is done or the wait is cancelled") {
  support::temporary_directory const place;
  support::event_loop loop;
  auto const own = open(place.path() / "state");
  CHECK(own->waiting_count() == 0);
  auto const ordered = own->commit(sets(alice, "seen", message::stored_value{{"int", true, "1"}, {}}));
  store::ticket const never_ordered(ordered.number() + 1'000'000'000);
  bool waits_in_vain = false;
  task::gate waiting(loop.executor());
  waiting.start(keep_durable(*own, never_ordered, waits_in_vain));
  bool done = false;
  loop.run(keep_durable(*own, ordered, done));
  REQUIRE(done);
  CHECK(own->waiting_count() == 1);
  waiting.cancel();
  CHECK(loop.run_until([&] { return own->waiting_count() == 0; }));
  CHECK_FALSE(waits_in_vain);
}

TEST_CASE("an acknowledgement of many records is ordered in parts, and removes all of them") {
  support::temporary_directory const place;
  support::event_loop loop;
  message::egress_id const way{"ns", "out"};
  auto own = open(place.path() / "state");
  auto const left = [&] {
    std::size_t count = 0;
    auto const read = [](store::store& from, message::egress_id const& egress,
                         std::size_t& into) -> asio::awaitable<void> {
      auto const page = co_await from.read_egress(egress, 0, 10'000, 1U << 20U);
      into = page->records.size();
    };
    loop.run(read(*own, way, count));
    return count;
  };
  message::change many;
  many.self = alice;
  many.egress_records.assign(3000, {way, {"t", true, "record"}});
  auto const written = own->commit(many);
  bool done = false;
  loop.run(keep_durable(*own, written, done));
  REQUIRE(done);
  REQUIRE(left() == 3000);
  auto const changes_before = own->work()->commit_changes.sum;

  message::change taken;
  taken.departed = message::departure{way, own->ordered_so_far().number() - 1};
  auto const removed = own->commit(taken);
  CHECK(own->find_account(way)->records_count == 1);
  done = false;
  loop.run(keep_durable(*own, removed, done));
  REQUIRE(done);
  CHECK(own->work()->commit_changes.sum == changes_before + 3);
  CHECK(left() == 1);
  own.reset();
  own = open(place.path() / "state");
  CHECK(left() == 1);
}

TEST_CASE("a disk with less room than it should have is told of") {
  support::temporary_directory const place;
  store::rocks_store_options chosen;
  log::capture const quiet;
  CHECK_FALSE(open(place.path() / "enough", chosen)->lacks_space());
  chosen.free_bytes_min = UINT64_MAX;
  auto const own = open(place.path() / "state", chosen);
  REQUIRE(own->lacks_space());
  CHECK(own->lacks_space()->free_bytes > 0);
  CHECK(own->lacks_space()->free_bytes_min == UINT64_MAX);
}

TEST_CASE("where the log may not fit a second time, a start writes nothing") {
  struct full_disk final : rocksdb::EnvWrapper {
    full_disk() : rocksdb::EnvWrapper(rocksdb::Env::Default()) {}
    rocksdb::Status GetFreeSpace(std::string const&, std::uint64_t* bytes) override {
      *bytes = free_bytes;
      return rocksdb::Status::OK();
    }
    std::uint64_t free_bytes = 1U << 20U;
  } disk;
  support::event_loop loop;
  support::temporary_directory const place;
  store::rocks_store_options chosen;
  chosen.database.environment = &disk;
  chosen.database.directory = place.path() / "state";
  auto const files = [&] {
    std::map<std::string, std::uint64_t> all;
    for (auto const& one : std::filesystem::recursive_directory_iterator(chosen.database.directory))
      if (one.is_regular_file())
        all[one.path().string()] = one.file_size();
    return all;
  };
  message::stored_value const value{{"t", true, std::string(2U << 20U, 'x')}, 0};
  {
    auto const own = open(chosen.database.directory, chosen);
    bool done = false;
    loop.run(keep_durable(*own, own->commit(sets(alice, "s", value)), done));
    CHECK(done);
  }
  auto const before = files();
  auto const opened = store::rocks_store::open(chosen, [](error const&) {});
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().code == store::errc::not_opened);
  CHECK(opened.error().detail.starts_with("No space left on device: " + chosen.database.directory.string() +
                                          " has 1048576 bytes free, and a start may write the 20"));
  CHECK(files() == before);
  disk.free_bytes = 4U << 20U;
  CHECK(read_one(loop, *open(chosen.database.directory, chosen), alice, "s").has_value());
}

TEST_CASE("the room on the disk is looked at as it is written to, not by time alone, and told of once") {
  struct disk_that_fills final : rocksdb::EnvWrapper {
    disk_that_fills() : rocksdb::EnvWrapper(rocksdb::Env::Default()) {}
    rocksdb::Status GetFreeSpace(std::string const&, std::uint64_t* bytes) override {
      *bytes = free_bytes;
      return rocksdb::Status::OK();
    }
    std::atomic<std::uint64_t> free_bytes = 100;
  } disk;
  support::event_loop loop;
  support::temporary_directory const place;
  store::rocks_store_options chosen;
  chosen.free_bytes_min = 100;
  chosen.database.environment = &disk;
  auto const kept = open(place.path() / "state", chosen);
  CHECK_FALSE(kept->lacks_space());
  log::capture const told;
  std::string const mebibyte(1U << 20U, 'x');
  auto const write_enough = [&] {
    for (int i = 0; i < 6; ++i) {
      bool done = false;
      loop.run(
          keep_durable(*kept, kept->commit(sets(alice, "s", message::stored_value{{"t", true, mebibyte}, 0})), done));
      CHECK(done);
    }
  };
  disk.free_bytes = 99;
  write_enough();
  REQUIRE(kept->lacks_space());
  CHECK(kept->lacks_space()->free_bytes == 99);
  disk.free_bytes = 98;
  write_enough();
  CHECK(told.count(number::low_on_space) == 1);
  CHECK(told.count(number::space_again) == 0);
  disk.free_bytes = 100;
  write_enough();
  CHECK_FALSE(kept->lacks_space());
  CHECK(told.count(number::low_on_space) == 1);
  CHECK(told.count(number::space_again) == 1);
}

TEST_CASE("compaction drops what has been expired for long, and nothing else") {
  support::temporary_directory const place;
  support::event_loop loop;
  store::latch failed([](error const& why) { FAIL(why.to_string()); });
  store::database_options chosen;
  chosen.directory = place.path() / "state";
  auto const opened = store::database::open(chosen, failed);
  REQUIRE(opened.has_value());
  auto& own = **opened;
  auto const now_ms = clock::unix_ms();
  auto const put = [&](std::string const& name, std::int64_t expires_at_ms) {
    REQUIRE(own.get()
                .Put({}, own.family(store::table::state), store::state_table::key_of(1, alice, name),
                     store::state_table::value_of({{"t", true, "x"}, expires_at_ms}))
                .ok());
  };
  put("never", 0);
  put("later", now_ms + 100'000);
  loop.advance(std::chrono::minutes(2));
  put("long ago", now_ms - 1);
  put("just now", now_ms + 119'000);
  rocksdb::CompactRangeOptions all;
  all.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  REQUIRE(own.get().CompactRange(all, own.family(store::table::state), nullptr, nullptr).ok());
  auto const is_there = [&](std::string const& name) {
    std::string value;
    return own.get().Get({}, own.family(store::table::state), store::state_table::key_of(1, alice, name), &value).ok();
  };
  CHECK(is_there("never"));
  CHECK(is_there("later")); // for 20 s only
  CHECK(is_there("just now"));
  CHECK_FALSE(is_there("long ago"));
}

TEST_CASE("an opening tells how far it is in the log, and how many rows it has read") {
  support::temporary_directory const place;
  support::event_loop loop;
  std::vector<store::opening_progress> told;
  store::rocks_store_options chosen;
  chosen.database.tell = [&](store::opening_progress const& so_far) { told.push_back(so_far); };
  auto own = open(place.path() / "state", chosen);
  for (int i = 0; i < 100; ++i) {
    message::change whole;
    whole.self = {{"ns", "fn"}, std::to_string(i)};
    whole.key = message::accepted_key{"k", "print", clock::unix_ms() + 1000};
    whole.messages = {{whole.self, std::nullopt, {"t", true, std::string(1000, 'v')}}};
    bool done = false;
    loop.run(keep_durable(*own, own->commit(whole), done));
    REQUIRE(done);
  }
  own.reset();
  told.clear();
  own = open(place.path() / "state", chosen);

  std::map<store::opening_step, store::opening_progress> last;
  for (auto const& each : told) {
    auto const before = last.emplace(each.step, each).first->second;
    CHECK(each.log_bytes >= before.log_bytes);
    CHECK(each.log_bytes <= each.log_bytes_total);
    CHECK(each.rows_count >= before.rows_count);
    last[each.step] = each;
  }
  using enum store::opening_step;
  CHECK(last[checking_log].log_bytes == last[checking_log].log_bytes_total);
  for (auto const step : {checking_log, reading_log, replaying_log}) {
    CHECK(last[step].log_bytes > 100'000);
    CHECK(last[step].log_bytes_total < 200'000);
  }
  CHECK(last[reading_tables].rows_count == 100);
  CHECK(told.size() > 300);
  CHECK(std::is_sorted(told.begin(), told.end(),
                       [](auto const& one, auto const& other) { return one.step < other.step; }));
}
