#include "support/shards_in_process.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace statefund;
using namespace statefund::support;
using namespace std::chrono_literals;
using dispatch::accepted;
using dispatch::carried_out;
using dispatch::refusal;

namespace {

using texts = std::vector<std::string>;

message::address const alice = address_of("fn", "alice");
message::address const bob = address_of("fn", "bob");

// A message's key, from the answer to its sender.
message::entry_key send(shards_in_process& world, message::address const& to, std::string bytes) {
  auto const told = world.accept(message_to(to, std::move(bytes)));
  REQUIRE(std::holds_alternative<accepted>(told));
  return std::get<accepted>(told).id;
}

void is_done(dispatch::verb_receipt const& told) {
  if (auto const* const no = std::get_if<refusal>(&told))
    FAIL(no->detail);
}

refusal refused(dispatch::verb_receipt const& told) {
  REQUIRE(std::holds_alternative<refusal>(told));
  return std::get<refusal>(told);
}

} // namespace

TEST_CASE("a paused address keeps its messages and takes new ones up to its mark, and goes on in order") {
  auto const shards_count = GENERATE(1, 3);
  shards_in_process world(static_cast<std::size_t>(shards_count));
  function::limits limits;
  limits.waiting_max = 3;
  world.functions.declare("fn", {}, limits);
  is_done(world.carry_out(world.at().pause(alice, "an incident")));
  CHECK(world.status("fn").paused_count == 1);
  for (auto const* bytes : {"1", "2", "3"})
    REQUIRE(world.accepts(alice, bytes));
  CHECK_FALSE(world.accepts(alice, "4"));
  REQUIRE(world.accepts(bob, "other"));
  world.advance(1h);
  CHECK(world.functions.taken(alice).empty());
  CHECK(world.functions.taken(bob) == texts{"other"});
  CHECK(world.status("fn").waiting_messages_count == 3);
  CHECK(world.status("fn").addresses_count == 1);

  is_done(world.carry_out(world.at().resume(alice)));
  world.settle();
  CHECK(world.functions.taken(alice) == texts{"1", "2", "3"});
  CHECK(world.status("fn").paused_count == 0);
  CHECK(world.status("fn").addresses_count == 0);
  CHECK(world.is_empty());
  CHECK(world.logged.count(number::operator_acted) == 2);
}

TEST_CASE("pausing twice and resuming what is not paused change nothing, and say so") {
  shards_in_process world;
  world.functions.declare("fn");
  auto const was_so = [](dispatch::verb_receipt const& told) { return std::get<carried_out>(told).was_so; };
  CHECK(was_so(world.carry_out(world.at().resume(alice))));
  CHECK_FALSE(was_so(world.carry_out(world.at().pause(alice, "one"))));
  CHECK(was_so(world.carry_out(world.at().pause(alice, "two"))));
  CHECK(world.status("fn").paused_count == 1);
  CHECK_FALSE(was_so(world.carry_out(world.at().resume(alice))));
  CHECK(was_so(world.carry_out(world.at().resume(alice))));
  CHECK(world.status("fn").paused_count == 0);
  CHECK(world.status("fn").addresses_count == 0);
}

TEST_CASE("a verb waits for the call in flight, and finds the address as that call has left it") {
  shards_in_process world;
  world.functions.declare("fn");
  world.functions.hold();
  auto const first = send(world, alice, "1");
  world.settle();
  send(world, alice, "2");
  auto const pausing = world.start_verb(world.at().pause(alice, "an incident"));
  auto const skipping = world.start_verb(world.at().skip(alice, first));
  world.settle();
  CHECK_FALSE(pausing->has_value());
  CHECK_FALSE(skipping->has_value());
  world.functions.release();
  world.settle();
  REQUIRE(pausing->has_value());
  REQUIRE(skipping->has_value());
  CHECK(refused(**skipping).why == number::message_not_at_head);
  CHECK(world.functions.taken(alice) == texts{"1"});
  is_done(world.carry_out(world.at().resume(alice)));
  world.settle();
  CHECK(world.functions.taken(alice) == texts{"1", "2"});
}

TEST_CASE("a turn that was on its way when its address was paused calls nothing") {
  shards_in_process world(3);
  function::limits one_call; // all calls are made on the type's home
  one_call.concurrent_calls_max = 1;
  world.functions.declare("fn", {}, one_call);
  world.functions.hold();
  std::vector<message::address> others;
  for (int i = 0; i < 20; ++i) {
    others.push_back(address_of("fn", std::to_string(i)));
    REQUIRE(world.accepts(others.back(), "1"));
  }
  world.settle();
  for (auto const& each : others)
    world.start_verb(world.at().pause(each, "an incident"));
  world.settle();
  world.functions.release();
  world.settle();
  CHECK(world.functions.calls_count() == 1); // the one that was out
  CHECK(world.status("fn").paused_count == 20);
  for (auto const& each : others)
    is_done(world.carry_out(world.at().resume(each)));
  world.settle();
  CHECK(world.functions.calls_count() == 20);
  CHECK(world.is_empty());
  CHECK(world.functions.fault().empty());
}

