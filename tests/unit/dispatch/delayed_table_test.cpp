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
    order.push_back(table.front().key.number);
    table.remove(table.front().key);
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
  CHECK(table.of(alice)->at("t").size() == 2);
  CHECK(table.of(alice)->at("u").size() == 1);
  CHECK(table.of(alice)->count("") == 0);
  CHECK(table.of(bob)->at("t").size() == 1);
}

TEST_CASE("what was removed, fired or cancelled leaves nothing behind") {
  delayed_table table;
  table.add(entry(1, alice, 10, "t"));
  table.add(entry(2, alice, 20, "t"));
  table.remove({1, 0});
  CHECK(table.count() == 1);
  CHECK(table.of(alice)->at("t").size() == 1);
  table.remove({1, 0});
  table.remove({9, 0});
  CHECK(table.count() == 1);
  table.remove({2, 0});
  CHECK(table.count() == 0);
  CHECK(table.of(alice) == nullptr);
  CHECK_FALSE(table.earliest_due_ms());
}

TEST_CASE("what is set aside waits for its target in due order, apart from the others, and can be cancelled") {
  delayed_table table;
  auto to_alice = entry(4, bob, 15);
  to_alice.set.message.target = alice;
  table.add(entry(1, alice, 10, "t"));
  table.add(entry(2, alice, 20));
  table.add(entry(3, alice, 12, "t"));
  table.add(std::move(to_alice));
  for (int i = 0; i < 3; ++i)
    table.set_aside_front();
  CHECK(table.earliest_due_ms() == 20);
  CHECK(table.count() == 4);
  CHECK(table.has_set_aside(bob));
  CHECK(table.first_for(bob)->key.number == 1);
  CHECK(table.first_for(alice)->key.number == 4);
  CHECK(table.remove({1, 0}) > 0);
  CHECK(table.first_for(bob)->key.number == 3);
  CHECK(table.of(alice)->at("t").size() == 1);
  CHECK(table.remove({3, 0}) > 0);
  CHECK_FALSE(table.has_set_aside(bob));
  CHECK(table.first_for(bob) == nullptr);
  CHECK(table.of(alice) == nullptr);
  table.add(entry(5, alice, 5)); // due for longer than what is set aside already
  table.set_aside_front();
  table.set_aside_front();
  CHECK(table.first_for(bob)->key.number == 5);
  CHECK_FALSE(table.earliest_due_ms());
}

TEST_CASE("an entry's bytes are those it was added with") {
  delayed_table table;
  auto const one = entry(1, alice, 10, "token");
  auto const bytes = delayed_table::bytes_of(one.owner, one.set);
  CHECK(bytes > one.set.message.value.size_bytes());
  CHECK(table.add(one));
  CHECK_FALSE(table.add(one)); // twice is once
  CHECK(table.count() == 1);
  CHECK(table.bytes_of({1, 0}) == bytes);
  CHECK(table.remove({1, 0}) == bytes);
  CHECK(table.remove({1, 0}) == 0);
  CHECK(table.bytes_of({1, 0}) == 0);
}
