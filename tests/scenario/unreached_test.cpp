#include "support/shards_in_process.hpp"

#include "dispatch/share.hpp"

#include <catch2/catch.hpp>

#include <map>

using namespace statefund;
using namespace statefund::support;
using namespace std::chrono_literals;
using clock::deadline;
using message::invocation_result;

namespace {

using texts = std::vector<std::string>;

// An endpoint that is down until the test says otherwise.
struct outage {
  bool is_down = true;
  std::size_t reached_count = 0;
  fake_functions::answer answers() {
    return [this](seen_call const&) -> result<message::reply> {
      if (is_down)
        return error{function::errc::endpoint_unreachable, "Connection refused"};
      ++reached_count;
      return message::reply{invocation_result{}};
    };
  }
};

// Lets time pass to the next probe. Returns how long that was.
std::chrono::milliseconds to_next_probe(shards_in_process& world) {
  auto const wait = std::chrono::milliseconds(world.status("fn").next_attempt_ms);
  world.advance(wait + 1ms);
  return wait;
}

void give_all(shards_in_process& world, int addresses_count, std::size_t shards_count = 1) {
  for (int id = 0; id < addresses_count; ++id)
    REQUIRE(world.accepts(address_of("fn", std::to_string(id)), "1", static_cast<std::size_t>(id) % shards_count));
}

// What each address consumed: the batches of the calls that were seen by the function.
std::map<message::address, texts> consumed(std::vector<seen_call> const& calls) {
  std::map<message::address, texts> got;
  for (auto const& call : calls)
    for (auto const& one : call.taken)
      got[call.self].push_back(one.value.bytes);
  return got;
}

} // namespace

TEST_CASE("an endpoint out of reach is tried by one call at a time, ever later, and no address has failed") {
  shards_in_process world;
  outage endpoint;
  world.functions.declare("fn", endpoint.answers());
  REQUIRE(world.accepts(address_of("fn", "0"), "1"));
  world.settle();
  CHECK(world.functions.calls_count() == 1);
  give_all(world, 100);
  world.settle();
  CHECK(world.functions.calls_count() == 1);
  auto full = 10ms;
  for (std::size_t probes = 1; probes <= 12; ++probes) {
    INFO("probe " << probes);
    auto const seen = world.status("fn");
    CHECK(seen.not_reached_count == probes);
    CHECK(seen.failing_count == 0);
    CHECK(seen.failures_count_max == 0);
    CHECK(seen.backing_off_count == 0);
    CHECK(seen.in_flight_count == 0);
    CHECK(seen.last_error == "the endpoint cannot be reached: Connection refused");
    auto const wait = to_next_probe(world);
    CHECK(wait <= full);
    CHECK(wait >= full / 2 - 1ms);
    CHECK(world.functions.calls_count() == probes + 1);
    full = std::min<std::chrono::milliseconds>(full * 2, 5s);
  }
  CHECK(world.functions.in_flight_max() == 1);
  CHECK(world.logged.count(number::endpoint_not_reached) == 4); // 1, 2, 4, 8
  CHECK(world.logged.count(number::call_failed) == 0);

  endpoint.is_down = false;
  world.functions.forget_calls();
  world.advance(5s);
  REQUIRE(world.loop.run_until([&] {
    REQUIRE(world.functions.in_flight_count() <= endpoint.reached_count + 1);
    return world.is_empty();
  }));
  auto const got = consumed(world.functions.calls());
  CHECK(got.size() == 100);
  for (auto const& [self, bytes] : got)
    CHECK(bytes == (self.id == "0" ? texts{"1", "1"} : texts{"1"}));
  CHECK(world.functions.in_flight_max() > 16);
  CHECK(world.status("fn").not_reached_count == 0);
  CHECK(world.logged.count(number::endpoint_reached) == 1);
  CHECK(world.logged.count(number::call_recovered) == 0);
  CHECK(world.functions.fault().empty());
}

