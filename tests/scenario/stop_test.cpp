#include "support/shards_in_process.hpp"

#include <catch2/catch.hpp>

using namespace statefund;
using namespace statefund::support;
using namespace std::chrono_literals;
using clock::deadline;

namespace {

message::address const alice = address_of("fn", "alice");

} // namespace

TEST_CASE("a stop with a memory store goes on with what waits, and takes nothing new") {
  shards_in_process world(2);
  world.functions.declare("fn");
  world.functions.fail_next(1);
  REQUIRE(world.accepts(alice, "1"));
  world.settle();
  auto const left = world.start_drain(deadline::after(30s));
  world.settle();
  CHECK_FALSE(left->has_value());
  auto const refused = world.accept(message_to(alice, "2"));
  REQUIRE(std::holds_alternative<dispatch::refusal>(refused));
  CHECK(std::get<dispatch::refusal>(refused).why == number::not_accepting);
  world.advance(100ms);
  world.advance(5ms);
  REQUIRE(left->has_value());
  CHECK((*left)->messages_count == 0);
  CHECK(world.functions.calls_count() == 2);
}

TEST_CASE("a stop with a durable store starts no turn, and lets those that run end") {
  shards_in_process world(2);
  world.store.keep_over_restart();
  world.functions.declare("fn");
  world.functions.hold();
  REQUIRE(world.accepts(alice, "1"));
  world.settle();
  REQUIRE(world.accepts(alice, "2"));
  auto const left = world.start_drain(deadline::after(30s));
  world.settle();
  CHECK_FALSE(left->has_value());
  world.functions.release();
  world.settle();
  REQUIRE(left->has_value());
  CHECK((*left)->messages_count == 1);
  CHECK(world.functions.calls_count() == 1);
}

TEST_CASE("at the end of its time a stop cancels calls, also those at another shard, and counts what is left") {
  shards_in_process world(4);
  function::limits few;
  few.concurrent_calls_max = 2;
  world.functions.declare("fn");
  world.functions.declare("few", {}, few);
  world.functions.hold();
  for (int i = 0; i < 10; ++i) {
    REQUIRE(world.accepts(address_of("fn", std::to_string(i)), "x"));
    REQUIRE(world.accepts(address_of("few", std::to_string(i)), "x"));
  }
  auto one = message_to(alice, "late");
  one.delay = 1h;
  REQUIRE(std::holds_alternative<dispatch::accepted>(world.accept(one)));
  world.settle();
  CHECK(world.functions.in_flight_count() == 12);
  auto const left = world.start_drain(deadline::after(10s));
  world.advance(10s - 1ms);
  CHECK_FALSE(left->has_value());
  world.advance(1ms);
  world.settle();
  REQUIRE(left->has_value());
  CHECK((*left)->messages_count == 20);
  CHECK((*left)->delayed_count == 1);
  CHECK(world.functions.in_flight_count() == 0);
}

TEST_CASE("a call of another shard's type that a stop has cancelled before it began does not begin") {
  shards_in_process world(4);
  world.store.keep_over_restart();
  function::limits few;
  few.concurrent_calls_max = 3;
  world.functions.declare("fn", {}, few);
  world.store.hold_reads();
  for (int i = 0; i < 8; ++i) {
    REQUIRE(world.accepts(address_of("fn", std::to_string(i)), "x"));
  }
  world.settle();
  world.functions.hold();
  auto const left = world.start_drain(deadline::after(1s));
  world.advance(1s);
  world.store.release();
  world.settle();
  REQUIRE(left->has_value());
  CHECK((*left)->messages_count == 8);
}

TEST_CASE("a stop wakes those who wait at doors and at egresses") {
  shards_in_process world;
  function::limits narrow;
  narrow.waiting_max = 1;
  world.store.keep_over_restart();
  world.functions.declare("fn", {}, narrow);
  world.functions.hold();
  REQUIRE(world.accepts(alice, "1"));
  world.settle();
  REQUIRE(world.accepts(alice, "2"));
  auto const upload = world.start_upload({message_to(alice, "3"), message_to(alice, "4")}, 10s);
  auto const reader = world.start_read({{"out", "declared"}, {}, false, 100, deadline::after(60s)});
  world.settle();
  auto const left = world.start_drain(deadline::after(30s));
  world.settle();
  REQUIRE(upload->has_value());
  for (auto const& one : **upload)
    CHECK(std::holds_alternative<dispatch::refusal>(one));
  REQUIRE(reader->has_value());
  CHECK(std::get<store::egress_page>(**reader).records.empty());
  world.functions.release();
  world.settle();
  CHECK(left->has_value());
}

TEST_CASE("a store that is lost while a turn reads leaves the batch where it was") {
  shards_in_process world;
  world.functions.declare("fn");
  world.store.hold_reads();
  REQUIRE(world.accepts(alice, "1"));
  world.settle();
  world.store.lose();
  world.settle();
  CHECK(world.stores_lost_count() > 0);
  CHECK(world.functions.calls_count() == 0);
  CHECK(world.all().counts().pending_messages_count == 1);
}

TEST_CASE("once a stop has closed the functions none is made any more, and what comes is refused for the stop") {
  shards_in_process world;
  world.functions.declare("fn");
  auto const left = world.start_drain(deadline::after(1s));
  world.settle();
  REQUIRE(left->has_value());
  CHECK(world.at().text_type_name({"ns", "fn"}) == "text");
  CHECK(world.functions.made_count("fn") == 0);
  auto const refused = world.accept(message_to(alice, "late"));
  REQUIRE(std::holds_alternative<dispatch::refusal>(refused));
  CHECK(std::get<dispatch::refusal>(refused).why == number::not_accepting);
}

TEST_CASE("what a stop no longer waits for until it is durable is not taken for a lost store") {
  shards_in_process world;
  world.store.keep_over_restart();
  function::limits careful;
  careful.calls = message::call_when::durable;
  world.functions.declare("careful", {}, careful);
  world.functions.declare("fn", [](seen_call const& call) -> result<message::reply> {
    message::invocation_result done;
    done.egresses.push_back({{"out", "declared"}, call.taken[0].value});
    return message::reply{std::move(done)};
  });
  world.store.hold_durable();
  REQUIRE(world.accepts(address_of("careful", "waits"), "1"));
  REQUIRE(world.accepts(alice, "1"));
  world.settle();
  REQUIRE(world.functions.calls_count() == 1);
  auto const left = world.start_drain(deadline::after(1s));
  world.advance(1s);
  world.settle();
  REQUIRE(left->has_value());
  CHECK((*left)->messages_count == 1);
  CHECK(world.stores_lost_count() == 0);
}