TEST_CASE("an address that backs off is called at once when it is resumed") {
  shards_in_process world;
  world.functions.declare("fn");
  world.functions.fail_next(1);
  REQUIRE(world.accepts(alice, "1"));
  world.settle();
  REQUIRE(world.status("fn").backing_off_count == 1);
  is_done(world.carry_out(world.at().pause(alice, "an incident")));
  CHECK(world.status("fn").backing_off_count == 0);
  world.advance(1h);
  CHECK(world.functions.calls_count() == 1);
  is_done(world.carry_out(world.at().resume(alice)));
  world.settle();
  CHECK(world.functions.calls_count() == 2);
  CHECK(world.status("fn").failing_count == 0);
  CHECK(world.is_empty());
}

TEST_CASE("an address that a full egress holds can be paused, and is held no more once the egress is read") {
  dispatch::options chosen;
  chosen.egress_queue.bytes_max = 20;
  shards_in_process world(1, chosen);
  message::egress_id const way{"out", "way"};
  world.functions.declare("fn", [&](seen_call const& call) -> result<message::reply> {
    message::invocation_result done;
    for (auto const& one : call.taken)
      done.egresses.push_back({way, one.value});
    return message::reply{std::move(done)};
  });
  REQUIRE(world.accepts(alice, std::string(30, 'x')));
  world.settle();
  REQUIRE(world.accepts(alice, "2"));
  world.settle();
  REQUIRE(world.status("fn").held_count == 1);
  auto const calls_count = world.functions.calls_count();
  is_done(world.carry_out(world.at().pause(alice, "an incident")));
  CHECK(world.status("fn").held_count == 0);
  auto const page = world.read(way);
  world.read(way, page.last_sequence);
  world.settle();
  CHECK(world.functions.calls_count() == calls_count);
  is_done(world.carry_out(world.at().resume(alice)));
  world.settle();
  CHECK(bytes_of(world.read(way)) == texts{"2"});
}

TEST_CASE("a skip drops the message that it names and no other") {
  shards_in_process world(2);
  world.functions.declare("fn");
  is_done(world.carry_out(world.at().pause(alice, "an incident")));
  auto const first = send(world, alice, "1");
  auto const second = send(world, alice, "2");
  send(world, alice, "3");
  auto const early = refused(world.carry_out(world.at().skip(alice, second)));
  CHECK(early.why == number::message_not_at_head);
  CHECK(early.detail ==
        "the message " + to_text(second) + " is not the first one of ns/fn/alice: that is " + to_text(first));
  is_done(world.carry_out(world.at().skip(alice, first)));
  CHECK(refused(world.carry_out(world.at().skip(alice, first))).why == number::message_not_at_head);
  CHECK(world.status("fn").paused_count == 1); // an operator paused it, and only an operator ends that
  CHECK(world.status("fn").counters.skipped_total == 1);
  is_done(world.carry_out(world.at().resume(alice)));
  world.settle();
  CHECK(world.functions.taken(alice) == texts{"2", "3"});
  CHECK(world.is_empty());
  CHECK(refused(world.carry_out(world.at().skip(bob, first))).detail ==
        "the message " + to_text(first) + " is not the first one of ns/fn/bob: nothing waits there");
}

TEST_CASE("messages to a type that no module declares wait, and can be dropped") {
  shards_in_process world;
  world.functions.declare("fn", [](seen_call const& call) -> result<message::reply> {
    message::invocation_result done;
    for (auto const& one : call.taken)
      done.messages.push_back({address_of("nobody", "x"), one.value});
    return message::reply{std::move(done)};
  });
  REQUIRE(world.accepts(alice, "1"));
  REQUIRE(world.accepts(alice, "2"));
  world.settle();
  CHECK(world.status("nobody").waiting_messages_count == 2);
  CHECK_FALSE(world.status("nobody").bound);
  CHECK_FALSE(world.is_empty());
  auto const lost = address_of("nobody", "x");
  CHECK_FALSE(world.accepts(lost, "from outside"));
  for (int left = 2; left > 0; --left) {
    auto const no = refused(world.carry_out(world.at().skip(lost, {})));
    auto const id = no.detail.substr(no.detail.rfind(' ') + 1);
    auto const dash = id.find('-');
    message::entry_key const head{std::stoull(id.substr(0, dash), nullptr, 16),
                                  static_cast<std::uint32_t>(std::stoul(id.substr(dash + 1), nullptr, 16))};
    is_done(world.carry_out(world.at().skip(lost, head)));
  }
  CHECK(world.status("nobody").addresses_count == 0);
  CHECK(world.is_empty());
}

