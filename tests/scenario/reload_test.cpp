#include "support/shards_in_process.hpp"

#include "dispatch/share.hpp"
#include "task/gate.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <map>
#include <random>

using namespace statefund;
using namespace statefund::support;
using namespace std::chrono_literals;
using dispatch::refusal;
using message::invocation_result;

namespace {

using texts = std::vector<std::string>;

message::address const alice = address_of("fn", "alice");
message::address const bob = address_of("fn", "bob");
message::address const sink = address_of("sink", "s");
message::egress_id const way{"out", "way"};

function::limits called_at_most(std::size_t calls_max) {
  function::limits limits;
  limits.concurrent_calls_max = calls_max;
  return limits;
}

function::limits marked(std::size_t waiting_max, std::size_t batch_messages_max) {
  function::limits limits;
  limits.waiting_max = waiting_max;
  limits.batch_messages_max = batch_messages_max;
  return limits;
}

std::shared_ptr<message::state_specs const> states(texts const& names) {
  message::state_specs specs;
  for (auto const& name : names)
    specs.push_back({name, "", {}});
  return std::make_shared<message::state_specs const>(std::move(specs));
}

// Sends what it gets to the sink.
result<message::reply> passes_on(seen_call const& call) {
  invocation_result done;
  for (auto const& one : call.taken)
    done.messages.push_back({sink, one.value});
  return message::reply{std::move(done)};
}

result<message::reply> echoes(seen_call const& call) {
  invocation_result done;
  for (auto const& one : call.taken)
    done.egresses.push_back({way, one.value});
  return message::reply{std::move(done)};
}

// Asks for a state and writes to it what it got last.
fake_functions::answer keeps_in(std::string name) {
  return [name](seen_call const& call) -> result<message::reply> {
    auto const& specs = *call.states.specs;
    bool const carried = std::any_of(specs.begin(), specs.end(), [&](auto const& spec) { return spec.name == name; });
    if (!carried)
      return message::reply{message::missing_states{{{name, "", {}}}}};
    invocation_result done;
    done.mutations.push_back({name, call.taken.back().value});
    return message::reply{std::move(done)};
  };
}

// "a=1 b=-": what a call carried.
std::string carried(seen_call const& call) {
  std::string text;
  for (std::size_t i = 0; i < call.states.specs->size(); ++i) {
    auto const& value = call.states.values[i];
    text += (text.empty() ? "" : " ") + (*call.states.specs)[i].name + '=' + (value ? value->value.bytes : "-");
  }
  return text;
}

} // namespace

TEST_CASE("a changed function takes new calls at once, and a call that is out ends on the old one, which is closed") {
  shards_in_process world;
  world.functions.declare("fn", {}, called_at_most(1));
  world.functions.hold();
  REQUIRE(world.accepts(alice, "1"));
  world.settle();
  REQUIRE(world.accepts(alice, "2"));
  world.functions.declare("fn", {}, called_at_most(1));
  world.apply();
  CHECK(world.functions.closed_count("fn") == 1);
  REQUIRE(world.accepts(bob, "3"));
  world.settle();
  auto calls = world.functions.calls();
  REQUIRE(calls.size() == 2); // the old call takes no permit of the new function
  CHECK(calls[0].self == alice);
  CHECK(calls[0].version == 1);
  CHECK(calls[1].self == bob);
  CHECK(calls[1].version == 2);
  world.functions.release();
  world.settle();
  calls = world.functions.calls();
  REQUIRE(calls.size() == 3);
  CHECK(calls[2].version == 2);
  CHECK(world.functions.taken(alice) == texts{"1", "2"});
  CHECK(world.functions.made_count("fn") == 2);
  CHECK(world.functions.closed_count("fn") == 1);
  CHECK(world.functions.fault().empty());
  CHECK(world.is_empty());
}

