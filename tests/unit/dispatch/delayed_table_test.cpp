#include "dispatch/delayed_table.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace statefund;
using namespace statefund::dispatch;

namespace {

message::address const alice{{"ns", "fn"}, "alice"};
message::address const bob{{"ns", "fn"}, "bob"};

delayed_table::entry entry(std::uint64_t number, message::address const& owner, std::int64_t due_ms,
                           std::string token = {}) {
  return {{number, 0}, owner, {due_ms, std::move(token), {bob, owner, {"t", true, "x"}}}};
}

} // namespace

TEST_CASE("the earliest comes first, and of two at one time the one that was set first") {
  delayed_table table;
  CHECK_FALSE(table.earliest_due_ms());
  table.add(entry(3, alice, 20));
  table.add(entry(2, alice, 20));
  table.add(entry(5, bob, 10));
  CHECK(table.earliest_due_ms() == 10);
  std::vector<std::uint64_t> order;
  while (table.count() > 0) {
    auto const& first = table.front();
    order.push_back(first.key.number);
    auto const owner = first.owner;
    table.remove(owner, message::entry_key(first.key));
  }
  CHECK(order == std::vector<std::uint64_t>{5, 2, 3});
  CHECK_FALSE(table.earliest_due_ms());
}

TEST_CASE("a token belongs to the address that set it, and may stand for several") {
  delayed_table table;
  table.add(entry(1, alice, 10, "t"));
  table.add(entry(2, alice, 20, "t"));
  table.add(entry(3, alice, 20, "u"));
  table.add(entry(4, bob, 20, "t"));
  table.add(entry(5, alice, 20));
  REQUIRE(table.of(alice));
  CHECK(table.of(alice)->count("t") == 2);
  CHECK(table.of(alice)->count("u") == 1);
  CHECK(table.of(alice)->count("") == 0);
  CHECK(table.of(bob)->count("t") == 1);
}

TEST_CASE("what was removed, fired or cancelled leaves nothing behind") {
  delayed_table table;
  table.add(entry(1, alice, 10, "t"));
  table.add(entry(2, alice, 20, "t"));
  table.remove(alice, {1, 0});
  CHECK(table.count() == 1);
  CHECK(table.of(alice)->count("t") == 1);
  table.remove(alice, {1, 0});
  table.remove(alice, {9, 0});
  CHECK(table.count() == 1);
  table.remove(alice, {2, 0});
  CHECK(table.count() == 0);
  CHECK(table.of(alice) == nullptr);
  CHECK_FALSE(table.earliest_due_ms());
}

TEST_CASE("an entry that is there already is not added again") {
  delayed_table table;
  CHECK(table.add(entry(1, alice, 10, "t")));
  CHECK_FALSE(table.add(entry(1, alice, 10, "t")));
  CHECK(table.count() == 1);
  CHECK(table.of(alice)->count("t") == 1);
  table.remove(alice, {1, 0});
  CHECK(table.count() == 0);
  CHECK(table.of(alice) == nullptr);
}
