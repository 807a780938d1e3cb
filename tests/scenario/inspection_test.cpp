#include "support/shards_in_process.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace statefund;
using namespace statefund::support;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using dispatch::address_detail;
using dispatch::address_filter;
using dispatch::address_list;
using dispatch::refusal;
using dispatch::standing;
using message::invocation_result;

namespace {

namespace asio = boost::asio;
using texts = std::vector<std::string>;

message::address const alice = address_of("fn", "alice");
message::address const bob = address_of("fn", "bob");
message::egress_id const way{"out", "way"};
message::state_spec const seen{"seen", "int", {}};

address_list listed(shards_in_process& world, address_filter wanted = {}) {
  return world.loop.run(world.all().addresses(std::move(wanted)));
}

std::variant<address_detail, refusal> described(shards_in_process& world, message::address const& self) {
  auto told = world.loop.run(world.all().describe(self));
  return std::move(*told);
}

address_detail detail(shards_in_process& world, message::address const& self) {
  auto told = described(world, self);
  return std::get<address_detail>(std::move(told));
}

texts ids_of(address_list const& from) {
  texts ids;
  for (auto const& one : from.addresses)
    ids.push_back(one.self.id);
  return ids;
}

} // namespace

TEST_CASE("addresses are listed over all shards, the one that has waited longest first, as many as asked for") {
  shards_in_process world(3);
  world.functions.declare("fn");
  world.functions.declare("other");
  world.functions.hold();
  texts ids;
  for (int i = 0; i < 40; ++i) {
    ids.push_back(std::to_string(i));
    REQUIRE(world.accepts(address_of(i % 2 == 0 ? "fn" : "other", ids.back()), "x"));
    world.advance(1ms);
  }
  auto const all = listed(world);
  CHECK(ids_of(all) == ids);
  CHECK(all.total_count == 40);
  CHECK(all.durable);

  address_filter wanted;
  wanted.addresses_max = 3;
  CHECK(ids_of(listed(world, wanted)) == texts{"0", "1", "2"});
  CHECK(listed(world, wanted).total_count == 40);
  wanted.type = message::function_type{"ns", "other"};
  CHECK(ids_of(listed(world, wanted)) == texts{"1", "3", "5"});
  CHECK(listed(world, wanted).total_count == 20);
  wanted.addresses_max = 0;
  CHECK(listed(world, wanted).addresses.empty());
  CHECK(listed(world, wanted).total_count == 20);
  wanted.stands = standing::backing_off;
  CHECK(listed(world, wanted).total_count == 0);

  world.functions.release();
  world.settle();
  CHECK(listed(world).total_count == 0);
}