TEST_CASE("a reload that changes nothing makes and closes nothing") {
  shards_in_process world(4);
  world.functions.declare("fn", passes_on);
  world.functions.declare("sink", {}, called_at_most(2));
  world.functions.declare("changed");
  for (int i = 0; i < 8; ++i)
    REQUIRE(world.accepts(address_of("fn", std::to_string(i)), "x"));
  REQUIRE(world.accepts(address_of("changed", "c"), "x"));
  world.settle();
  auto const functions_count = world.functions.made_count("fn") + world.functions.made_count("sink");
  world.functions.hold();
  REQUIRE(world.accepts(alice, "out"));
  world.settle();
  for (int i = 0; i < 3; ++i) {
    world.functions.declare("changed");
    world.apply();
  }
  world.functions.release();
  world.settle();
  CHECK(world.functions.taken(sink).size() == 9);
  CHECK(world.functions.made_count("fn") + world.functions.made_count("sink") == functions_count);
  CHECK(world.functions.closed_count("fn") + world.functions.closed_count("sink") == 0);
  CHECK(world.functions.closed_count("changed") == 3);
  CHECK(world.is_empty());
}

TEST_CASE("a type whose module is gone is unknown outside; from functions messages wait, and go on in order") {
  for (std::size_t const calls_max : {100U, 1U}) {
    shards_in_process world(3);
    world.functions.declare("fn", passes_on);
    world.functions.declare("sink", {}, called_at_most(calls_max));
    world.functions.hold();
    REQUIRE(world.accepts(sink, "0"));
    world.settle();
    REQUIRE(world.accepts(sink, "1"));
    world.functions.forget("sink");
    world.apply();
    CHECK(world.logged.count(number::function_unbound) == 1);
    CHECK(refused(world.accept(message_to(sink, "refused"))) == number::function_type_unknown);
    CHECK_FALSE(world.at().text_type_name(sink.type));
    world.functions.release();
    world.settle();
    CHECK(world.functions.taken(sink) == texts{"0"}); // the answer of the call that was out has taken effect
    for (auto const* const bytes : {"2", "3"}) {
      REQUIRE(world.accepts(alice, bytes));
      world.settle();
    }
    world.advance(1h);
    auto const waiting = world.status("sink");
    CHECK_FALSE(waiting.bound);
    CHECK(waiting.addresses_count == 1);
    CHECK(waiting.waiting_messages_count == 3);
    CHECK(waiting.in_flight_count == 0);
    CHECK(world.functions.closed_count("sink") == world.functions.made_count("sink"));

    world.functions.declare("sink", {}, called_at_most(calls_max));
    world.apply();
    REQUIRE(world.accepts(sink, "4"));
    world.settle();
    CHECK(world.functions.taken(sink) == texts{"0", "1", "2", "3", "4"});
    CHECK(world.functions.calls().back().version == 2);
    CHECK(world.status("sink").bound);
    CHECK(world.is_empty());
  }
}

TEST_CASE("a type that is gone with nothing waiting is forgotten, and one that waits is told once") {
  shards_in_process world;
  world.functions.declare("fn", passes_on);
  world.functions.declare("other");
  world.functions.hold();
  REQUIRE(world.accepts(address_of("other", "o"), "out"));
  REQUIRE(world.accepts(alice, "1"));
  world.settle();
  world.functions.forget("other");
  world.apply();
  CHECK(world.at().status().lanes.size() == 2); // its call is still out
  world.functions.release();
  world.settle();
  world.apply();
  auto const lanes = world.at().status().lanes;
  REQUIRE(lanes.size() == 2);
  for (auto const& lane : lanes)
    CHECK(lane.type.name != "other");
  REQUIRE(world.accepts(alice, "2"));
  world.settle();
  CHECK(world.status("sink").waiting_messages_count == 2);
  CHECK(world.logged.count(number::function_unbound) == 1);
}

TEST_CASE("who backs off or is held while the module is gone waits with the others, and goes on with them") {
  dispatch::options chosen;
  chosen.egress_queue.bytes_max = 10;
  shards_in_process world(1, chosen);
  world.functions.declare("fn", echoes);
  REQUIRE(world.accepts(alice, "fills the queue"));
  world.settle();
  REQUIRE(world.accepts(alice, "held"));
  world.settle();
  CHECK(world.status("fn").held_count == 1);
  world.functions.fail_next(1);
  REQUIRE(world.accepts(bob, "fails"));
  world.settle();
  CHECK(world.status("fn").backing_off_count == 1);

  world.functions.forget("fn");
  world.apply();
  auto const calls_count = world.functions.calls_count();
  world.advance(1min);
  world.read(way, world.read(way).last_sequence);
  world.settle();
  CHECK(world.functions.calls_count() == calls_count);
  auto const waiting = world.status("fn");
  CHECK_FALSE(waiting.bound);
  CHECK(waiting.held_count == 0);
  CHECK(waiting.backing_off_count == 0);
  CHECK(waiting.waiting_messages_count == 2);

  world.functions.declare("fn");
  world.apply();
  world.settle();
  CHECK(world.functions.taken(alice).back() == "held");
  CHECK(world.functions.taken(bob).back() == "fails");
  CHECK(world.is_empty());
}

