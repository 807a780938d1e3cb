#include "store/store_check.hpp"

#include "clock/clock.hpp"
#include "store/rocks_store.hpp"
#include "support/event_loop.hpp"
#include "support/temporary_directory.hpp"

#include <rocksdb/db.h>

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

using namespace statefund;
using namespace statefund::store;

namespace {

using findings = std::vector<store_finding>;

message::address const alice{{"ns", "fn"}, "alice"};
message::egress_id const way{"out", "way"};
message::typed_value const value{"t", true, "v"};

std::uint32_t home_of(auto const& self) {
  return message::partition_of(self, 256);
}

void open(
    std::filesystem::path const& directory, std::function<void(rocks_store&)> const& act = [](rocks_store&) {}) {
  rocks_store_options chosen;
  chosen.database.directory = directory;
  auto opened = rocks_store::open(chosen, [](error const& why) { FAIL(why.to_string()); });
  INFO((opened ? "" : opened.error().to_string()));
  REQUIRE(opened.has_value());
  act(**opened);
}

// A row in every table. The first number that it takes.
std::uint64_t fill(std::filesystem::path const& directory) {
  std::uint64_t first = 0;
  open(directory, [&](rocks_store& kept) {
    message::change whole;
    whole.self = alice;
    whole.states = {{"seen", message::stored_value{value, 0}}};
    whole.messages = {{alice, std::nullopt, value}};
    whole.delayed_set = {{clock::unix_ms() + 60'000, "token", {alice, alice, value}}};
    whole.egress_records = {{way, value}, {way, value}};
    whole.key = message::accepted_key{"key", "print", clock::unix_ms() + 60'000};
    whole.pause = message::pause_row{message::pause{}};
    whole.dead_letters = {{{{1, 0}, std::nullopt, value}, "poison", 1000}};
    whole.position = message::source_position{"topic", 7};
    first = kept.commit(whole).number();
    message::change acknowledged;
    acknowledged.departed = message::departure{way, first + 1};
    kept.commit(acknowledged);
  });
  return first;
}

// What lies there, with the times at which it was written. Not the lock's content: a process that closes a file gives
// up its locks on it.
std::map<std::string, std::string> contents(std::filesystem::path const& directory) {
  std::map<std::string, std::string> all;
  for (auto const& one : std::filesystem::recursive_directory_iterator(directory)) {
    std::ostringstream text;
    text << one.last_write_time().time_since_epoch().count() << ' ';
    if (one.is_regular_file() && one.path().filename() != "lock")
      text << std::ifstream(one.path(), std::ios::binary).rdbuf();
    all[one.path()] = text.str();
  }
  return all;
}

// Rows written behind the store's back.
using rows = std::vector<std::tuple<table, std::string, std::string>>;
void put(std::filesystem::path const& directory, rows const& added) {
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (auto const name : table_names)
    families.emplace_back(std::string(name), rocksdb::ColumnFamilyOptions());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  REQUIRE(rocksdb::DB::Open({}, directory / "db", families, &handles, &opened).ok());
  std::unique_ptr<rocksdb::DB> const database(opened);
  for (auto const& [of, key, bytes] : added)
    CHECK(database->Put({}, handles[static_cast<std::size_t>(of)], key, bytes).ok());
  for (auto* const handle : handles)
    CHECK(database->DestroyColumnFamilyHandle(handle).ok());
}

checked_store checked(std::filesystem::path const& directory) {
  auto const before = contents(directory);
  auto told = check_store(directory);
  CHECK(contents(directory) == before);
  INFO((told ? "" : told.error().to_string()));
  REQUIRE(told.has_value());
  CHECK(told->findings_count >= told->findings.size());
  return *told;
}

error refused(std::filesystem::path const& directory) {
  auto const before = contents(directory);
  auto const told = check_store(directory);
  CHECK(contents(directory) == before);
  REQUIRE_FALSE(told.has_value());
  return told.error();
}

table_count const& count_of(checked_store const& told, std::string_view name) {
  auto const found =
      std::find_if(told.tables.begin(), told.tables.end(), [&](table_count const& one) { return one.name == name; });
  REQUIRE(found != told.tables.end());
  return *found;
}

struct store_directory {
  support::temporary_directory place;
  std::filesystem::path path = place.path() / "state";
};

} // namespace

TEST_CASE("a check counts the rows of every table, finds nothing in a good store, and changes nothing") {
  store_directory at;
  auto const first = fill(at.path);
  auto const told = checked(at.path);
  CHECK(told.findings == findings{});
  CHECK(told.is_clean());
  CHECK(told.format_version == 1);
  CHECK(told.partition_count == 256);
  CHECK(told.last_number == first + 3);
  CHECK(told.promised == first + 3);
  CHECK(told.tables.size() == table_names.size());
  for (auto const name : table_names) {
    INFO(name);
    auto const& count = count_of(told, name);
    CHECK(count.rows_count == (name == "default" ? 2 : 1));
    CHECK(count.bytes > count.rows_count * 8);
    CHECK(count.expired_count == 0);
  }
  SECTION("once it lies in files, too") {
    open(at.path);
    CHECK(checked(at.path).is_clean());
  }
  SECTION("and the store goes on where it was") {
    open(at.path, [&](rocks_store& kept) { CHECK(kept.ordered_so_far().number() == first + 3); });
  }
}

TEST_CASE("a new store is clean") {
  store_directory at;
  open(at.path);
  auto const told = checked(at.path);
  CHECK(told.findings == findings{});
  CHECK(count_of(told, "default").rows_count == 1);
}

TEST_CASE("a directory that a daemon has open is refused, and a check leaves no lock behind") {
  store_directory at;
  open(at.path, [&](rocks_store&) {
    auto const why = refused(at.path);
    CHECK(why.code == errc::in_use);
    CHECK(why.detail == "a running statefund has " + at.path.string() + " open; stop it first, or check a backup");
  });
  CHECK(checked(at.path).is_clean());
  CHECK(std::filesystem::remove(at.path / "lock"));
  CHECK(checked(at.path).is_clean());
  CHECK_FALSE(std::filesystem::exists(at.path / "lock"));
  open(at.path);
}

TEST_CASE("what is no store is refused") {
  support::temporary_directory const place;
  auto const none = check_store(place.path() / "none");
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().code == errc::directory_unusable);
  CHECK(none.error().detail == (place.path() / "none").string() + ": No such file or directory");
  auto const empty = refused(place.path());
  CHECK(empty.code == errc::directory_unusable);
  CHECK(empty.detail == place.path().string() + " holds no store: there is neither db nor promise");
  std::ofstream(place.path() / "file") << "x";
  auto const file = check_store(place.path() / "file");
  REQUIRE_FALSE(file.has_value());
  CHECK(file.error().detail == (place.path() / "file").string() + " is not a directory");
}

TEST_CASE("a newer version's directory is refused") {
  store_directory at;
  fill(at.path);
  put(at.path, {{table::head, "format", head_table::value_of(head_table::format{2, 256})}});
  auto const why = refused(at.path);
  CHECK(why.code == errc::format_newer);
  CHECK(why.detail == at.path.string() + " has the format 2, this version knows formats up to 1");
}

TEST_CASE("what rows say of each other is held against each other") {
  store_directory at;
  auto const first = fill(at.path);
  auto const last = first + 3;
  auto const id = [](std::uint64_t number) { return message::to_text(message::entry_key{number, 0}); };
  SECTION("a row that breaks its table's grammar") {
    put(at.path,
        {{table::mailbox, "\1\2\3", ""}, {table::state, state_table::key_of(home_of(alice), alice, "s"), "x"}});
    auto const told = checked(at.path);
    CHECK(told.findings_count == 2);
    CHECK(told.findings == findings{{"mailbox", "0x010203", "breaks the grammar of its table"},
                                    {"state",
                                     "0x" +
                                         [] {
                                           std::string hex;
                                           char text[3];
                                           for (char const byte : state_table::key_of(home_of(alice), alice, "s")) {
                                             std::snprintf(text, sizeof text, "%02x", static_cast<unsigned char>(byte));
                                             hex += text;
                                           }
                                           return hex;
                                         }(),
                                     "breaks the grammar of its table"}});
    CHECK(count_of(told, "mailbox").rows_count == 2);
  }
  SECTION("a row in another partition than its address") {
    auto const wrong = (home_of(alice) + 1) % 256;
    put(at.path, {{table::pause, pause_table::key_of(wrong, alice), pause_table::value_of({})},
                  {table::position, position_table::key_of(300, "topic"), position_table::value_of({"topic", 1})}});
    CHECK(checked(at.path).findings ==
          findings{{"pause", "ns/fn/alice",
                    "lies in partition " + std::to_string(wrong) + " and belongs to " + std::to_string(home_of(alice))},
                   {"position", "topic", "lies in partition 300 of 256"}});
  }
  SECTION("a row whose number was never given") {
    put(at.path, {{table::mailbox, mailbox_table::key_of(home_of(alice), alice, {last + 1, 0}),
                   mailbox_table::value_of({alice, std::nullopt, value})}});
    CHECK(checked(at.path).findings == findings{{"mailbox", "ns/fn/alice " + id(last + 1),
                                                 "has the number " + std::to_string(last + 1) +
                                                     ", and the last one given is " + std::to_string(last)}});
  }
  SECTION("a record that was acknowledged") {
    put(at.path,
        {{table::egress, egress_table::key_of(home_of(way), way, first), egress_table::value_of(alice, value)}});
    CHECK(checked(at.path).findings ==
          findings{{"egress", "out/way " + std::to_string(first),
                    "is still there, and was acknowledged: its egress was read up to " + std::to_string(first + 1)}});
  }
  SECTION("delayed messages that were not counted, one with a token by which nobody finds it") {
    put(at.path, {{table::delayed, delayed_table::key_of(home_of(alice), {1000, {first, 1}}),
                   delayed_table::value_of(alice, {1000, {}, {alice, alice, value}})},
                  {table::delayed, delayed_table::key_of(home_of(alice), {2000, {first, 2}}),
                   delayed_table::value_of(alice, {2000, "token", {alice, alice, value}})}});
    CHECK(checked(at.path).findings ==
          findings{{"delayed", "ns/fn/alice " + message::to_text(message::entry_key{first, 2}) + " due 2000",
                    "has a cancellation token, and cannot be found by it"},
                   {"default", "head", "counts 1 delayed messages, and 3 are there"}});
  }
  SECTION("a dead letter whose message still waits") {
    message::dead_letter const letter{{{first, 0}, std::nullopt, value}, "poison", 1000};
    put(at.path, {{table::dead_letter, dead_letter_table::key_of(home_of(alice), {{first, 0}, alice}),
                   dead_letter_table::value_of(letter)}});
    CHECK(checked(at.path).findings ==
          findings{{"dead_letter", "ns/fn/alice " + id(first), "was set aside, and still waits in the mailbox"}});
  }
  SECTION("rows and no format") {
    put(at.path, {{table::head, "format", ""}, {table::head, "other", ""}});
    auto const told = checked(at.path);
    CHECK(told.findings_count >= 2);
    CHECK(std::count(told.findings.begin(), told.findings.end(), store_finding{"default", "", "the format row"}) == 1);
  }
}

TEST_CASE("what has expired is counted, and is no finding: compaction drops it when it comes by") {
  store_directory at;
  fill(at.path);
  auto const past = clock::unix_ms() - 1000;
  put(at.path, {{table::state, state_table::key_of(home_of(alice), alice, "old"), state_table::value_of({value, past})},
                {table::idempotency, idempotency_table::key_of(home_of(alice), alice, "old"),
                 idempotency_table::value_of({"old", "print", past}, {1, 0})}});
  auto const told = checked(at.path);
  CHECK(told.findings == findings{});
  CHECK(count_of(told, "state").expired_count == 1);
  CHECK(count_of(told, "idempotency").expired_count == 1);
}

TEST_CASE("the promise is held against the order") {
  store_directory at;
  auto const first = fill(at.path);
  SECTION("it is missing") {
    CHECK(std::filesystem::remove(at.path / "promise"));
    auto const told = checked(at.path);
    CHECK_FALSE(told.promised.has_value());
    CHECK(told.findings == findings{{"promise", "",
                                     (at.path / "promise").string() +
                                         " is missing or damaged, so nothing says whether the changes up to number " +
                                         std::to_string(first + 3) + " are all"}});
  }
  SECTION("the log has lost its end") {
    for (auto const& one : std::filesystem::directory_iterator(at.path / "db"))
      if (one.path().extension() == ".log")
        std::filesystem::resize_file(one.path(), 0);
    auto const told = checked(at.path);
    CHECK(told.promised == first + 3);
    CHECK(told.findings == findings{{"promise", "",
                                     at.path.string() + " holds changes up to number 0, and was durable up to " +
                                         std::to_string(first + 3)}});
  }
}

TEST_CASE("a flipped byte is found, and its file and table are named") {
  store_directory at;
  fill(at.path);
  open(at.path); // what was in the log goes to files
  std::size_t flipped_count = 0;
  for (auto const& one : std::filesystem::directory_iterator(at.path / "db"))
    if (one.path().extension() == ".sst") {
      std::fstream file(one.path(), std::ios::binary | std::ios::in | std::ios::out);
      auto const byte = file.get();
      file.seekp(0);
      file.put(static_cast<char>(byte ^ 0x40));
      ++flipped_count;
    }
  REQUIRE(flipped_count == table_names.size());
  auto const told = checked(at.path);
  CHECK(told.findings_count > flipped_count);
  for (auto const name : table_names) {
    INFO(name);
    auto const names_file = [&](store_finding const& one) {
      return one.table == name && one.key.starts_with("file ") && one.key.ends_with(".sst") &&
             one.what.find("checksum mismatch") != std::string::npos;
    };
    CHECK(std::count_if(told.findings.begin(), told.findings.end(), names_file) == 1);
    auto const ends_early = [&](store_finding const& one) {
      return one.table == name && one.what.starts_with("cannot be read behind its key 0x");
    };
    CHECK(std::count_if(told.findings.begin(), told.findings.end(), ends_early) == 1);
  }
}

TEST_CASE("of many findings the first are told, and all are counted") {
  store_directory at;
  open(at.path);
  rows broken;
  for (int i = 0; i < 1500; ++i)
    broken.emplace_back(table::delayed, "k" + std::to_string(i), "");
  put(at.path, broken);
  auto const told = checked(at.path);
  CHECK(told.findings_count == 1500);
  CHECK(told.findings.size() == checked_store::findings_max);
}
