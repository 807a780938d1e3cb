#include "support/shards_in_process.hpp"

#include "dispatch/share.hpp"

#include <catch2/catch.hpp>

#include <map>

using namespace statefund;
using namespace statefund::support;
using namespace std::chrono_literals;
using dispatch::accepted;
using dispatch::refusal;
using message::expiration_mode;
using message::invocation_result;

namespace {

using texts = std::vector<std::string>;

message::address const alice = address_of("fn", "alice");
message::address const bob = address_of("fn", "bob");
message::egress_id const way{"out", "way"};
message::state_spec const seen{"seen", "int", {}};

// Asks for the state, then counts the messages in it.
fake_functions::answer counts_in(message::state_spec const& spec) {
  return [spec](seen_call const& call) -> result<message::reply> {
    if (call.states.specs->empty())
      return message::reply{message::missing_states{{spec}}};
    auto const before = call.states.values[0] ? std::stoul(call.states.values[0]->value.bytes) : 0;
    invocation_result done;
    done.mutations.push_back(
        {spec.name, message::typed_value{spec.type_name, true, std::to_string(before + call.taken.size())}});
    return says(std::move(done));
  };
}

// Writes what it gets to the egress.
result<message::reply> echoes(seen_call const& call) {
  invocation_result done;
  for (auto const& one : call.taken)
    done.egresses.push_back({way, one.value});
  return says(std::move(done));
}

std::string state_in(seen_call const& call) {
  return call.states.values.empty() || !call.states.values[0] ? "absent" : call.states.values[0]->value.bytes;
}

} // namespace

TEST_CASE("states are learned from the function's wish, and the same batch is sent again with them") {
  shards_in_process world;
  world.functions.declare("fn", counts_in(seen));
  REQUIRE(world.accepts(alice, "1"));
  world.settle();
  REQUIRE(world.accepts(alice, "2"));
  world.settle();
  REQUIRE(world.accepts(bob, "3"));
  world.settle();
  auto const calls = world.functions.calls();
  REQUIRE(calls.size() == 4);
  CHECK(calls[0].taken == calls[1].taken);
  CHECK(state_in(calls[1]) == "absent");
  CHECK(state_in(calls[2]) == "1");
  CHECK(state_in(calls[3]) == "absent");
  CHECK(world.status("fn").failures_count_max == 0);
}

TEST_CASE("a function that never stops asking for states is in error, like any that asks for what cannot be done") {
  shards_in_process world;
  int asked = 0;
  world.functions.declare("fn", [&](seen_call const&) -> result<message::reply> {
    auto const type = ++asked % 2 == 0 ? "int" : "long";
    return message::reply{message::missing_states{{{"seen", type, {}}}}};
  });
  REQUIRE(world.accepts(alice, "1"));
  REQUIRE(world.loop.run_until([&] { return world.status("fn").paused_count == 1 || asked > 5000; }));
  CHECK(asked < 5000);
}

TEST_CASE("a batch is cut to what fits into a request beside the states, and the rest goes next, in order") {
  shards_in_process world;
  function::limits narrow;
  narrow.payload_bytes_max = 1000;
  narrow.waiting_max = 5;
  auto const keeps_600_bytes = [](seen_call const& call) -> result<message::reply> {
    if (call.states.specs->empty())
      return message::reply{message::missing_states{{seen}}};
    invocation_result done;
    done.mutations.push_back({"seen", message::typed_value{"int", true, std::string(600, 's')}});
    return says(std::move(done));
  };
  world.functions.declare("fn", keeps_600_bytes, narrow);
  REQUIRE(world.accepts(alice, "first"));
  world.settle();
  world.functions.hold();
  REQUIRE(world.accepts(alice, "second"));
  world.settle();
  texts sent;
  for (char const each : {'a', 'b', 'c', 'd', 'e'}) {
    sent.emplace_back(150, each);
    REQUIRE(world.accepts(alice, sent.back()));
  }
  CHECK_FALSE(world.accepts(alice, "full"));
  world.functions.forget_calls();
  world.functions.release();
  world.settle();
  std::vector<std::size_t> counts;
  texts seen_by_function;
  for (auto const& call : world.functions.calls()) {
    counts.push_back(call.taken.size());
    for (auto const& bytes : bytes_of(call.taken))
      seen_by_function.push_back(bytes);
  }
  CHECK(counts == std::vector<std::size_t>{2, 2, 1});
  CHECK(seen_by_function == sent);
  CHECK(world.is_empty());
  CHECK(world.accepts(alice, "the door is open again"));
}