TEST_CASE("what waits for a module that does not come back is lost with a memory store, and counted") {
  shards_in_process world(2);
  world.functions.declare("fn", passes_on);
  REQUIRE(world.accepts(alice, "1"));
  REQUIRE(world.accepts(alice, "2"));
  world.settle();
  world.functions.forget("fn");
  world.apply();
  auto const left = world.start_drain(clock::deadline::after(1s));
  world.settle();
  CHECK_FALSE(left->has_value()); // a reload may still bring the module
  world.advance(1s);
  REQUIRE(left->has_value());
  CHECK((*left)->messages_count == 2);
}

TEST_CASE("a reload during a drain lets go on what waited for it; once the turns have ended it does nothing") {
  shards_in_process world(2);
  world.functions.declare("fn", passes_on);
  REQUIRE(world.accepts(alice, "1"));
  world.settle();
  auto const left = world.start_drain(clock::deadline::after(1h));
  world.settle();
  world.functions.declare("sink");
  world.apply();
  world.advance(5ms);
  REQUIRE(left->has_value());
  CHECK((*left)->messages_count == 0);
  CHECK(world.functions.taken(sink) == texts{"1"});
  world.functions.declare("sink");
  auto const made_count = world.functions.made_count("sink");
  world.apply();
  CHECK(world.functions.made_count("sink") == made_count);
}

TEST_CASE("a stop cancels the calls that are out on what a reload has replaced, too") {
  shards_in_process world(2);
  world.functions.declare("fn");
  world.functions.hold();
  REQUIRE(world.accepts(alice, "1"));
  world.settle();
  world.functions.declare("fn");
  world.apply();
  REQUIRE(world.accepts(bob, "2"));
  world.settle();
  CHECK(world.functions.in_flight_count() == 2);
  auto const left = world.start_drain(clock::deadline::after(1s));
  world.advance(1s);
  REQUIRE(left->has_value());
  CHECK((*left)->messages_count == 2);
  CHECK(world.functions.in_flight_count() == 0);
  CHECK(world.functions.closed_count("fn") == world.functions.made_count("fn"));
}

TEST_CASE("a changed batch limit holds for the next batch") {
  shards_in_process world;
  world.functions.declare("fn", {}, marked(10, 10));
  world.functions.hold();
  REQUIRE(world.accepts(alice, "out"));
  world.settle();
  for (auto const* const bytes : {"1", "2", "3", "4", "5"})
    REQUIRE(world.accepts(alice, bytes));
  world.functions.declare("fn", {}, marked(10, 2));
  world.apply();
  world.functions.release();
  world.settle();
  texts sizes;
  for (auto const& call : world.functions.calls())
    sizes.push_back(std::to_string(call.taken.size()));
  CHECK(sizes == texts{"1", "2", "2", "1"});
}

TEST_CASE("a changed timeout and back-off hold for the next call") {
  shards_in_process world;
  function::limits limits;
  world.functions.declare("fn", {}, limits);
  REQUIRE(world.accepts(alice, "0"));
  world.settle();
  limits.call_timeout = 3s;
  limits.backoff = {10s, 10s};
  world.functions.declare("fn", {}, limits);
  world.apply();
  world.functions.hold();
  REQUIRE(world.accepts(alice, "1"));
  world.advance(3s - 1ms);
  CHECK(world.status("fn").in_flight_count == 1);
  world.advance(1ms);
  CHECK(world.status("fn").backing_off_count == 1);
  CHECK(world.status("fn").next_attempt_ms >= 5000 - 1);
}