TEST_CASE("no turn of a paused type starts on any shard, and all of them go on when it is resumed") {
  shards_in_process world(3);
  world.functions.declare("fn");
  world.functions.declare("gn");
  is_done(world.carry_out(world.at(1).pause(alice.type, "an incident")));
  for (int i = 0; i < 30; ++i) {
    REQUIRE(world.accepts(address_of("fn", std::to_string(i)), "1"));
    REQUIRE(world.accepts(address_of("gn", std::to_string(i)), "1"));
  }
  world.settle();
  CHECK(world.functions.calls_count() == 30);
  CHECK(world.status("fn").waiting_messages_count == 30);
  CHECK(world.status("fn").paused->reason == "an incident");
  CHECK_FALSE(world.status("gn").paused);
  world.functions.declare("fn");
  world.apply();
  world.settle();
  CHECK(world.functions.calls_count() == 30);
  is_done(world.carry_out(world.at(2).resume(alice.type)));
  world.settle();
  CHECK(world.functions.calls_count() == 60);
  CHECK_FALSE(world.status("fn").paused);
  CHECK(world.is_empty());
}

TEST_CASE("two operators who pause and resume a type at a time leave every shard in the same state") {
  shards_in_process world(3, {}, {}, loops::one_a_shard);
  world.functions.declare("fn");
  for (unsigned seed = 1; seed <= 50; ++seed) {
    std::minstd_rand random(seed);
    for (int i = 0; i < 3; ++i)
      for (std::size_t shard = 0; shard < 3; ++shard)
        REQUIRE(world.accepts(address_of("fn", std::to_string(random() % 100)), "1"));
    auto const pausing = world.start_verb(world.at().pause(alice.type, "an incident"));
    auto const resuming = world.start_verb(world.at().resume(alice.type));
    for (int i = 0; i < 200; ++i)
      world.loop.step(random() % 3);
    world.settle();
    REQUIRE((pausing->has_value() && resuming->has_value()));
    bool const last_is_pause =
        std::get<carried_out>(**pausing).ordered.number() > std::get<carried_out>(**resuming).ordered.number();
    CHECK(world.status("fn").paused.has_value() == last_is_pause);
    is_done(world.carry_out(world.at().resume(alice.type)));
    world.settle();
    CHECK(world.is_empty());
  }
}

namespace {

// As a turn would set it aside.
void set_aside(shards_in_process& world, message::address const& self, message::entry_key const& key,
               std::string bytes) {
  message::change whole;
  whole.self = self;
  whole.dead_letters.push_back({{key, bob, {"t", true, std::move(bytes)}}, "refused", 1});
  world.store.commit(whole);
}

} // namespace

TEST_CASE("replayed dead letters keep their order among each other, behind what waits, and come once") {
  shards_in_process world(2);
  world.functions.declare("fn");
  set_aside(world, alice, {1, 0}, "1");
  set_aside(world, alice, {2, 0}, "2");
  is_done(world.carry_out(world.at().pause(alice, "an incident")));
  send(world, alice, "waits");
  for (auto const& row : world.dead_letters())
    is_done(world.carry_out(world.at().replay(row.id())));
  CHECK(refused(world.carry_out(world.at().replay({{1, 0}, alice}))).why == number::dead_letter_unknown);
  CHECK(world.dead_letters().empty());
  is_done(world.carry_out(world.at().resume(alice)));
  world.settle();
  CHECK(world.functions.taken(alice) == texts{"waits", "1", "2"});
  CHECK(world.functions.calls().back().taken.back().caller == bob);
  CHECK(world.is_empty());
}

TEST_CASE("of two operators who replay or drop the same dead letter, one does") {
  shards_in_process world;
  world.functions.declare("fn");
  set_aside(world, alice, {1, 0}, "1");
  world.store.hold_reads();
  auto const first = world.start_verb(world.at().replay({{1, 0}, alice}));
  world.settle();
  auto const second =
      world.start_verb(GENERATE(true, false) ? world.at().replay({{1, 0}, alice}) : world.at().drop({{1, 0}, alice}));
  world.settle();
  REQUIRE(second->has_value());
  CHECK(refused(**second).why == number::dead_letter_taken);
  world.store.release();
  world.settle();
  REQUIRE(first->has_value());
  is_done(**first);
  CHECK(world.functions.taken(alice) == texts{"1"});
  CHECK(refused(world.carry_out(world.at().drop({{1, 0}, alice}))).why == number::dead_letter_unknown);
}

TEST_CASE("a dead letter that is dropped is gone, and one is not replayed where a door would refuse it") {
  shards_in_process world;
  function::limits limits;
  limits.waiting_max = 1;
  world.functions.declare("fn", {}, limits);
  set_aside(world, alice, {1, 0}, "1");
  set_aside(world, address_of("nobody", "x"), {2, 0}, "2");
  CHECK(refused(world.carry_out(world.at().replay({{2, 0}, address_of("nobody", "x")}))).why ==
        number::function_type_unknown);
  is_done(world.carry_out(world.at().drop({{2, 0}, address_of("nobody", "x")})));
  is_done(world.carry_out(world.at().pause(alice, "an incident")));
  send(world, alice, "waits");
  CHECK(refused(world.carry_out(world.at().replay({{1, 0}, alice}))).why == number::mailbox_full);
  CHECK(world.dead_letters().size() == 1);
  is_done(world.carry_out(world.at().resume(alice)));
  world.settle();
  is_done(world.carry_out(world.at().replay({{1, 0}, alice})));
  world.settle();
  CHECK(world.functions.taken(alice) == texts{"waits", "1"});
  CHECK(world.store.dead_letters().count == 0);
}
