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
  totals counts;
  delayed_table table(counts);
  CHECK_FALSE(table.earliest_due_ms());
  table.add(entry(3, alice, 20));
  table.add(entry(2, alice, 20));
  table.add(entry(5, bob, 10));
  CHECK(table.earliest_due_ms() == 10);
  std::vector<std::uint64_t> order;
  while (table.count() > 0) {
    order.push_back(table.front().key.number);
    table.remove(table.front().key, {});
  }
  CHECK(order == std::vector<std::uint64_t>{5, 2, 3});
  CHECK_FALSE(table.earliest_due_ms());
}

TEST_CASE("a token belongs to the address that set it, and may stand for several") {
  totals counts;
  delayed_table table(counts);
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
  totals counts;
  delayed_table table(counts);
  table.add(entry(1, alice, 10, "t"));
  table.add(entry(2, alice, 20, "t"));
  table.remove({1, 0}, {});
  CHECK(table.count() == 1);
  CHECK(table.of(alice)->at("t").size() == 1);
  table.remove({2, 0}, {});
  CHECK(table.count() == 0);
  CHECK(table.of(alice) == nullptr);
  CHECK_FALSE(table.earliest_due_ms());
}

TEST_CASE("what is set aside waits for its target in due order, apart from the others, and can be cancelled") {
  totals counts;
  delayed_table table(counts);
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
  CHECK(table.first_for(bob)->key.number == 1);
  CHECK(table.first_for(alice)->key.number == 4);
  table.remove({1, 0}, {});
  CHECK(table.first_for(bob)->key.number == 3);
  CHECK(table.of(alice)->at("t").size() == 1);
  table.remove({3, 0}, {});
  CHECK(table.first_for(bob) == nullptr);
  CHECK(table.of(alice) == nullptr);
  table.add(entry(5, alice, 5)); // due for longer than what is set aside already
  table.set_aside_front();
  table.set_aside_front();
  CHECK(table.first_for(bob)->key.number == 5);
  CHECK_FALSE(table.earliest_due_ms());
}

TEST_CASE("what comes and goes is counted, with its bytes") {
  totals counts;
  delayed_table table(counts);
  auto const one = entry(1, alice, 10, "token");
  auto const bytes = delayed_table::bytes_of(one.owner, one.set);
  CHECK(bytes > one.set.message.value.size_bytes());
  table.add(one);
  CHECK(counts.delayed_count == 1);
  CHECK(counts.buffered_bytes == static_cast<std::int64_t>(bytes));
  CHECK(table.bytes_of({1, 0}) == bytes);
  table.remove({1, 0}, {});
  CHECK(counts.delayed_count == 0);
  CHECK(counts.delayed_far_count == 0);
  CHECK(counts.buffered_bytes == 0);
  CHECK(table.bytes_of({1, 0}) == 0);
}

namespace {

// A table over a store that has written up to a number.
struct windowed {
  explicit windowed(std::uint64_t bytes_max = UINT64_MAX)
      : table(
            counts, [this](store::ticket ordered) { return ordered.number() <= written_through; }, bytes_max) {}

  std::uint64_t written_through = 0;
  totals counts;
  delayed_table table;

  // The numbers of those that would fire, in order.
  std::vector<std::uint64_t> due() {
    std::vector<std::uint64_t> all;
    while (table.earliest_due_ms()) {
      all.push_back(table.front().key.number);
      table.remove(table.front().key, store::ticket(1000));
    }
    return all;
  }
};

using numbers = std::vector<std::uint64_t>;

} // namespace

TEST_CASE("nothing is due before the store was asked for what is due earlier") {
  windowed own;
  CHECK(own.table.wants_more(100));
  own.table.add(entry(5, alice, 50));
  CHECK_FALSE(own.table.earliest_due_ms());
  own.table.move_edge(100);
  CHECK_FALSE(own.table.earliest_due_ms());
  own.counts.delayed_count = 2;
  own.counts.delayed_far_count = 1;
  own.table.load(entry(2, bob, 40));
  CHECK(own.counts.delayed_far_count == 0);
  own.table.all_loaded();
  CHECK_FALSE(own.table.wants_more(100));
  CHECK(own.table.wants_more(101));
  CHECK(own.due() == numbers{2, 5});
  CHECK(own.counts.delayed_count == 0);
  CHECK(own.counts.buffered_bytes == 0);
}