TEST_CASE("a door that was shut opens where the mark is raised, and shuts where it is lowered") {
  shards_in_process world;
  world.functions.declare("fn", {}, marked(2, 2));
  world.functions.declare("kept", {}, marked(2, 2));
  auto const other = address_of("kept", "k");
  world.functions.hold();
  for (auto const& self : {alice, bob, other}) {
    REQUIRE(world.accepts(self, "out"));
    world.settle();
    REQUIRE(world.accepts(self, "1"));
  }
  REQUIRE(world.accepts(alice, "2"));
  REQUIRE(world.accepts(other, "2"));
  CHECK(world.status("fn").shut_count == 1);
  auto const waits = world.start_upload({message_to(alice, "3")}, 10s);
  world.settle();
  CHECK_FALSE(waits->has_value());

  world.functions.declare("fn", {}, marked(3, 2));
  world.apply();
  world.settle();
  REQUIRE(waits->has_value());
  CHECK(std::holds_alternative<dispatch::accepted>((**waits)[0]));
  CHECK(world.status("fn").shut_count == 1); // with the third one
  CHECK(world.status("kept").shut_count == 1);
  CHECK(refused(world.accept(message_to(alice, "4"))) == number::mailbox_full);

  world.functions.declare("fn", {}, marked(1, 2));
  world.apply();
  CHECK(world.status("fn").shut_count == 2);
  CHECK(refused(world.accept(message_to(bob, "2"))) == number::mailbox_full);
  world.functions.release();
  world.settle();
  CHECK(world.status("fn").shut_count == 0);
  CHECK(world.is_empty());
}

TEST_CASE("who waits at a door whose type goes away is told so, and those behind as well; other types wait on") {
  shards_in_process world(2);
  world.functions.declare("fn", {}, marked(1, 1));
  world.functions.declare("kept", {}, marked(1, 1));
  auto const other = address_of("kept", "k");
  world.functions.hold();
  for (auto const& self : {alice, other}) {
    REQUIRE(world.accepts(self, "out"));
    world.settle();
    REQUIRE(world.accepts(self, "waits"));
  }
  auto const first = world.start_upload({message_to(alice, "1"), message_to(alice, "2")}, 10s);
  auto const second = world.start_upload({message_to(alice, "3")}, 10s);
  auto const third = world.start_upload({message_to(other, "4")}, 10s);
  world.settle();
  world.functions.forget("fn");
  world.apply();
  world.settle();
  REQUIRE((first->has_value() && second->has_value()));
  CHECK(refused((**first)[0]) == number::function_type_unknown);
  CHECK(refused((**first)[1]) == number::rejected_before);
  CHECK(refused((**second)[0]) == number::function_type_unknown);
  CHECK_FALSE(third->has_value());
  world.functions.release();
  world.settle();
  REQUIRE(third->has_value());
  CHECK_FALSE(refused((**third)[0]));
}

TEST_CASE("a message whose key is looked up while its type goes away is refused") {
  shards_in_process world;
  world.functions.declare("fn");
  world.store.hold_keys();
  auto one = message_to(alice, "x");
  one.idempotency_key = "k";
  auto const told = world.start_accept(one);
  world.settle();
  world.functions.forget("fn");
  world.apply();
  world.store.release();
  world.settle();
  REQUIRE(told->has_value());
  CHECK(refused(**told) == number::function_type_unknown);
  world.functions.declare("fn");
  world.apply();
  CHECK_FALSE(refused(world.accept(one)));
}

TEST_CASE("where a type gone makes room below function_types_max, one that waited for room is bound") {
  dispatch::options chosen;
  chosen.function_types_max = 2;
  shards_in_process world(1, chosen);
  world.functions.declare("fn", passes_on);
  world.functions.declare("sink");
  world.functions.declare("other");
  REQUIRE(world.accepts(address_of("other", "o"), "x"));
  REQUIRE(world.accepts(alice, "1"));
  world.settle();
  CHECK(world.status("sink").waiting_messages_count == 1);
  world.functions.declare("fn", passes_on); // a change takes no room from others, nor gives any
  world.apply();
  CHECK(world.status("fn").bound);
  CHECK_FALSE(world.status("sink").bound);
  world.functions.forget("other");
  world.apply();
  world.settle();
  CHECK(world.functions.taken(sink) == texts{"1"});
  CHECK(refused(world.accept(message_to(address_of("other", "o"), "x"))) == number::function_types_limit_reached);
}