TEST_CASE("a message that is larger than a request goes alone, and is the function's to refuse") {
  shards_in_process world;
  function::limits narrow;
  narrow.payload_bytes_max = 100;
  world.functions.declare("fn", {}, narrow);
  world.functions.hold();
  REQUIRE(world.accepts(alice, "first"));
  world.settle();
  REQUIRE(world.accepts(alice, std::string(200, 'x')));
  REQUIRE(world.accepts(alice, "last"));
  world.functions.release();
  world.settle();
  auto const calls = world.functions.calls();
  REQUIRE(calls.size() == 3);
  CHECK(calls[1].taken.size() == 1);
  CHECK(bytes_of(calls[2].taken) == texts{"last"});
}

TEST_CASE("a state expires after its last write, or after its last call") {
  for (auto const mode : {expiration_mode::after_write, expiration_mode::after_invoke}) {
    shards_in_process world;
    bool counts = true;
    auto const counter = counts_in({"seen", "int", {mode, 10s}});
    world.functions.declare("fn", [&](seen_call const& call) { return counts ? counter(call) : says({}); });
    auto const call = [&] {
      REQUIRE(world.accepts(alice, "x"));
      world.settle();
      return state_in(world.functions.calls().back());
    };
    call();
    world.advance(10s - 1ms);
    counts = false;
    CHECK(call() == "1");
    world.advance(1ms);
    CHECK(call() == (mode == expiration_mode::after_write ? "absent" : "1"));
    world.advance(10s);
    counts = true;
    CHECK(call() == "absent");
    CHECK(call() == "1");
  }
}

TEST_CASE("an expired state that a turn has seen as absent does not come back when the wall clock steps back") {
  shards_in_process world;
  bool counts = true;
  auto const counter = counts_in({"seen", "int", {expiration_mode::after_write, 10s}});
  world.functions.declare("fn", [&](seen_call const& call) { return counts ? counter(call) : says({}); });
  REQUIRE(world.accepts(alice, "x"));
  world.settle();
  counts = false;
  world.advance(10s);
  REQUIRE(world.accepts(alice, "x"));
  world.settle();
  CHECK(state_in(world.functions.calls().back()) == "absent");
  world.loop.time().jump_wall(-1h);
  REQUIRE(world.accepts(alice, "x"));
  world.settle();
  CHECK(state_in(world.functions.calls().back()) == "absent");
}

TEST_CASE("a batch's effects come together or not at all") {
  shards_in_process world;
  world.functions.declare("sink");
  bool wrong = true;
  world.functions.declare("fn", [&](seen_call const& call) -> result<message::reply> {
    if (call.states.specs->empty())
      return message::reply{message::missing_states{{seen}}};
    invocation_result done;
    done.mutations.push_back({"seen", message::typed_value{"int", true, "1"}});
    done.messages.push_back({address_of("sink", "s"), {"t", true, "sent"}});
    done.delayed.push_back(message::delayed_send{10, address_of("sink", "s"), {"t", true, "late"}, {}});
    done.egresses.push_back({way, {"t", true, "out"}});
    if (wrong)
      done.mutations.push_back({"undeclared", std::nullopt});
    return says(std::move(done));
  });
  REQUIRE(world.accepts(alice, "x"));
  world.settle();
  CHECK(world.functions.calls_count(alice) == 2);
  CHECK(world.status("fn").paused_count == 1);
  world.advance(40ms);
  CHECK(world.functions.calls_count(address_of("sink", "s")) == 0);
  CHECK(world.all().counts().delayed_count == 0);
  CHECK(world.read(way).records.empty());
  wrong = false;
  world.carry_out(world.at().resume(alice));
  world.settle();
  CHECK(world.functions.calls_count(address_of("sink", "s")) == 1);
  CHECK(world.all().counts().delayed_count == 1);
  CHECK(bytes_of(world.read(way)) == texts{"out"});
  world.advance(10ms);
  CHECK(world.functions.calls_count(address_of("sink", "s")) == 2);
  CHECK(world.is_empty());
}