TEST_CASE("a list can be had of each state, and describe says why an address stands so") {
  dispatch::options chosen;
  chosen.egress_queue.bytes_max = 10;
  shards_in_process world(2, chosen);
  function::limits one_call;
  one_call.concurrent_calls_max = 1;
  world.functions.declare("busy", {}, one_call);
  world.functions.declare("fails", [](seen_call const&) -> result<message::reply> {
    return error{function::errc::endpoint_failed, "the function answered 500"};
  });
  world.functions.declare("writes", [](seen_call const&) -> result<message::reply> {
    invocation_result done;
    done.egresses.push_back({way, {"t", true, std::string(20, 'x')}});
    return message::reply{done};
  });
  world.functions.declare("sends", [](seen_call const&) -> result<message::reply> {
    invocation_result done;
    done.messages.push_back({address_of("nobody", "a"), {"t", true, "x"}});
    return message::reply{done};
  });
  REQUIRE(world.accepts(address_of("fails", "a"), "12345"));
  REQUIRE(world.accepts(address_of("fails", "a"), "second"));
  REQUIRE(world.accepts(address_of("writes", "a"), "1"));
  REQUIRE(world.accepts(address_of("sends", "a"), "1"));
  world.settle();
  REQUIRE(world.accepts(address_of("writes", "a"), "2"));
  world.settle();
  world.functions.hold();
  REQUIRE(world.accepts(address_of("busy", "a"), "1"));
  world.settle();
  REQUIRE(world.accepts(address_of("busy", "a"), "22"));
  REQUIRE(world.accepts(address_of("busy", "b"), "1"));
  world.settle();

  auto const types_of = [&](standing stands) {
    address_filter wanted;
    wanted.stands = stands;
    texts types;
    auto const found = listed(world, wanted);
    for (auto const& one : found.addresses)
      types.push_back(one.self.type.name + "/" + one.self.id);
    CHECK(found.total_count == types.size());
    return types;
  };
  CHECK(types_of(standing::in_flight) == texts{"busy/a"});
  CHECK(types_of(standing::ready) == texts{"busy/b"});
  CHECK(types_of(standing::backing_off) == texts{"fails/a"});
  CHECK(types_of(standing::held) == texts{"writes/a"});
  CHECK(types_of(standing::unbound) == texts{"nobody/a"});
  CHECK(types_of(standing::paused).empty());
  CHECK(types_of(standing::idle).empty());

  auto const out = detail(world, address_of("busy", "a"));
  CHECK(out.why == "its call is out, with 1 message");
  CHECK(out.summary.messages_count == 2);
  CHECK(out.summary.bytes == 2 * message::message_overhead_bytes + 5); // with the type of each
  REQUIRE(out.head);
  CHECK(out.head->bytes == 1);
  CHECK(detail(world, address_of("busy", "b")).why == "all calls that its type may have out here are out: 1");
  auto const failed = detail(world, address_of("fails", "a"));
  CHECK(failed.why == "its last call failed; it is called again after a back-off");
  CHECK(failed.summary.failures_count == 1);
  CHECK_THAT(failed.summary.last_error, Contains("the function answered 500"));
  CHECK(failed.summary.next_attempt > clock::steady::now());
  CHECK(failed.summary.messages_count == 2);
  REQUIRE(failed.head);
  CHECK(failed.head->bytes == 5);
  CHECK(failed.head->type_name == "t");
  CHECK_FALSE(failed.head->caller);
  CHECK(detail(world, address_of("writes", "a")).why ==
        "the egress out/way is full; it goes on once records are acknowledged");
  auto const unbound = detail(world, address_of("nobody", "a"));
  CHECK(unbound.why == "no module declares ns/nobody");
  REQUIRE(unbound.head);
  CHECK(unbound.head->caller == address_of("sends", "a"));
  CHECK_FALSE(unbound.summary.next_attempt);
}