TEST_CASE("a type that was not used for a minute gives its place below function_types_max to another") {
  dispatch::options chosen;
  chosen.function_types_max = 2;
  shards_in_process world(1, chosen);
  world.functions.declare("fn", passes_on);
  world.functions.declare("sink");
  world.functions.declare("other");
  world.functions.declare("more");
  auto const more = message_to(address_of("more", "m"), "x");
  REQUIRE(world.accepts(address_of("other", "o"), "x"));
  REQUIRE(world.accepts(alice, "1")); // passed on to one type too many
  world.settle();
  CHECK(refused(world.accept(more)) == number::function_types_limit_reached);
  CHECK(world.at().text_type_name(more.target.type) == "text"); // it is declared, and refused for want of a place alone
  CHECK(world.status("sink").waiting_messages_count == 1);
  world.advance(59s);
  CHECK(refused(world.accept(more)) == number::function_types_limit_reached);
  CHECK(world.functions.closed_count("other") == 0);
  world.advance(2s);
  CHECK(world.functions.taken(sink) == texts{"1"}); // which waited for a place
  CHECK(world.functions.closed_count("other") == 1);
  CHECK(world.functions.closed_count("fn") == 1);
  CHECK_FALSE(refused(world.accept(more)));
  CHECK(refused(world.accept(message_to(alice, "2"))) == number::function_types_limit_reached);
  world.advance(61s);
  CHECK_FALSE(refused(world.accept(message_to(alice, "2")))); // made anew
  world.settle();
  CHECK(world.functions.made_count("fn") == 2);
  CHECK(world.is_empty());
}

TEST_CASE("while types are used, none gives its place up") {
  dispatch::options chosen;
  chosen.function_types_max = 1;
  shards_in_process world(1, chosen);
  world.functions.declare("fn");
  world.functions.declare("other");
  auto const other = message_to(address_of("other", "o"), "x");
  world.functions.hold();
  REQUIRE(world.accepts(alice, "1"));
  world.settle();
  world.advance(2min);
  CHECK(refused(world.accept(other)) == number::function_types_limit_reached);
  world.functions.release();
  world.advance(1min); // past the back-off of a call that took too long
  CHECK(world.is_empty());
  CHECK(refused(world.accept(other)) == number::function_types_limit_reached);
  world.advance(61s);
  CHECK_FALSE(refused(world.accept(other)));
  world.settle();
  CHECK(world.functions.closed_count("fn") == 1);
  CHECK(world.is_empty());
}

TEST_CASE("egresses are known from the reload on that declares them") {
  shards_in_process world(2);
  message::egress_id const other{"out", "other"};
  auto const ask = [&] {
    auto const told = world.start_read({other, {}, false, 100, clock::deadline::after({})});
    world.settle();
    return std::holds_alternative<store::egress_page>(told->value());
  };
  world.apply();
  CHECK_FALSE(ask());
  world.egresses.insert(other);
  world.apply();
  CHECK(ask());
  world.egresses.erase(other);
  world.apply();
  CHECK_FALSE(ask());
}

TEST_CASE("learned states stay learned over a reload, and values stay what they were") {
  shards_in_process world;
  world.functions.declare("fn", keeps_in("a"));
  REQUIRE(world.accepts(alice, "1"));
  world.settle();
  world.functions.declare("fn", keeps_in("a"));
  world.apply();
  REQUIRE(world.accepts(alice, "2"));
  world.settle();
  world.functions.forget("fn");
  world.apply();
  world.functions.declare("fn", keeps_in("b"));
  world.apply();
  REQUIRE(world.accepts(alice, "3"));
  world.settle();
  texts seen;
  for (auto const& call : world.functions.calls())
    seen.push_back(carried(call));
  // Nothing was waiting when the type was gone, so what had been learned went with it.
  CHECK(seen == texts{"", "a=-", "a=1", "", "b=-"});
}

TEST_CASE("a changed list of declared states holds for the next call, and states that stay keep their values") {
  shards_in_process world;
  auto const writes_all = [](seen_call const& call) -> result<message::reply> {
    invocation_result done;
    for (auto const& spec : *call.states.specs)
      done.mutations.push_back({spec.name, call.taken.back().value});
    return message::reply{std::move(done)};
  };
  auto const call = [&](std::string bytes) {
    REQUIRE(world.accepts(alice, std::move(bytes)));
    world.settle();
    return carried(world.functions.calls().back());
  };
  world.functions.declare("fn", writes_all, {}, states({"a", "b"}));
  CHECK(call("1") == "a=- b=-");
  world.functions.declare("fn", writes_all, {}, states({"b", "c"}));
  world.apply();
  CHECK(call("2") == "b=1 c=-");
  world.functions.declare("fn", writes_all, {}, states({"a", "b"}));
  world.apply();
  CHECK(call("3") == "a=1 b=2"); // nothing was deleted
}