TEST_CASE("a failed batch is called again after its type's back-off, which doubles to a cap, first and in order") {
  for (auto const& [initial, cap] : {std::pair(100ms, 60'000ms), std::pair(500ms, 2'000ms)}) {
    INFO("from " << initial.count() << " ms");
    shards_in_process world;
    function::limits limits;
    if (cap != 60s) // what a module says where it says nothing
      limits.backoff = {initial, cap};
    world.functions.declare("fn", {}, limits);
    world.functions.fail_next(13);
    REQUIRE(world.accepts(alice, "1"));
    REQUIRE(world.accepts(alice, "2"));
    world.settle();
    REQUIRE(world.accepts(alice, "3"));
    auto full = initial;
    for (std::size_t failures = 1; failures <= 13; ++failures) {
      INFO("failure " << failures);
      auto const before = world.functions.calls_count(alice);
      auto const wait = std::chrono::milliseconds(world.status("fn").next_attempt_ms);
      CHECK(wait <= full);
      CHECK(wait >= full / 2 - 1ms);
      world.advance(wait - 1ms);
      CHECK(world.functions.calls_count(alice) == before);
      world.advance(2ms);
      CHECK(world.functions.calls_count(alice) == before + (failures < 13 ? 1 : 2));
      full = std::min<std::chrono::milliseconds>(full * 2, cap);
    }
    auto const calls = world.functions.calls();
    CHECK(bytes_of(calls[calls.size() - 2].taken) == texts{"1"}); // what came meanwhile is behind what failed
    CHECK(bytes_of(calls.back().taken) == texts{"2", "3"});
    CHECK(world.status("fn").backing_off_count == 0);
    CHECK(world.logged.count(number::call_recovered) == 1);
    CHECK(world.is_empty());
  }
}

TEST_CASE("a failed call is logged under the number of its kind") {
  std::pair<function::errc, number> const kinds[] = {
      {function::errc::endpoint_failed, number::call_failed},
      {function::errc::message_refused, number::call_refused},
      {function::errc::answer_unreadable, number::answer_unreadable},
      {function::errc::wrong_generation, number::generation_mismatch},
      {function::errc::function_in_error, number::function_in_error},
  };
  for (auto const& [kind, expected] : kinds) {
    shards_in_process world;
    world.functions.declare("fn");
    world.functions.fail_next(1, kind);
    REQUIRE(world.accepts(alice, "1"));
    world.settle();
    // One that is given up is logged under what becomes of it, with the number of its kind.
    auto const given_up = world.logged.events(number::address_paused);
    CHECK((given_up.empty() ? to_string(world.logged.events().back().what.value()) : given_up[0].fields.at("reason")) ==
          to_string(expected));
    world.carry_out(world.at().resume(alice));
    world.advance(100ms);
    CHECK(world.is_empty());
  }
}

TEST_CASE("what a function sends arrives in order, over shards, and never at a full door") {
  shards_in_process world(4);
  function::limits narrow;
  narrow.waiting_max = 2;
  world.functions.declare("sink", {}, narrow);
  world.functions.declare("fn", [](seen_call const& call) {
    invocation_result done;
    for (auto const& one : call.taken)
      for (int target = 0; target < 20; ++target)
        done.messages.push_back({address_of("sink", std::to_string(target)), one.value});
    return says(std::move(done));
  });
  texts expected;
  for (int i = 0; i < 50; ++i) {
    expected.push_back(std::to_string(i));
    REQUIRE(world.accepts(alice, expected.back(), static_cast<std::size_t>(i % 4)));
  }
  REQUIRE(world.loop.run_until([&] { return world.is_empty(); }));
  std::map<message::address, texts> got;
  for (auto const& call : world.functions.calls())
    for (auto const& one : call.taken)
      if (call.self.type.name == "sink") {
        got[call.self].push_back(one.value.bytes);
        CHECK(one.caller == alice);
      }
  CHECK(got.size() == 20);
  for (auto const& [self, bytes] : got)
    CHECK(bytes == expected);
  CHECK(world.functions.fault().empty());
}

TEST_CASE("a type with fewer permits than shards is called at its home alone, never more than its limit at once") {
  shards_in_process world(4);
  function::limits few;
  few.concurrent_calls_max = 2;
  world.functions.declare("fn", {}, few);
  world.functions.hold();
  for (int i = 0; i < 40; ++i)
    REQUIRE(world.accepts(address_of("fn", std::to_string(i)), "x", static_cast<std::size_t>(i % 4)));
  world.settle();
  CHECK(world.functions.in_flight_count() == 2);
  world.functions.release();
  REQUIRE(world.loop.run_until([&] { return world.is_empty(); }));
  CHECK(world.functions.fault().empty());
  CHECK(world.functions.in_flight_max() == 2);
  CHECK(world.functions.calls_count() == 40);
  for (auto const& call : world.functions.calls())
    CHECK(call.shard == dispatch::home_of({"ns", "fn"}, 4));
}