TEST_CASE("what lies beyond the edge is let go once it is written, and never what lies before it") {
  windowed own;
  own.table.move_edge(100);
  own.table.all_loaded();
  own.table.add(entry(1, alice, 99, "t"));
  own.table.add(entry(2, alice, 100, "t"));
  own.table.add(entry(3, alice, 200, "t"));
  CHECK(own.table.of(alice)->at("t").size() == 3);
  CHECK(own.table.newest_beyond()->number() == 3);
  own.written_through = 2;
  own.table.let_go();
  CHECK(own.table.of(alice)->at("t").size() == 2);
  CHECK(own.counts.delayed_count == 3);
  CHECK(own.counts.delayed_far_count == 1);
  own.table.move_edge(1000); // before the other one is written
  CHECK_FALSE(own.table.newest_beyond());
  own.written_through = 3;
  own.table.let_go();
  CHECK(own.table.count() == 2);
  own.table.load(entry(2, alice, 100, "t"));
  own.table.load(entry(3, alice, 200, "t"));
  own.table.all_loaded();
  CHECK(own.counts.delayed_far_count == 0);
  CHECK(own.table.of(alice)->at("t").size() == 3);
  CHECK(own.due() == numbers{1, 2, 3});
  CHECK(own.table.of(alice) == nullptr);
}

TEST_CASE("what is read twice is there once, and what has fired or was cancelled meanwhile is not there") {
  windowed own;
  own.table.move_edge(100);
  removed_rows::read const looked_at(own.table.removed());
  own.table.add(entry(1, alice, 50));
  own.table.add(entry(2, alice, 500, "t"));
  own.table.remove({1, 0}, store::ticket(3));
  own.table.remove({2, 0}, store::ticket(4));
  own.written_through = 4;
  own.table.load(entry(1, alice, 50));
  own.table.move_edge(1000);
  own.table.load(entry(2, alice, 500, "t"));
  own.table.load(entry(4, alice, 1000)); // beyond
  own.counts.delayed_count = own.counts.delayed_far_count = 1;
  own.table.load(entry(3, alice, 60));
  own.table.load(entry(3, alice, 60));
  own.table.all_loaded();
  CHECK(own.table.count() == 1);
  CHECK(own.counts.delayed_far_count == 0);
  CHECK(own.due() == numbers{3});
  CHECK(own.counts.buffered_bytes == 0);
}

TEST_CASE("one that is far can be removed, and is counted") {
  windowed own;
  own.table.add(entry(1, alice, 50));
  own.written_through = 1;
  own.table.let_go();
  CHECK(own.counts.delayed_far_count == 1);
  own.table.remove({1, 0}, store::ticket(2));
  CHECK(own.counts.delayed_count == 0);
  CHECK(own.counts.delayed_far_count == 0);
}

TEST_CASE("too many bytes take the edge back, but for one message, and half of them bring it forth again") {
  auto const bytes = delayed_table::bytes_of(alice, entry(1, alice, 10).set);
  windowed own(3 * bytes);
  own.written_through = 100;
  own.table.move_edge(1000);
  for (std::uint64_t number = 1; number <= 6; ++number)
    own.table.add(entry(number, alice, static_cast<std::int64_t>(100 * number)));
  own.table.all_loaded();
  own.table.let_go();
  CHECK(own.table.count() == 3);
  CHECK(own.counts.delayed_far_count == 3);
  CHECK(own.counts.buffered_bytes == static_cast<std::int64_t>(3 * bytes));
  CHECK(own.table.edge() == message::delayed_key{300, {3, 0}});
  CHECK_FALSE(own.table.wants_more(1000));
  own.table.add(entry(7, alice, 50)); // takes the place of the last
  own.table.let_go();
  CHECK(own.table.count() == 3);
  CHECK(own.table.edge() == message::delayed_key{200, {2, 0}});
  own.table.load(entry(5, alice, 500)); // read before the edge came back
  CHECK(own.table.count() == 3);
  own.table.remove({7, 0}, store::ticket(101));
  CHECK_FALSE(own.table.wants_more(1000));
  own.table.remove({1, 0}, store::ticket(101));
  CHECK(own.table.wants_more(1000));
  own.table.set_aside_front(); // what waits for its target holds up no other
  own.table.move_edge(1000);
  for (std::uint64_t number = 3; number <= 6; ++number)
    own.table.load(entry(number, alice, static_cast<std::int64_t>(100 * number)));
  own.table.all_loaded();
  own.table.let_go();
  CHECK(own.table.count() == 4);
  CHECK(own.due() == numbers{3, 4, 5});

  windowed narrow(1);
  narrow.table.move_edge(1000);
  narrow.table.all_loaded();
  narrow.table.add(entry(1, alice, 20));
  narrow.table.add(entry(2, alice, 10));
  CHECK(narrow.table.edge() == message::delayed_key{10, {2, 0}});
  CHECK(narrow.due() == numbers{2});
  CHECK(narrow.table.wants_more(1000));
}