TEST_CASE("states start anew where a type changes its protocol") {
  shards_in_process world;
  world.functions.declare("fn", keeps_in("a"));
  REQUIRE(world.accepts(alice, "1"));
  world.settle();
  world.functions.declare("fn", {}, {}, states({"a", "b"}));
  world.apply();
  REQUIRE(world.accepts(alice, "2"));
  world.settle();
  world.functions.declare("fn", keeps_in("a"));
  world.apply();
  REQUIRE(world.accepts(alice, "3"));
  world.settle();
  texts seen;
  for (auto const& call : world.functions.calls())
    seen.push_back(carried(call));
  CHECK(seen == texts{"", "a=-", "a=1 b=-", "", "a=1"});
}

TEST_CASE("an answer to a call that carried a state since removed takes effect; a wish for states does not") {
  shards_in_process world;
  world.functions.declare("fn", keeps_in("a"), {}, states({"a"}));
  world.functions.hold();
  REQUIRE(world.accepts(alice, "1"));
  world.settle();
  world.functions.declare("fn", keeps_in("learned"));
  world.apply();
  REQUIRE(world.accepts(bob, "2"));
  world.settle();
  world.functions.declare("fn", {}, {}, states({"a"}));
  world.apply();
  world.functions.release();
  world.settle();
  auto const calls = world.functions.calls();
  REQUIRE(calls.size() == 3);
  CHECK(calls[2].self == bob); // called again, with the batch that was out
  CHECK(calls[2].version == 3);
  CHECK(bytes_of(calls[2].taken) == texts{"2"});
  CHECK(carried(calls[2]) == "a=-");
  REQUIRE(world.accepts(alice, "3"));
  world.settle();
  CHECK(carried(world.functions.calls().back()) == "a=1");
  CHECK(world.status("fn").failures_count_max == 0);
  CHECK(world.is_empty());
}

TEST_CASE("the failure of a function that was replaced is not counted, and its batch is called again at once") {
  shards_in_process world;
  world.functions.declare("fn");
  world.functions.hold();
  REQUIRE(world.accepts(alice, "1"));
  world.settle();
  world.functions.declare("fn");
  world.apply();
  world.functions.fail_next(1);
  world.functions.release();
  world.settle();
  CHECK(world.functions.taken(alice) == texts{"1", "1"});
  CHECK(world.functions.calls().back().version == 2);
  CHECK(world.logged.count(number::call_failed) == 0);
  CHECK(world.is_empty());
}

TEST_CASE("a turn that reads its states during a reload calls the new function alone, wherever its permits are") {
  for (std::size_t const shards_count : {1U, 4U}) {
    shards_in_process world(shards_count);
    world.functions.declare("fn", {}, called_at_most(1));
    world.store.hold_reads();
    for (int i = 0; i < 8; ++i)
      REQUIRE(world.accepts(address_of("fn", std::to_string(i)), "x"));
    world.settle();
    world.functions.forget("fn");
    world.apply();
    world.store.release();
    world.settle();
    CHECK(world.functions.calls_count() == 0);
    world.functions.declare("fn", {}, called_at_most(1));
    world.apply();
    REQUIRE(world.loop.run_until([&] { return world.is_empty(); }));
    for (auto const& call : world.functions.calls())
      CHECK(call.version == 2);
    CHECK(world.functions.calls_count() == 8);
    CHECK(world.functions.fault().empty());
  }
}

TEST_CASE("a limit that falls below the number of shards brings all calls home, and one that rises spreads them") {
  shards_in_process world(4);
  auto const home = dispatch::home_of(alice.type, 4);
  auto const send_to_all = [&] {
    for (int i = 0; i < 16; ++i)
      REQUIRE(world.accepts(address_of("fn", std::to_string(i)), "x", static_cast<std::size_t>(i % 4)));
    world.settle();
  };
  world.functions.declare("fn", {}, called_at_most(4));
  world.functions.hold();
  send_to_all();
  CHECK(world.functions.in_flight_count() == 4);
  world.functions.declare("fn", {}, called_at_most(2));
  world.apply();
  world.settle();
  CHECK(world.functions.in_flight_count() == 6); // of the old limit and of the new
  world.functions.release();
  REQUIRE(world.loop.run_until([&] { return world.is_empty(); }));
  world.functions.forget_calls();
  world.functions.hold();
  send_to_all();
  CHECK(world.functions.in_flight_count() == 2);
  for (auto const& call : world.functions.calls())
    CHECK(call.shard == home);
  world.functions.declare("fn", {}, called_at_most(100));
  world.apply();
  world.settle();
  CHECK(world.functions.in_flight_count() == 16);
  world.functions.release();
  REQUIRE(world.loop.run_until([&] { return world.is_empty(); }));
  CHECK(world.functions.calls_count() == 16);
  CHECK(world.functions.fault().empty());
}