TEST_CASE("two types share the daemon's calls, and both go on") {
  dispatch::options chosen;
  chosen.calls_in_flight_max = 2;
  shards_in_process world(1, chosen);
  world.functions.declare("fn");
  world.functions.declare("other");
  world.functions.hold();
  for (int i = 0; i < 10; ++i) {
    REQUIRE(world.accepts(address_of("fn", std::to_string(i)), "x"));
    REQUIRE(world.accepts(address_of("other", std::to_string(i)), "x"));
  }
  world.functions.release();
  REQUIRE(world.loop.run_until([&] { return world.is_empty(); }));
  CHECK(world.functions.in_flight_max() == 2);
  CHECK(world.functions.calls_count() == 20);
}

TEST_CASE("messages for a type that no module declares wait and are counted") {
  shards_in_process world;
  world.functions.declare("fn", [](seen_call const&) {
    invocation_result done;
    done.messages = {{address_of("nobody", "n"), {"t", true, "1"}}, {address_of("nobody", "n"), {"t", true, "2"}}};
    return says(std::move(done));
  });
  REQUIRE(world.accepts(alice, "x"));
  world.settle();
  CHECK(world.all().counts().pending_messages_count == 2);
  auto const waiting = world.status("nobody");
  CHECK_FALSE(waiting.bound);
  CHECK(waiting.addresses_count == 1);
  CHECK(waiting.waiting_messages_count == 2);
  CHECK(world.status("fn").bound);
  CHECK(world.logged.count(number::function_unbound) == 1);
}

