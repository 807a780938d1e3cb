#include "support/crash_store.hpp"

#include "support/event_loop.hpp"
#include "unit/store/store_contract.hpp"

#include <catch2/catch.hpp>

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <string>

using namespace statefund;
using support::crash_store;

namespace {

message::change writes(std::string const& bytes) {
  message::change whole;
  whole.self = {{"ns", "fn"}, "alice"};
  whole.messages = {{{{"ns", "fn"}, "bob"}, whole.self, {"t", true, bytes}}};
  return whole;
}

boost::asio::awaitable<void> add_found(crash_store& opened, std::string& all) {
  for (std::uint32_t partition = 0; partition < opened.partition_count(); ++partition) {
    auto const part = co_await opened.recover(partition, "");
    for (auto const& one : part->messages)
      all += one.envelope.value.bytes;
  }
}

// What is there after a start.
std::string found_on(support::disk& disk, support::event_loop& loop) {
  crash_store opened(disk, loop.executor());
  std::string all;
  loop.run(add_found(opened, all));
  return all;
}

} // namespace

TEST_CASE("the crash store keeps the contract of a store") {
  boost::asio::io_context loop;
  std::vector<std::unique_ptr<support::disk>> disks;
  auto const make = [&](store_contract::chosen const& options) {
    support::crash_store_options chosen;
    chosen.keys_max = options.keys_max;
    chosen.dead_letters_max = options.dead_letters_max;
    chosen.dead_letters_bytes_max = options.dead_letters_bytes_max;
    return std::make_unique<crash_store>(*disks.emplace_back(std::make_unique<support::disk>()), loop.get_executor(),
                                         crash_store::pace::by_itself, chosen);
  };
  SECTION("of one thread") {
    store_contract::single_thread(make);
  }
  SECTION("of bounds") {
    store_contract::bounds(make);
  }
}

TEST_CASE("the crash store keeps the contract over restarts") {
  support::disk disk;
  store_contract::over_restarts(
      [&](support::event_loop& loop) { return std::make_unique<crash_store>(disk, loop.executor()); });
}

TEST_CASE("a process that ends keeps what was written; a power loss a prefix that holds what was synced") {
  support::event_loop loop;
  support::disk disk;
  {
    crash_store opened(disk, loop.executor(), crash_store::pace::by_hand);
    for (auto const* const bytes : {"1", "2", "3", "4", "5", "6"})
      opened.commit(writes(bytes));
    opened.write(2);
    opened.sync();
    opened.write(3);
    CHECK(opened.ordered_count() == 1);
    CHECK_FALSE(opened.is_synced());
  }
  SECTION("the process ends") {
    CHECK(found_on(disk, loop) == "12345");
  }
  SECTION("what was found is durable") {
    CHECK(found_on(disk, loop) == "12345");
    disk.lose_power(0);
    CHECK(found_on(disk, loop) == "12345");
  }
  SECTION("the power is lost") {
    CHECK(disk.unsynced_count() == 3);
    disk.lose_power(1);
    CHECK(found_on(disk, loop) == "123");
  }
  SECTION("all that may be lost is") {
    disk.lose_power(0);
    CHECK(found_on(disk, loop) == "12");
  }
}

TEST_CASE("after a write or a sync that failed nothing is written, and what was written may be there") {
  support::event_loop loop;
  support::disk disk;
  {
    crash_store opened(disk, loop.executor(), crash_store::pace::by_hand);
    opened.commit(writes("1"));
    opened.write(1);
    opened.sync();
    opened.commit(writes("2"));
    SECTION("a sync") {
      opened.write(1);
      opened.fail_next_sync();
      opened.sync();
      CHECK(opened.is_lost());
    }
    SECTION("a write") {
      opened.fail_next_write();
      opened.write(1);
      CHECK(opened.is_lost());
      CHECK(disk.unsynced_count() == 0);
    }
    opened.commit(writes("3"));
    opened.write(9);
    opened.sync();
  }
  auto const unsynced_count = disk.unsynced_count();
  CHECK(found_on(disk, loop) == (unsynced_count == 1 ? "12" : "1"));
}