namespace {

// An address of the type that lives on the shard.
message::address address_on(shards_in_process& world, std::string const& type, std::size_t shard) {
  for (int i = 0;; ++i)
    if (auto self = address_of(type, std::to_string(i));
        message::partition_of(self, world.store.partition_count()) % world.all().shards_count() == shard)
      return self;
}

} // namespace

TEST_CASE("between two shards of which one has not applied a reload yet, a turn waits and is not passed to and fro") {
  std::string name = "fn";
  while (dispatch::home_of({"ns", name}, 3) != 2)
    name += 'x';
  for (int steps_count = 0; steps_count < 40; ++steps_count) {
    INFO("after " << steps_count << " steps of the first shard");
    shards_in_process world(3, {}, {}, loops::one_a_shard);
    auto const self = address_on(world, name, 1);
    world.functions.declare(name, {}, called_at_most(1));
    world.apply();
    world.functions.hold();
    REQUIRE(world.accepts(self, "1"));
    world.settle();
    REQUIRE(world.accepts(self, "2"));
    world.functions.declare(name, {}, called_at_most(2));
    auto const applied = world.start_apply();
    for (int i = 0; i < steps_count; ++i)
      world.loop.step(0);
    world.functions.release();
    int moves_count = 0;
    for (bool moved = true; moved && moves_count < 1000; ++moves_count) {
      bool const one = world.loop.step(1);
      bool const other = world.loop.step(2);
      moved = one || other;
    }
    CHECK(moves_count < 100);
    world.settle();
    CHECK(applied->has_value());
    CHECK(world.functions.taken(self) == texts{"1", "2"});
    CHECK(world.is_empty());
  }
}

namespace {

boost::asio::awaitable<void> send(dispatch::shard& by, dispatch::submission one) {
  auto const told = co_await by.accept(std::move(one));
  CHECK(std::holds_alternative<dispatch::accepted>(told));
}

} // namespace

TEST_CASE("a success of what another shard has bound already gives nothing up that failed with what was bound before") {
  for (int steps_count = 0; steps_count < 40; ++steps_count) {
    INFO("after " << steps_count << " steps of the first shard");
    shards_in_process world(3, {}, {}, loops::one_a_shard);
    auto const bad = address_on(world, "fn", 2);
    auto const good = address_on(world, "fn", 1);
    function::limits skips;
    skips.then = message::on_failure::skip;
    auto const refuses = [&](seen_call const& call) -> result<message::reply> {
      return error{call.self == bad ? function::errc::message_refused : function::errc::endpoint_failed, "bad"};
    };
    world.functions.declare("fn", refuses, skips);
    world.apply();
    REQUIRE(world.accepts(bad, "1"));
    world.settle();
    REQUIRE(world.status("fn").paused_count == 1);

    world.functions.declare("fn", {}, skips);
    auto const applied = world.start_apply();
    for (int i = 0; i < steps_count; ++i)
      world.loop.step(0);
    task::gate door(world.at(1).executor());
    door.start(send(world.at(1), message_to(good, "2")));
    for (std::size_t const shard : {1, 2})
      for (int i = 0; i < 1000 && world.loop.step(shard); ++i)
        ;
    world.advance(2min);
    CHECK(applied->has_value());
    CHECK(door.running_count() == 0);
    CHECK(world.status("fn").counters.skipped_total == 0);
    CHECK(world.functions.taken(bad) == texts{"1", "1"});
    CHECK(world.is_empty());
  }
}

