#include "support/shards_in_process.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>

using namespace statefund;
using namespace statefund::support;
using namespace std::chrono_literals;
using dispatch::accepted;
using dispatch::refusal;
using message::invocation_result;

namespace {

using texts = std::vector<std::string>;

message::address const alice = address_of("fn", "alice");

void delay(shards_in_process& world, message::address const& target, std::string bytes, std::chrono::milliseconds by) {
  auto one = message_to(target, std::move(bytes));
  one.delay = by;
  REQUIRE(std::holds_alternative<accepted>(world.accept(std::move(one))));
}

std::map<message::address, texts> taken(shards_in_process const& world) {
  std::map<message::address, texts> all;
  for (auto const& call : world.functions.calls())
    for (auto& bytes : bytes_of(call.taken))
      all[call.self].push_back(bytes);
  return all;
}

// Every target sets its own alarms: its calls tell when, in the order in which they are to come.
fake_functions::answer sets_alarms_for(message::address const& target) {
  return [target](seen_call const& call) -> result<message::reply> {
    invocation_result done;
    for (auto const& one : call.taken)
      done.delayed.push_back(message::delayed_send{std::stol(one.value.bytes), target, one.value, "token"});
    return message::reply{std::move(done)};
  };
}

} // namespace

TEST_CASE("after a time in which nothing ran all that is overdue comes in due order, as mailboxes admit it") {
  for (std::size_t const shards : {1U, 3U}) {
    INFO(shards << " shards");
    shards_in_process world(shards);
    world.functions.declare("fn", {}, marked(10));
    constexpr int targets = 20;
    constexpr int alarms = 100;
    std::map<message::address, texts> expected;
    for (int alarm = 0; alarm < alarms; ++alarm)
      for (int target = 0; target < targets; ++target) {
        // Set in another order than they are due in.
        auto const due = std::chrono::minutes((alarm * 37) % alarms);
        delay(world, address_of("fn", std::to_string(target)), std::to_string(due.count()), due + 1s);
      }
    for (int target = 0; target < targets; ++target)
      for (int due = 0; due < alarms; ++due)
        expected[address_of("fn", std::to_string(target))].push_back(std::to_string(due));
    auto const stands = address_of("fn", "0");
    world.functions.hold_only(stands);
    world.loop.time().jump_wall(2h);
    world.advance(5s);
    // One that stands holds up none of the others, and gets no more than it admits.
    auto seen = taken(world);
    for (auto const& [self, bytes] : expected)
      if (self != stands)
        CHECK(seen[self] == bytes);
    CHECK(world.status("fn").waiting_messages_count <= 10);
    CHECK(world.all().counts().delayed_count >= alarms - 2 * 10);
    CHECK(world.status("fn").addresses_count == 1);
    world.functions.release();
    world.settle();
    CHECK(taken(world) == expected);
    for (auto const& call : world.functions.calls())
      CHECK(call.taken.size() <= 10);
    CHECK(world.all().counts().delayed_count == 0);
    CHECK(world.is_empty());

    dispatch::histogram<dispatch::lateness_seconds_bounds.size()> late;
    for (auto const& shard : world.shards())
      for (std::size_t i = 0; i < late.counts.size(); ++i)
        late.counts[i] += shard.delayed_lateness_seconds.counts[i];
    CHECK(late.counts.back() == targets * alarms);
  }
}

TEST_CASE("what is due for a full mailbox stays in the table, can be cancelled there, and goes before uploads") {
  for (std::size_t const shards : {1U, 4U}) {
    INFO(shards << " shards");
    shards_in_process world(shards);
    auto const target = address_of("target", "t");
    world.functions.declare("setter", sets_alarms_for(target));
    world.functions.declare("target", {}, marked(2));
    world.functions.hold_types({"target"});
    REQUIRE(world.accepts(target, "out"));
    world.settle();
    REQUIRE(world.accepts(target, "waits 1"));
    REQUIRE(world.accepts(target, "waits 2"));
    REQUIRE(world.accepts(address_of("setter", "a"), "1000"));
    REQUIRE(world.accepts(address_of("setter", "b"), "2000"));
    world.settle();
    world.advance(10s);
    CHECK(world.all().counts().delayed_count == 2);
    CHECK(world.status("target").waiting_messages_count == 2);
    auto const behind = world.start_upload({message_to(target, "behind")}, 1h);
    world.settle();
    CHECK_FALSE(behind->has_value());

    // The first is cancelled by whoever set it, at the last moment.
    world.functions.declare("setter", [](seen_call const&) {
      invocation_result done;
      done.delayed = {message::delayed_cancel{"token"}};
      return message::reply{std::move(done)};
    });
    world.apply();
    REQUIRE(world.accepts(address_of("setter", "a"), "cancel"));
    world.settle();
    CHECK(world.all().counts().delayed_count == 1);
    world.functions.release();
    world.settle();
    CHECK(behind->has_value());
    auto got = taken(world)[target];
    if (shards > 1) // whoever comes from afar first
      std::sort(got.begin() + 3, got.end());
    CHECK(got == texts{"out", "waits 1", "waits 2", "2000", "behind"});
    CHECK(world.all().counts().delayed_count == 0);
    CHECK(world.is_empty());
  }
}