TEST_CASE("after an outage each address gets its messages once and in order, over shards and at a home of its own") {
  for (std::size_t const calls_max : {1024U, 2U}) {
    INFO("concurrent calls " << calls_max);
    shards_in_process world(4);
    outage endpoint;
    function::limits limits;
    limits.concurrent_calls_max = calls_max;
    world.functions.declare("fn", endpoint.answers(), limits);
    texts expected;
    for (int round = 0; round < 5; ++round) {
      expected.push_back(std::to_string(round));
      for (int id = 0; id < 40; ++id)
        REQUIRE(world.accepts(address_of("fn", std::to_string(id)), expected.back(), static_cast<std::size_t>(id) % 4));
      world.advance(20ms);
    }
    CHECK(world.status("fn").failing_count == 0);
    CHECK(world.status("fn").not_reached_count > 0);
    CHECK(world.status("fn").waiting_messages_count == 200);
    endpoint.is_down = false;
    world.functions.forget_calls();
    for (int seconds = 0; seconds < 10; ++seconds)
      world.advance(1s);
    REQUIRE(world.loop.run_until([&] { return world.is_empty(); }));
    auto const got = consumed(world.functions.calls());
    CHECK(got.size() == 40);
    for (auto const& [self, bytes] : got)
      CHECK(bytes == expected);
    CHECK(world.functions.fault().empty());
    if (calls_max == 2)
      for (auto const& call : world.functions.calls())
        CHECK(call.shard == dispatch::home_of({"ns", "fn"}, 4));
  }
}

TEST_CASE("an address that backs off keeps its own time while the endpoint is out of reach") {
  shards_in_process world;
  outage endpoint;
  world.functions.declare("fn", endpoint.answers());
  world.functions.fail_next(1);
  REQUIRE(world.accepts(address_of("fn", "failed"), "1"));
  world.settle();
  CHECK(world.status("fn").backing_off_count == 1);
  REQUIRE(world.accepts(address_of("fn", "other"), "1"));
  world.settle();
  auto const seen = world.status("fn");
  CHECK(seen.backing_off_count == 1);
  CHECK(seen.failing_count == 1);
  CHECK(seen.not_reached_count == 1);
  for (int i = 0; i < 20; ++i)
    world.advance(5ms);
  CHECK(world.status("fn").backing_off_count == 0); // its time is over: it waits for the endpoint like the other
  CHECK(world.status("fn").failures_count_max <= 1);
  endpoint.is_down = false;
  world.advance(5s);
  REQUIRE(world.loop.run_until([&] { return world.is_empty(); }));
  CHECK(world.logged.count(number::call_recovered) == 1);
  CHECK(endpoint.reached_count == 2);
}

TEST_CASE("another type is called while an endpoint is out of reach") {
  dispatch::options chosen;
  chosen.calls_in_flight_max = 1;
  shards_in_process world(1, chosen);
  outage endpoint;
  world.functions.declare("fn", endpoint.answers());
  world.functions.declare("other");
  give_all(world, 10);
  for (int id = 0; id < 10; ++id)
    REQUIRE(world.accepts(address_of("other", std::to_string(id)), "1"));
  world.settle();
  for (int id = 0; id < 10; ++id)
    CHECK(world.functions.calls_count(address_of("other", std::to_string(id))) == 1);
  endpoint.is_down = false;
  world.advance(5s);
  REQUIRE(world.loop.run_until([&] { return world.is_empty(); }));
}

TEST_CASE("a reload that moves an endpoint takes effect at once, however late the next probe") {
  shards_in_process world(2);
  outage endpoint;
  world.functions.declare("fn", endpoint.answers());
  give_all(world, 10, 2);
  for (int i = 0; i < 30; ++i)
    world.advance(5s);
  CHECK(world.status("fn").not_reached_count > 10);
  world.functions.declare("fn");
  world.apply();
  REQUIRE(world.loop.run_until([&] { return world.is_empty(); })); // no time has passed
  CHECK(world.status("fn").not_reached_count == 0);
}

TEST_CASE("a stop while an endpoint is out of reach ends at its time, and counts what waited for it") {
  shards_in_process world(2);
  outage endpoint;
  world.functions.declare("fn", endpoint.answers());
  give_all(world, 10, 2);
  world.settle();
  auto const left = world.start_drain(deadline::after(10s));
  world.advance(10s - 1ms);
  CHECK_FALSE(left->has_value());
  world.advance(1ms);
  world.settle();
  REQUIRE(left->has_value());
  CHECK((*left)->messages_count == 10);
}

TEST_CASE("a stop goes on with what waits once the endpoint is reached within its time") {
  shards_in_process world(2);
  outage endpoint;
  world.functions.declare("fn", endpoint.answers());
  give_all(world, 10, 2);
  world.settle();
  auto const left = world.start_drain(deadline::after(30s));
  world.advance(1s);
  endpoint.is_down = false;
  world.advance(5s);
  world.advance(5ms);
  REQUIRE(left->has_value());
  CHECK((*left)->messages_count == 0);
  CHECK(endpoint.reached_count == 10);
}