TEST_CASE("an address that is held says for what, though it never wrote to an egress") {
  dispatch::options chosen = with_memory(20'000);
  chosen.unbound_bytes_max = 1000;
  shards_in_process world(1, chosen);
  world.functions.declare("sends", [](seen_call const&) {
    invocation_result done;
    for (int i = 0; i < 4; ++i)
      done.messages.push_back({address_of("nobody", "a"), {"t", true, std::string(300, 'x')}});
    return says(std::move(done));
  });
  world.functions.declare("doubles", [](seen_call const& call) {
    invocation_result done;
    for (auto const& one : call.taken)
      for (int i = 0; i < 2; ++i)
        done.messages.push_back({call.self, one.value});
    return says(std::move(done));
  });
  REQUIRE(world.accepts(address_of("sends", "a"), "1"));
  world.settle();
  REQUIRE(world.accepts(address_of("sends", "a"), "2"));
  world.settle();
  CHECK(detail(world, address_of("sends", "a")).why ==
        "enough waits for ns/nobody, which no module declares; it goes on once that is declared");
  REQUIRE(world.accepts(address_of("doubles", "a"), "1"));
  world.settle();
  CHECK(detail(world, address_of("doubles", "a")).why ==
        "it sends more than it consumes, and memory is full; it goes on once others have consumed");
}

TEST_CASE("an address whose endpoint is not reached says so, wherever its type has its home") {
  shards_in_process world(3);
  function::limits one_call;
  one_call.concurrent_calls_max = 1;
  world.functions.declare("fn", {}, one_call);
  world.functions.fail_next(1000, function::errc::endpoint_unreachable);
  for (char const* const id : {"a", "b", "c", "d"})
    REQUIRE(world.accepts(address_of("fn", id), "x"));
  world.settle();
  for (char const* const id : {"a", "b", "c", "d"}) {
    auto const one = detail(world, address_of("fn", id));
    CHECK(one.summary.stands == standing::ready);
    CHECK_THAT(one.why, StartsWith("its endpoint is not reached, and is tried by one call at a time: "));
  }
}

TEST_CASE("describe shows states by size and never by value, and what was set for later") {
  shards_in_process world;
  auto const keeps_and_delays = [](seen_call const& call) -> result<message::reply> {
    if (call.states.specs->empty())
      return message::reply{message::missing_states{{seen}}};
    invocation_result done;
    done.mutations.push_back({"seen", message::typed_value{"int", true, "12345678"}});
    done.delayed.emplace_back(message::delayed_send{5000, bob, {"t", true, "later"}, ""});
    done.delayed.emplace_back(message::delayed_send{2000, bob, {"t", true, "sooner"}, "token"});
    return message::reply{done};
  };
  world.functions.declare("fn", keeps_and_delays);
  auto const at_ms = clock::unix_ms();
  REQUIRE(world.accepts(alice, "1"));
  world.settle();
  auto const idle = detail(world, alice);
  CHECK(idle.summary.stands == standing::idle);
  CHECK_FALSE(idle.summary.oldest_since);
  CHECK_FALSE(idle.head);
  CHECK(idle.states == std::vector<store::state_summary>{{"seen", "int", 8, 0}});
  CHECK(idle.delayed_count == 2);
  CHECK(idle.delayed_next_due_ms == at_ms + 2000);
  CHECK(idle.durable);

  auto const unknown = described(world, bob);
  auto const* const refused = std::get_if<refusal>(&unknown);
  REQUIRE(refused);
  CHECK(refused->why == number::address_unknown);
  CHECK(refused->detail == "nothing waits for ns/fn/bob, and it has neither states nor delayed messages");
}

TEST_CASE("what is shown waits a moment for the disk, and is then called not durable") {
  shards_in_process world;
  world.functions.declare("fn");
  world.functions.hold();
  world.store.hold_durable();
  REQUIRE(world.accepts(alice, "1"));
  std::optional<dispatch::verb_answer<address_detail>> told;
  std::optional<address_list> list;
  task::gate asking(world.loop.executor());
  asking.start(keep(world.all().describe(alice), told));
  asking.start(keep(world.all().addresses({}), list));
  world.settle();
  CHECK_FALSE(told);
  CHECK_FALSE(list);
  world.advance(1s);
  world.settle();
  REQUIRE(told);
  REQUIRE(list);
  CHECK_FALSE(std::get<address_detail>(**told).durable);
  CHECK_FALSE(list->durable);
  world.store.release();
  CHECK(detail(world, alice).durable);
  world.loop.run(asking.close());
}

TEST_CASE("a list of very many addresses is made in slices, between which a shard does its work") {
  shards_in_process world(1, {}, {}, loops::one_a_shard);
  world.functions.declare("fn");
  world.functions.hold();
  constexpr int addresses_count = 20'000;
  for (int i = 0; i < addresses_count; ++i)
    world.start_accept(message_to(address_of("fn", std::to_string(i)), "x"));
  world.settle();
  std::optional<address_list> list;
  task::gate asking(world.loop.executor());
  asking.start(keep(world.all().addresses({}), list));
  int steps_count = 0;
  int other_work_count = 0;
  std::function<void()> const other_work = [&] {
    ++other_work_count;
    if (!list)
      asio::post(world.loop.executor(), other_work);
  };
  asio::post(world.loop.executor(), other_work);
  while (!list && steps_count < 1000 && world.loop.step(0))
    ++steps_count;
  REQUIRE(list);
  CHECK(list->total_count == addresses_count);
  CHECK(list->addresses.size() == 100);
  CHECK(other_work_count >= 8);
  world.functions.release();
  world.loop.run(asking.close());
  world.settle();
}

TEST_CASE("addresses that come and go during a list make it neither wrong nor endless") {
  shards_in_process world;
  world.functions.declare("fn");
  world.functions.declare("short");
  world.functions.hold();
  for (int i = 0; i < 5'000; ++i)
    world.start_accept(message_to(address_of("fn", std::to_string(i)), "x"));
  world.settle();
  std::optional<address_list> list;
  task::gate asking(world.loop.executor());
  address_filter stays;
  stays.type = message::function_type{"ns", "fn"};
  asking.start(keep(world.all().addresses(stays), list));
  int came_count = 0;
  while (!list && world.loop.step(0))
    for (int i = 0; i < 100 && came_count < 20'000; ++i)
      world.start_accept(message_to(address_of("short", std::to_string(came_count++)), "x"));
  REQUIRE(list);
  CHECK(came_count > 0);
  CHECK(list->total_count == 5'000);
  world.functions.release();
  world.loop.run(asking.close());
  world.settle();
}