TEST_CASE("where a type that has come back finds no room below function_types_max on one shard, its turns wait there") {
  dispatch::options chosen;
  chosen.function_types_max = 1;
  shards_in_process world(2, chosen);
  auto const home = dispatch::home_of({"ns", "few"}, 2);
  auto const away = address_on(world, "few", 1 - home);
  auto const other = address_on(world, "fn", 1 - home);
  world.functions.declare("few", {}, called_at_most(1));
  world.functions.hold();
  REQUIRE(world.accepts(address_on(world, "few", home), "out"));
  world.settle();
  REQUIRE(world.accepts(away, "1"));
  world.settle();
  world.functions.forget("few");
  world.functions.declare("fn");
  world.apply();
  world.functions.release();
  REQUIRE(world.accepts(other, "x"));
  world.settle();

  world.functions.declare("few", {}, called_at_most(1));
  world.apply();
  world.settle();
  CHECK(world.status("few").waiting_messages_count == 1);
  CHECK(world.functions.calls_count(away) == 0);
  world.functions.forget("fn");
  world.apply();
  world.settle();
  CHECK(world.functions.calls_count(away) == 1);
  CHECK(world.is_empty());
}

namespace {

// What a type is before and after a reload.
struct shape {
  char const* name;
  std::size_t calls_max;
  std::size_t batch_messages_max;
  bool declares_states;
};

constexpr std::array<shape, 4> shapes{{
    {"shares", 100, 10, false},
    {"home", 2, 3, false},
    {"home of one", 1, 1, false},
    {"home that declares states", 2, 2, true},
}};

void declare(shards_in_process& world, shape const& as) {
  auto limits = called_at_most(as.calls_max);
  limits.batch_messages_max = as.batch_messages_max;
  world.functions.declare("fn", keeps_in("a"), limits, as.declares_states ? states({"a", "b"}) : nullptr);
}

// Three shards on loops of their own, of which one at a time goes a step, at random: reloads come wherever turns stand,
// and shards work with older and newer declarations at a time.
void reload_at_random(unsigned seed, shape const& before, shape const& after, bool goes_away) {
  std::minstd_rand random(seed);
  shards_in_process world(3, {}, {}, loops::one_a_shard);
  declare(world, before);
  world.apply();
  std::vector<std::pair<message::address, coming<dispatch::receipt>>> told;
  auto const send_some = [&] {
    for (auto count = random() % 12; count > 0; --count) {
      auto const id = random() % 6;
      auto const self = address_of("fn", std::to_string(id)); // each comes in by the same door, and so in order
      told.emplace_back(self, world.start_accept(message_to(self, std::to_string(told.size())), id % 3));
    }
  };
  auto const step = [&](auto const& until) {
    for (auto count = random() % 100; count > 0 && !until(); --count)
      world.loop.step(random() % world.loop.loops_count());
  };
  auto const never = [] { return false; };
  auto const apply = [&] {
    auto const applied = world.start_apply();
    while (!applied->has_value())
      step([&] { return applied->has_value(); });
  };
  send_some();
  step(never);
  if (goes_away) {
    world.functions.forget("fn");
    apply();
    step(never);
  }
  declare(world, after);
  apply();
  send_some();
  world.settle();
  CHECK(world.is_empty());
  CHECK(world.functions.fault().empty());
  std::map<message::address, texts> sent;
  for (std::size_t i = 0; i < told.size(); ++i)
    if (auto const& [self, receipt] = told[i]; !refused(receipt->value()))
      sent[self].push_back(std::to_string(i));
  std::map<message::address, texts> got;
  std::map<message::address, texts> last;
  for (auto const& call : world.functions.calls()) {
    auto const batch = bytes_of(call.taken);
    // A batch that took no effect comes again, first.
    if (auto const& before_it = last[call.self]; !before_it.empty() && before_it.front() == batch.front())
      got[call.self].resize(got[call.self].size() - before_it.size());
    last[call.self] = batch;
    got[call.self].insert(got[call.self].end(), batch.begin(), batch.end());
  }
  CHECK(got == sent);
}

} // namespace

TEST_CASE("at whatever moment a reload comes, nothing is lost, repeated or reordered") {
  for (auto const& before : shapes)
    for (auto const& after : shapes)
      for (bool const goes_away : {false, true})
        for (unsigned seed = 1; seed <= 50; ++seed) {
          INFO("from " << before.name << " to " << after.name << (goes_away ? ", gone between" : "") << ", seed "
                       << seed);
          reload_at_random(seed, before, after, goes_away);
        }
}