TEST_CASE("a delayed message fires at its millisecond, once; a cancelled one never") {
  shards_in_process world(2);
  world.functions.declare("sink");
  world.functions.declare("fn", [](seen_call const& call) {
    invocation_result done;
    for (auto const& one : call.taken)
      if (one.value.bytes == "set")
        done.delayed = {message::delayed_send{1500, address_of("sink", "s"), {"t", true, "kept"}, {}},
                        message::delayed_send{1500, address_of("sink", "s"), {"t", true, "never"}, "token"},
                        message::delayed_send{20'000, address_of("sink", "s"), {"t", true, "never"}, "token"}};
      else
        done.delayed = {message::delayed_cancel{"token"}};
    return says(std::move(done));
  });
  auto const sink = address_of("sink", "s");
  REQUIRE(world.accepts(alice, "set"));
  world.settle();
  CHECK(world.all().counts().delayed_count == 3);
  world.advance(1499ms);
  CHECK(world.functions.calls_count(sink) == 0);
  REQUIRE(world.accepts(bob, "cancel")); // a token belongs to its own address
  world.settle();
  CHECK(world.all().counts().delayed_count == 3);
  REQUIRE(world.accepts(alice, "cancel"));
  world.settle();
  CHECK(world.all().counts().delayed_count == 1);
  world.advance(1ms);
  REQUIRE(world.functions.calls_count(sink) == 1);
  CHECK(bytes_of(world.functions.calls().back().taken) == texts{"kept"});
  CHECK(world.functions.calls().back().taken[0].caller == alice);
  world.advance(1min);
  CHECK(world.functions.calls_count(sink) == 1);
  CHECK(world.all().counts().delayed_count == 0);
  CHECK(world.is_empty());
}

TEST_CASE("after a jump of the wall clock delayed messages follow it, and are not early") {
  shards_in_process world;
  world.functions.declare("fn");
  auto const delayed = [&](std::chrono::milliseconds by) {
    auto one = message_to(alice, "x");
    one.delay = by;
    REQUIRE(std::holds_alternative<accepted>(world.accept(one)));
  };
  delayed(1h);
  world.settle();
  world.loop.time().jump_wall(1h);
  world.advance(5s);
  CHECK(world.functions.calls_count() == 1);
  delayed(3s);
  world.settle();
  world.loop.time().jump_wall(-1min);
  world.advance(3s);
  CHECK(world.functions.calls_count() == 1);
  for (int i = 0; i < 59; ++i)
    world.advance(1s);
  CHECK(world.functions.calls_count() == 1);
  world.advance(1s);
  CHECK(world.functions.calls_count() == 2);
}

TEST_CASE("delayed messages from outside are bounded, and pass full mailboxes") {
  dispatch::options chosen;
  chosen.delayed_max = 2;
  shards_in_process world(1, chosen);
  world.functions.declare("fn");
  auto one = message_to(alice, "x");
  one.delay = 1s;
  CHECK(std::holds_alternative<accepted>(world.accept(one)));
  CHECK(std::holds_alternative<accepted>(world.accept(one)));
  auto const third = world.accept(one);
  REQUIRE(std::holds_alternative<refusal>(third));
  CHECK(std::get<refusal>(third).why == number::delayed_limit_reached);
  CHECK(world.accepts(alice, "now"));
  world.advance(1s);
  CHECK(std::holds_alternative<accepted>(world.accept(one)));
  world.advance(1s);
  CHECK(world.is_empty());
  CHECK(world.all().counts().delayed_count == 0);
}

TEST_CASE("an egress that is full holds who writes to it, before the call from the second time on, and nobody else") {
  dispatch::options chosen;
  chosen.egress_queue.bytes_max = 100;
  shards_in_process world(2, chosen);
  world.functions.declare("fn", echoes);
  world.functions.declare("other");
  auto const record = std::string(60, 'x');
  REQUIRE(world.accepts(alice, record));
  world.settle();
  REQUIRE(world.accepts(alice, record)); // a queue below its mark takes one whole change
  world.settle();
  REQUIRE(world.read(way).records.size() == 2);
  auto const calls = world.functions.calls_count(alice);
  REQUIRE(world.accepts(alice, "held"));
  world.settle();
  CHECK(world.status("fn").held_count == 1);
  auto const calls_when_held = world.functions.calls_count(alice);
  CHECK(calls_when_held <= calls + 1);
  REQUIRE(world.accepts(alice, "behind"));
  world.advance(1h);
  CHECK(world.functions.calls_count(alice) == calls_when_held);
  CHECK(world.status("fn").backing_off_count == 0);
  CHECK(world.logged.count(number::egress_held) == 1);
  REQUIRE(world.accepts(address_of("other", "o"), "x"));
  world.settle();
  CHECK(world.functions.calls_count(address_of("other", "o")) == 1);

  // Above the low mark nobody is woken, below it everybody.
  auto const first = world.read(way).records[0].sequence;
  world.read(way, first);
  world.settle();
  CHECK(world.functions.calls_count(alice) == calls_when_held);
  world.read(way, world.read(way).last_sequence);
  world.settle();
  CHECK(bytes_of(world.read(way)) == texts{"held", "behind"});
  CHECK(world.status("fn").held_count == 0);
  CHECK(world.is_empty());
}

TEST_CASE("records are shown once they are durable") {
  shards_in_process world(2);
  world.functions.declare("fn", echoes);
  REQUIRE(world.accepts(alice, "first"));
  world.settle();
  CHECK(bytes_of(world.read(way)) == texts{"first"});
  auto const after = world.read(way).last_sequence;
  auto const waiting = world.start_read({way, after, false, 100, clock::deadline::after(5s)}, 1);
  world.settle();
  CHECK_FALSE(waiting->has_value());
  world.store.hold_durable();
  REQUIRE(world.accepts(alice, "second"));
  world.settle();
  CHECK(world.is_empty());
  CHECK_FALSE(waiting->has_value());
  world.store.release();
  world.settle();
  REQUIRE(waiting->has_value());
  CHECK(bytes_of(std::get<store::egress_page>(**waiting)) == texts{"second"});
}

TEST_CASE("an empty page is held back as long as its reader says; a sequence ahead removes nothing") {
  shards_in_process world;
  world.functions.declare("fn", echoes);
  auto const unknown = world.start_read({way, {}, false, 100, clock::deadline::after(5s)});
  world.settle();
  REQUIRE(unknown->has_value());
  CHECK(std::get<refusal>(**unknown).why == number::egress_unknown);

  auto const waiting = world.start_read({{"out", "declared"}, {}, false, 100, clock::deadline::after(5s)});
  world.advance(4999ms);
  CHECK_FALSE(waiting->has_value());
  world.advance(1ms);
  REQUIRE(waiting->has_value());
  CHECK(std::get<store::egress_page>(**waiting).records.empty());

  REQUIRE(world.accepts(alice, "1"));
  world.settle();
  auto const last = world.read(way).last_sequence;
  auto const ahead = world.start_read({way, last + 1, false, 100, clock::deadline::after(5s)});
  world.settle();
  REQUIRE(ahead->has_value());
  CHECK(std::get<refusal>(**ahead).why == number::sequence_ahead);
  auto const peek = world.start_read({way, last, true, 100, clock::deadline::after({})});
  world.settle();
  REQUIRE(peek->has_value());
  CHECK(bytes_of(world.read(way)) == texts{"1"});
}
