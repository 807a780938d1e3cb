#include "dispatch/disk_balance.hpp"

#include "store/statistics.hpp"

#include <catch2/catch.hpp>

using namespace statefund;
using namespace statefund::dispatch;

namespace {

message::address const self{{"ns", "fn"}, "alice"};
message::address const other{{"ns", "fn"}, "somebody with a longer name"};
message::typed_value const value{"t", true, std::string(99, 'x')}; // 100 bytes

// Of one message, with one state of 100 bytes and one that is not there.
class turn {
 public:
  turn() { whole.self = self; }

  bool adds() const {
    auto const balance = balance_of(whole, taken, carried);
    return balance.added_bytes > balance.removed_bytes;
  }
  disk_balance balance() const { return balance_of(whole, taken, carried); }

  message::change whole;
  message::batch taken{{{1, 0}, std::nullopt, value}};
  message::state_values carried{
      std::make_shared<message::state_specs>(message::state_specs{{"held", "", {}}, {"none", "", {}}}),
      {message::stored_value{value}, std::nullopt}};
};

message::typed_value bytes(std::size_t count) {
  return {{}, true, std::string(count, 'x')};
}

} // namespace

TEST_CASE("what only consumes adds nothing") {
  auto const balance = turn().balance();
  CHECK(balance.added_bytes == 0);
  CHECK(balance.removed_bytes == 300);
}

TEST_CASE("what passes on what it gets adds no more than it removes, now, later, or to an egress") {
  turn sends;
  sends.whole.messages.push_back({other, self, value});
  CHECK_FALSE(sends.adds());
  sends.whole.messages.push_back({other, self, {}});
  CHECK(sends.adds());

  turn larger;
  larger.whole.messages.push_back({other, self, bytes(101)});
  CHECK(larger.adds());

  turn later;
  later.whole.delayed_set.push_back({1, {}, {self, self, value}});
  CHECK_FALSE(later.adds());
  later.whole.delayed_set.front().cancellation_token = "t";
  CHECK(later.adds());

  turn writes;
  writes.whole.egress_records.push_back({{"out", "way"}, value});
  CHECK_FALSE(writes.adds());
  writes.whole.egress_records.front().value = bytes(301);
  CHECK(writes.adds());
}

TEST_CASE("a delayed message that is cancelled makes room for another one") {
  turn waits_anew;
  waits_anew.whole.delayed_set.push_back({1, "token", {self, self, value}});
  waits_anew.whole.delayed_set.push_back({1, {}, {self, self, {}}});
  CHECK(waits_anew.adds());
  waits_anew.whole.delayed_gone.push_back({{1, {1, 1}}, "token"});
  CHECK_FALSE(waits_anew.adds());
}

TEST_CASE("a state counts by how much it grows") {
  turn grows;
  grows.whole.states.push_back({"held", message::stored_value{bytes(400)}});
  CHECK_FALSE(grows.adds());
  grows.whole.states.front().value->value = bytes(401);
  CHECK(grows.adds());

  turn is_new;
  is_new.whole.states.push_back({"none", message::stored_value{bytes(296)}});
  CHECK_FALSE(is_new.adds());
  is_new.whole.states.front().value->value = bytes(297);
  CHECK(is_new.adds());

  turn shrinks;
  shrinks.whole.states.push_back({"held", std::nullopt});
  shrinks.whole.states.push_back({"none", message::stored_value{bytes(400)}});
  CHECK_FALSE(shrinks.adds());
}

TEST_CASE("below seven eighths of the room that the disk should keep what adds waits") {
  CHECK_FALSE(store::short_of_space{875, 1000}.holds(2, 1));
  CHECK(store::short_of_space{874, 1000}.holds(2, 1));
  CHECK_FALSE(store::short_of_space{874, 1000}.holds(1, 1));
  CHECK_FALSE(store::short_of_space{0, 1000}.holds(1, 2));
  CHECK(store::short_of_space{0, UINT64_MAX}.holds(1, 0));
  CHECK_FALSE(store::short_of_space{900, 1000, 25}.holds(2, 1));
  CHECK(store::short_of_space{900, 1000, 26}.holds(2, 1)); // what is ordered comes out of what is free
}