TEST_CASE("what is due for a type that nobody declares waits in the table once its mark is reached") {
  dispatch::options chosen;
  chosen.unbound_bytes_max = 1000;
  shards_in_process world(1, chosen);
  auto const target = address_of("nobody", "n");
  world.functions.declare("setter", sets_alarms_for(target));
  for (int i = 1; i <= 20; ++i)
    REQUIRE(world.accepts(address_of("setter", "s"), std::to_string(i * 1000)));
  world.settle();
  world.advance(1min);
  CHECK(world.status("nobody").waiting_messages_count < 6);
  CHECK(world.status("nobody").waiting_messages_count + static_cast<std::size_t>(world.all().counts().delayed_count) ==
        20);
  world.functions.declare("nobody");
  world.apply();
  world.settle();
  texts expected;
  for (int i = 1; i <= 20; ++i)
    expected.push_back(std::to_string(i * 1000));
  CHECK(taken(world)[target] == expected);
  CHECK(world.is_empty());
}

TEST_CASE("a stop is not held up by what waits for a full mailbox, and tells of it") {
  shards_in_process world(3);
  world.functions.declare("fn", {}, marked(1));
  world.functions.hold();
  for (int i = 0; i < 10; ++i) {
    auto const self = address_of("fn", std::to_string(i));
    REQUIRE(world.accepts(self, "out"));
    world.settle();
    REQUIRE(world.accepts(self, "waits"));
    delay(world, self, "due", 1s);
  }
  world.advance(2s);
  auto const left = world.start_drain(clock::deadline::after(5s));
  world.advance(5s);
  world.settle();
  REQUIRE(left->has_value());
  CHECK((**left).delayed_count == 10);
  CHECK((**left).messages_count == 20);
}

TEST_CASE("delayed messages from outside have a door of their own, which opens when one has fired") {
  dispatch::options chosen;
  chosen.delayed_max = 2;
  shards_in_process world(1, chosen);
  world.functions.declare("fn");
  delay(world, alice, "1", 10s);
  delay(world, alice, "2", 20s);
  auto third = message_to(alice, "3");
  third.delay = 30s;
  auto const told = world.accept(third);
  REQUIRE(std::holds_alternative<refusal>(told));
  CHECK(std::get<refusal>(told).why == number::delayed_limit_reached);
  CHECK(std::get<refusal>(told).detail == "limits.delayed_max messages are pending already");
  CHECK(std::get<refusal>(told).retry_after == 10s);
  auto const upload = world.start_upload({third}, 15s);
  world.advance(9s);
  CHECK_FALSE(upload->has_value());
  world.advance(1s);
  world.advance(20ms);
  REQUIRE(upload->has_value());
  CHECK(std::holds_alternative<accepted>((**upload)[0]));
  world.advance(1min);
  CHECK(taken(world)[alice] == texts{"1", "2", "3"});
  CHECK(world.is_empty());
}

TEST_CASE("pending delayed messages count toward the memory mark until they are consumed") {
  dispatch::options chosen;
  chosen.memory.bytes_max = 5000;
  shards_in_process world(2, chosen);
  world.functions.declare("fn");
  int count = 0;
  for (; count < 100; ++count) {
    auto one = message_to(address_of("fn", std::to_string(count)), std::string(300, 'x'));
    one.delay = 1h;
    auto const told = world.accept(one);
    if (auto const* const why = std::get_if<refusal>(&told)) {
      CHECK(why->why == number::memory_mark_reached);
      break;
    }
  }
  CHECK(count > 1);
  CHECK(count < 10);
  CHECK(world.all().counts().buffered_bytes > 3000);
  world.advance(1h);
  CHECK(world.is_empty());
  CHECK(world.accepts(alice, std::string(300, 'x')));
}

TEST_CASE("a store that keeps nothing has all delayed messages in memory, whatever the window may hold") {
  dispatch::options chosen;
  chosen.delayed_window_bytes_max = 1;
  shards_in_process world(2, chosen);
  function::limits narrow;
  narrow.waiting_max = narrow.batch_messages_max = 1;
  world.functions.declare("fn", {}, narrow);
  auto const self = address_of("fn", "x");
  world.functions.hold();
  for (int i = 1; i <= 6; ++i) {
    auto one = message_to(self, std::to_string(i));
    one.delay = std::chrono::seconds(i);
    REQUIRE(std::holds_alternative<dispatch::accepted>(world.accept(one)));
  }
  world.advance(10s);
  CHECK(world.all().counts().delayed_count > 2); // set aside, for the mailbox is shut
  world.functions.release();
  world.settle();
  CHECK(world.functions.taken(self) == std::vector<std::string>{"1", "2", "3", "4", "5", "6"});
  CHECK(world.is_empty());
}
