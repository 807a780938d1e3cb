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
using counts = std::map<std::string, std::size_t>;

message::address const alice = address_of("fn", "alice");
message::address const sink = address_of("sink", "s");

std::uint64_t buffered(shards_in_process& world) {
  return static_cast<std::uint64_t>(world.all().counts().buffered_bytes);
}

message::typed_value value(std::string bytes) {
  return {"t", true, std::move(bytes)};
}

} // namespace

TEST_CASE("a function that sends a million messages to one address loses none, and memory stays bounded") {
  constexpr std::size_t messages_count = 1'000'000;
  constexpr std::size_t sent_at_once = 1000;
  constexpr std::uint64_t bytes_max = 4U << 20U;
  shards_in_process world(2, with_memory(bytes_max));
  world.functions.keep_no_calls();
  number_flow flow(world.functions, messages_count, sent_at_once);
  flow.sink_stands = true;
  REQUIRE(world.accepts(flow.sender, "0"));
  for (int looks = 0; looks < 100; ++looks) {
    world.advance(20ms);
    REQUIRE(buffered(world) < 2 * bytes_max + 2 * sent_at_once * (message::message_overhead_bytes + 100));
  }
  // It stands, and what is outside is told so.
  CHECK(world.held() == counts{{"memory", 1}});
  CHECK(world.status("fn").failures_count_max == 0);
  CHECK(buffered(world) >= 2 * bytes_max);
  auto const sent_when_held = flow.sent;
  world.advance(1h);
  CHECK(flow.sent == sent_when_held);
  auto const outside = world.accept(message_to(address_of("fn", "bob"), "0"));
  REQUIRE(refused(outside) == number::memory_mark_reached);
  CHECK(std::get<refusal>(outside).retry_after == 1s);
  CHECK(std::get<refusal>(outside).detail == "the daemon holds " + std::to_string(buffered(world)) +
                                                 " bytes of messages, limits.buffered_bytes_max is 4194304");
  CHECK(world.logged.count(number::memory_held) == 1);

  flow.sink_stands = false;
  for (int minutes = 0; minutes < 10 && flow.consumed < messages_count; ++minutes)
    for (int looks = 0; looks < 3000 && flow.consumed < messages_count; ++looks) {
      world.advance(20ms);
      REQUIRE(buffered(world) < 2 * bytes_max + 2 * sent_at_once * (message::message_overhead_bytes + 100));
    }
  CHECK(flow.consumed == messages_count);
  CHECK(flow.in_order);
  CHECK(world.is_empty());
  CHECK(world.held().empty());
  CHECK(world.functions.fault().empty());
}

TEST_CASE("past the hard mark functions that pass on what they get go round for ever, and the others drain") {
  constexpr std::uint64_t bytes_max = 20'000;
  shards_in_process world(3, with_memory(bytes_max));
  world.functions.keep_no_calls();
  std::size_t rounds = 0;
  bool goes_round = true;
  world.functions.declare("ring", [&](seen_call const& call) {
    invocation_result done;
    if (goes_round)
      for (auto const& one : call.taken) {
        ++rounds;
        auto const next = std::to_string((std::stoul(call.self.id) + 1) % 5);
        done.messages.push_back({address_of("ring", next), one.value});
      }
    return says(std::move(done));
  });
  bool doubles = true;
  world.functions.declare("doubling", [&](seen_call const& call) {
    invocation_result done;
    if (doubles)
      for (auto const& one : call.taken)
        for (int i = 0; i < 2; ++i)
          done.messages.push_back(
              {address_of("doubling", std::to_string(std::hash<std::string>{}(call.self.id) % 100)), one.value});
    return says(std::move(done));
  });
  world.functions.declare("sink");
  for (int i = 0; i < 5; ++i)
    REQUIRE(world.accepts(address_of("ring", std::to_string(i)), std::string(100, 'r')));
  REQUIRE(world.accepts(address_of("doubling", "first"), std::string(100, 'd')));
  for (int turns = 0; turns < 200'000 && buffered(world) < 2 * bytes_max; ++turns)
    world.loop.step(0);
  REQUIRE(buffered(world) >= 2 * bytes_max);
  for (int turns = 0; turns < 20'000; ++turns)
    world.loop.step(0);
  CHECK(buffered(world) < 2 * bytes_max + 3 * 2 * 1000 * 330); // one change a shard
  CHECK(world.held().at("memory") >= 1);
  auto const before = rounds;
  for (int turns = 0; turns < 20'000; ++turns)
    world.loop.step(0);
  CHECK(rounds > before + 100);
  auto const stands_at = buffered(world);
  world.loop.time().advance(1h);
  for (int turns = 0; turns < 20'000; ++turns)
    world.loop.step(0);
  CHECK(buffered(world) == stands_at);

  // What was held asks again once its function is another one.
  goes_round = false;
  doubles = false;
  world.functions.declare("doubling");
  world.apply();
  world.settle();
  CHECK(world.is_empty());
  CHECK(world.held().empty());
}

TEST_CASE("between the marks who is held goes on one by one, though what stands may be more than the mark") {
  constexpr std::uint64_t bytes_max = 20'000;
  shards_in_process world(1, with_memory(bytes_max));
  bool stands = true;
  bool drains = false;
  world.functions.declare("fn", [&](seen_call const& call) {
    invocation_result done;
    done.messages = {{address_of("stands", "s"), value("x")},
                     {address_of("stands", "s"), value("x")},
                     {address_of("drains", "d"), value("x")},
                     {call.self, value("x")}};
    return says(std::move(done));
  });
  world.functions.declare("stands", [&](seen_call const&) -> result<message::reply> {
    if (stands)
      return error{function::errc::endpoint_failed, "not yet"};
    return says({});
  });
  world.functions.declare("drains", [&](seen_call const&) -> result<message::reply> {
    if (!drains)
      return error{function::errc::endpoint_failed, "not yet"};
    return says({});
  });
  REQUIRE(world.accepts(alice, "x"));
  for (int looks = 0; looks < 1000 && world.held().empty(); ++looks)
    world.advance(20ms);
  REQUIRE(world.held() == counts{{"memory", 1}});
  auto const calls = world.functions.calls_count(alice);
  drains = true;
  for (int looks = 0; looks < 10'000; ++looks)
    world.advance(20ms);
  CHECK(buffered(world) >= 2 * bytes_max); // all that stands
  CHECK(world.status("drains").waiting_messages_count == 0);
  CHECK(world.functions.calls_count(alice) > calls + 10);
  CHECK(world.held() == counts{{"memory", 1}});
  stands = false;
  world.functions.declare("fn");
  world.apply();
  world.advance(1min);
  CHECK(world.is_empty());
}

TEST_CASE("on a disk that is almost full a function that sends more than it gets stands, and all that drains goes on") {
  shards_in_process world(2);
  // Messages fork until their ids are that long, and end at the sink.
  world.functions.declare("forks", [](seen_call const& call) {
    invocation_result done;
    for (auto const& one : call.taken)
      for (auto const* turn : {"l", "r"}) {
        auto const next = call.self.id + turn;
        done.messages.push_back({next.size() < 5 ? address_of("forks", next) : sink, value(next)});
        done.messages.back().value.bytes.resize(one.value.bytes.size(), '.');
      }
    return says(std::move(done));
  });
  world.functions.declare("sink");
  world.functions.declare("grows", [](seen_call const& call) -> result<message::reply> {
    if (call.states.specs->empty())
      return message::reply{message::missing_states{{{"grown", "t", {}}}}};
    invocation_result done;
    done.mutations.push_back({"grown", value(std::string(call.taken.front().value.bytes == "more" ? 1000 : 10, 's'))});
    return says(std::move(done));
  });
  message::egress_id const drained{"out", "drained"};
  world.functions.declare("passes", [&](seen_call const& call) {
    invocation_result done;
    for (auto const& one : call.taken)
      done.egresses.push_back({drained, one.value});
    return says(std::move(done));
  });
  world.functions.declare("again", [](seen_call const& call) {
    invocation_result done;
    done.delayed.push_back(message::delayed_send{1000, call.self, call.taken.front().value, {}});
    return says(std::move(done));
  });
  auto const fork = address_of("forks", "f");
  auto const grows = address_of("grows", "g");
  auto const again = address_of("again", "a");
  world.functions.hold();
  REQUIRE(world.accepts(fork, "a message"));
  REQUIRE(world.accepts(grows, "more"));
  REQUIRE(world.accepts(address_of("grows", "a little"), "x"));
  REQUIRE(world.accepts(address_of("passes", "p"), "passed on"));
  REQUIRE(world.accepts(again, "again"));
  world.store.lack_space(store::short_of_space{874, 1000});
  world.functions.release();
  world.settle();
  CHECK(refused(world.accept(message_to(sink, "x"))) == number::low_on_space);
  CHECK(world.held() == counts{{"disk", 2}});
  CHECK(world.status("forks").failures_count_max == 0);
  CHECK(world.logged.count(number::disk_held) >= 1);
  auto const why = world.loop.run(world.all().describe(fork));
  CHECK(std::get<dispatch::address_detail>(*why).why ==
        "it adds more than it consumes, and the disk is almost full; it goes on once there is room again");
  auto const calls = world.functions.calls_count(grows);
  for (int seconds = 0; seconds < 100; ++seconds)
    world.advance(1s);
  CHECK(world.functions.calls_count(fork) == 1);
  CHECK(world.functions.calls_count(grows) == calls);
  CHECK(world.status("grows").held_count == 1);
  CHECK(world.functions.calls_count(again) == 101);
  CHECK(bytes_of(world.read(drained)) == texts{"passed on"});

  // The mark itself has to be there again; until then who comes to it only is not held.
  world.store.lack_space(store::short_of_space{875, 1000});
  world.advance(1h);
  CHECK(world.held() == counts{{"disk", 2}});
  world.store.lack_space(std::nullopt);
  world.advance(1s);
  CHECK(world.held().empty());
  auto arrived = world.functions.taken(sink);
  std::sort(arrived.begin(), arrived.end());
  texts const each_once{"fllll....", "flllr....", "fllrl....", "fllrr....", "flrll....", "flrlr....",
                        "flrrl....", "flrrr....", "frlll....", "frllr....", "frlrl....", "frlrr....",
                        "frrll....", "frrlr....", "frrrl....", "frrrr...."};
  CHECK(arrived == each_once);
  CHECK(world.functions.calls_count(grows) == calls + 1);
  CHECK(world.functions.fault().empty());
}

TEST_CASE("who is held for the disk asks again once its function is another one") {
  shards_in_process world(1);
  world.functions.declare("fn", [](seen_call const& call) {
    invocation_result done;
    done.messages = {{sink, call.taken.front().value}, {sink, call.taken.front().value}};
    return says(std::move(done));
  });
  world.functions.hold();
  REQUIRE(world.accepts(alice, "x"));
  world.store.lack_space(store::short_of_space{0, 1000});
  world.functions.release();
  world.settle();
  REQUIRE(world.held() == counts{{"disk", 1}});
  world.functions.declare("fn");
  world.apply();
  world.settle();
  CHECK(world.held().empty());
  CHECK(world.is_empty());
}

TEST_CASE("who sends to a type that nobody declares is held at its mark, and goes on when half of it is gone") {
  dispatch::options chosen;
  chosen.unbound_bytes_max = 10'000;
  shards_in_process world(2, chosen);
  world.functions.declare("fn", [&](seen_call const& call) {
    invocation_result done;
    for (auto const& one : call.taken)
      if (one.value.bytes == "other")
        done.messages.push_back({sink, value("x")});
      else
        done.messages.push_back({address_of("nobody", "n"), one.value});
    return says(std::move(done));
  });
  world.functions.declare("sink");
  int sent = 0;
  while (world.held().empty() && sent < 1000) {
    REQUIRE(world.accepts(alice, std::string(100, 'x')));
    world.settle();
    ++sent;
  }
  CHECK(world.held() == counts{{"unbound ns/nobody", 1}});
  auto const waiting = world.status("nobody").waiting_messages_count;
  CHECK(waiting == static_cast<std::size_t>(sent) - 1);
  CHECK(waiting * 300 < 10'000 / 2 + 1000); // a shard's share
  CHECK(world.logged.count(number::unbound_held) == 1);
  auto const calls = world.functions.calls_count(alice);
  world.advance(1h);
  CHECK(world.functions.calls_count(alice) == calls);
  REQUIRE(world.accepts(address_of("fn", "bob"), "other")); // nobody else is held
  world.settle();
  CHECK(world.functions.calls_count(sink) == 1);

  world.functions.declare("nobody");
  world.functions.forget_calls();
  world.apply();
  world.settle();
  std::size_t consumed = 0;
  for (auto const& call : world.functions.calls())
    consumed += call.self.type.name == "nobody" ? call.taken.size() : 0;
  CHECK(consumed == static_cast<std::size_t>(sent));
  CHECK(world.held().empty());
  CHECK(world.is_empty());
}

namespace {

message::state_spec const seen{"seen", "int", {}};

// Wants a state before it does anything.
result<message::reply> wants_seen(seen_call const& call) {
  if (call.states.specs->empty())
    return message::reply{message::missing_states{{seen}}};
  return says({});
}

void wake_all(shards_in_process& world, std::string const& type, std::size_t addresses_count) {
  for (std::size_t id = 0; id < addresses_count; ++id)
    REQUIRE(world.accepts(address_of(type, std::to_string(id)), "x", id % world.all().shards_count()));
}

} // namespace

TEST_CASE("when 10,000 addresses wake at once, one call a shard learns what the type wants and the others carry it") {
  for (std::size_t const shards : {1U, 4U}) {
    INFO(shards << " shards");
    shards_in_process world(shards);
    world.functions.declare("fn", wants_seen);
    world.functions.declare("other");
    world.functions.hold();
    wake_all(world, "fn", 10'000);
    REQUIRE(world.accepts(address_of("other", "o"), "x"));
    world.settle();
    CHECK(world.functions.in_flight_count() == shards + 1); // others are not waited for, nor do they wait
    CHECK(world.status("fn").failing_count == 0);
    world.functions.release();
    world.settle();
    CHECK(world.is_empty());
    CHECK(world.functions.calls_count() == 10'000 + shards + 1);
    CHECK(world.functions.in_flight_max() > 1000);
    CHECK(world.functions.fault().empty());
  }
}

TEST_CASE("10,000 addresses pass a first one that is poisoned, whether it fails, spins or hangs") {
  enum class poison { fails, spins, hangs };
  for (auto const kind : {poison::fails, poison::spins, poison::hangs}) {
    INFO("kind " << static_cast<int>(kind));
    dispatch::options chosen;
    chosen.states_max = 50;
    shards_in_process world(1, chosen);
    auto const first = address_of("fn", "first");
    int asked = 0;
    world.functions.declare("fn", [&](seen_call const& call) -> result<message::reply> {
      if (call.self == first && kind == poison::fails)
        return error{function::errc::endpoint_failed, "poison"};
      if (call.self == first && kind == poison::spins)
        return message::reply{message::missing_states{{{"fresh" + std::to_string(++asked), "int", {}}}}};
      return wants_seen(call);
    });
    if (kind == poison::hangs)
      world.functions.hold_only(first);
    REQUIRE(world.accepts(first, "x"));
    wake_all(world, "fn", 10'000);
    world.settle();
    if (kind == poison::hangs) {
      CHECK(world.functions.calls_count() == 1);
      world.advance(1s); // no answer about states takes that long
    }
    std::size_t done = 0;
    for (auto const& call : world.functions.calls())
      done += call.self != first && !call.states.specs->empty() ? 1 : 0;
    CHECK(done == 10'000);
    CHECK(world.all().counts().pending_messages_count == 1);
    CHECK(asked <= 51);
    for (auto const& call : world.functions.calls())
      REQUIRE(call.states.specs->size() <= 50);
    world.functions.release();
  }
}

TEST_CASE("addresses that ask for other states at the same time do not learn more than a type may have") {
  dispatch::options chosen;
  chosen.states_max = 3;
  shards_in_process world(1, chosen);
  bool asks = false;
  world.functions.declare("fn", [&](seen_call const& call) -> result<message::reply> {
    auto const has = [&](std::string const& name) {
      return std::any_of(call.states.specs->begin(), call.states.specs->end(),
                         [&](auto const& one) { return one.name == name; });
    };
    if (asks && !has(call.self.id))
      return message::reply{message::missing_states{{{call.self.id, "int", {}}}}};
    return says({});
  });
  REQUIRE(world.accepts(address_of("fn", "learned"), "x"));
  world.settle();
  asks = true;
  world.functions.hold();
  wake_all(world, "fn", 10);
  world.settle();
  REQUIRE(world.functions.in_flight_count() == 10);
  world.functions.release();
  world.settle();
  for (auto const& call : world.functions.calls())
    CHECK(call.states.specs->size() <= 3);
  auto const after = world.status("fn");
  CHECK(after.paused_count == 7);
  CHECK(after.last_error == "the function declares more states than limits.states_max: the limit is 3");
}

TEST_CASE("a hot address with an endless queue costs a cold one one batch of waiting") {
  shards_in_process world;
  function::limits one_call;
  one_call.concurrent_calls_max = 1;
  one_call.batch_messages_max = 10;
  world.functions.declare(
      "fn",
      [](seen_call const& call) {
        invocation_result done;
        if (call.self.id == "hot")
          for (auto const& one : call.taken)
            done.messages.push_back({call.self, one.value});
        return says(std::move(done));
      },
      one_call);
  for (int i = 0; i < 500; ++i)
    if (!world.accepts(address_of("fn", "hot"), "x"))
      world.loop.step(0);
  for (int round = 0; round < 50; ++round) {
    for (int steps = 0; steps < round; ++steps)
      world.loop.step(0);
    auto const cold = address_of("fn", "cold" + std::to_string(round));
    world.functions.forget_calls();
    REQUIRE(world.accepts(cold, "x"));
    for (int steps = 0; steps < 1000 && world.functions.calls_count(cold) == 0; ++steps)
      world.loop.step(0);
    REQUIRE(world.functions.calls_count(cold) == 1);
    auto const waited_for = world.functions.calls_count() - 1;
    CHECK(waited_for <= 2); // the one that is out, and one that was ready before
  }
}

TEST_CASE("slow types hold their share of the daemon's calls and what nobody wants, and a fast one waits for none") {
  dispatch::options chosen;
  chosen.calls_in_flight_max = 12;
  shards_in_process world(1, chosen);
  for (auto const* const type : {"slow", "slower", "fast"}) {
    world.functions.declare(type);
    REQUIRE(world.accepts(address_of(type, "known"), "x"));
  }
  world.settle();
  world.functions.hold_types({"slow", "slower"});
  wake_all(world, "slow", 100);
  wake_all(world, "slower", 100);
  world.settle();
  CHECK(world.status("slow").in_flight_count + world.status("slower").in_flight_count == 10);
  CHECK(world.status("slower").in_flight_count >= 2);
  wake_all(world, "fast", 100);
  world.settle();
  CHECK(world.status("fast").addresses_count == 0); // 100 turns without a slow one ending
  world.functions.release();
  world.settle();
  CHECK(world.is_empty());
  CHECK(world.functions.in_flight_max() <= 12);
}

namespace {

// A function that goes on sending to itself, and what its batches are.
fake_functions::answer goes_round() {
  return [](seen_call const& call) {
    invocation_result done;
    for (auto const& one : call.taken)
      done.messages.push_back({call.self, one.value});
    return says(std::move(done));
  };
}

} // namespace

TEST_CASE("door of one message: refused at the mark with the reason, open again at half of it") {
  shards_in_process world(2);
  function::limits limits = marked(8);
  limits.batch_messages_max = 2;
  world.functions.declare("fn", {}, limits);
  world.functions.hold();
  REQUIRE(world.accepts(alice, "out"));
  world.settle();
  for (int i = 0; i < 8; ++i)
    REQUIRE(world.accepts(alice, std::to_string(i), static_cast<std::size_t>(i % 2)));
  auto const told = world.accept(message_to(alice, "more"));
  REQUIRE(refused(told) == number::mailbox_full);
  CHECK(std::get<refusal>(told).retry_after == 1s);
  CHECK(std::get<refusal>(told).detail ==
        "the mailbox of ns/fn/alice is full: 8 messages wait, maxNumBatchRequests is 8");
  // Two go at a time: 8, 6, 4.
  std::vector<std::size_t> waiting_when_refused;
  for (int batches = 0; batches < 10 && refused(world.accept(message_to(alice, "more"))); ++batches) {
    waiting_when_refused.push_back(world.status("fn").waiting_messages_count);
    auto const before = world.functions.calls_count(alice);
    world.functions.release();
    while (world.functions.calls_count(alice) == before && world.loop.step(0))
      ;
    world.functions.hold();
    world.settle();
  }
  CHECK(waiting_when_refused == std::vector<std::size_t>{8, 6});
  CHECK(world.status("fn").waiting_messages_count == 5);
  world.functions.release();
  world.settle();
  CHECK(world.is_empty());
}

TEST_CASE("door between functions: never refused, counted, and shut for the outside until half of it has gone") {
  shards_in_process world(2);
  world.functions.declare("sink", {}, marked(10));
  world.functions.declare("fn", [](seen_call const& call) {
    invocation_result done;
    for (auto const& one : call.taken)
      for (int i = 0; i < 25; ++i)
        done.messages.push_back({sink, one.value});
    return says(std::move(done));
  });
  world.functions.hold_types({"sink"});
  REQUIRE(world.accepts(sink, "out"));
  world.settle();
  REQUIRE(world.accepts(alice, "x"));
  world.settle();
  CHECK(world.status("sink").waiting_messages_count == 25);
  CHECK(world.status("sink").shut_count == 1);
  auto const told = world.accept(message_to(sink, "more"));
  REQUIRE(refused(told) == number::mailbox_full);
  CHECK(std::get<refusal>(told).detail ==
        "the mailbox of ns/sink/s is full: 25 messages wait, maxNumBatchRequests is 10");
  CHECK(world.accepts(address_of("sink", "other"), "x")); // nobody else is concerned
  world.functions.release();
  world.settle();
  CHECK(world.status("sink").shut_count == 0);
  CHECK(world.accepts(sink, "more"));
  world.settle();
  CHECK(world.is_empty());
}

TEST_CASE("door of a full egress: its writers stand, their mailboxes push back, and half of it lets them go on") {
  dispatch::options chosen;
  chosen.egress_queue.bytes_max = 200;
  shards_in_process world(2, chosen);
  message::egress_id const way{"out", "way"};
  world.functions.declare(
      "fn",
      [&](seen_call const& call) {
        invocation_result done;
        for (auto const& one : call.taken)
          done.egresses.push_back({way, one.value});
        return says(std::move(done));
      },
      marked(3));
  while (world.held().empty()) {
    REQUIRE(world.accepts(alice, std::string(80, 'x')));
    world.settle();
  }
  CHECK(world.held() == counts{{"egress out/way", 1}});
  while (world.accepts(alice, "x"))
    ;
  auto const told = world.accept(message_to(alice, "more"));
  REQUIRE(refused(told) == number::mailbox_full);
  CHECK(std::get<refusal>(told).retry_after == 1s);
  CHECK(world.accepts(address_of("fn", "bob"), "x")); // its first call finds out
  world.settle();
  CHECK(world.held() == counts{{"egress out/way", 2}});
  auto const page = world.read(way);
  world.read(way, page.records.front().sequence);
  world.settle();
  CHECK_FALSE(world.held().empty());
  world.read(way, page.last_sequence);
  world.settle();
  CHECK(world.held().empty());
  CHECK(world.is_empty());
  CHECK(world.accepts(alice, "more"));
}

TEST_CASE("who writes to one egress more than there may be waits until a module declares it, and nobody else does") {
  dispatch::options chosen;
  chosen.egress_queues_max = 2;
  shards_in_process world(2, chosen);
  world.functions.declare("fn", [](seen_call const& call) {
    invocation_result done;
    for (auto const& one : call.taken)
      done.egresses.push_back({{"out", one.value.bytes}, one.value});
    return says(std::move(done));
  });
  auto const bob = address_of("fn", "bob");
  for (auto const* name : {"one", "two", "mistyped", "declared"}) {
    REQUIRE(world.accepts(alice, name));
    world.settle();
  }
  CHECK(world.held() == counts{{"another egress", 1}});
  CHECK(world.logged.count(number::another_egress_held) == 1);
  auto const why = world.loop.run(world.all().describe(alice));
  CHECK(std::get<dispatch::address_detail>(*why).why ==
        "it writes to an egress that is not there and that no module declares, and limits.egress_queues_max are; it "
        "goes on once a module declares it");
  auto const calls = world.functions.calls_count(alice);
  world.advance(1h);
  CHECK(world.functions.calls_count(alice) == calls);
  CHECK(world.status("fn").failures_count_max == 0);
  CHECK(world.store.accounts_count() == 2);
  REQUIRE(world.accepts(bob, "two"));
  REQUIRE(world.accepts(bob, "declared"));
  world.settle();
  CHECK(bytes_of(world.read({"out", "two"})) == texts{"two", "two"});
  CHECK(bytes_of(world.read({"out", "declared"})) == texts{"declared"});

  world.egresses.insert({"out", "mistyped"});
  world.apply();
  world.settle();
  CHECK(world.held().empty());
  CHECK(bytes_of(world.read({"out", "mistyped"})) == texts{"mistyped"});
  CHECK(bytes_of(world.read({"out", "declared"})) == texts{"declared", "declared"});
}

TEST_CASE("a body that its door has reserved is counted once") {
  shards_in_process world(1, with_memory(10'000));
  world.functions.declare("fn");
  auto one = message_to(alice, std::string(9000, 'x'));
  REQUIRE(world.at().reserve_bytes(9000));
  CHECK_FALSE(world.at().reserve_bytes(1001));
  CHECK(refused(world.accept(one)) == number::memory_mark_reached);
  one.reserved_bytes = 9000;
  CHECK(std::holds_alternative<accepted>(world.accept(one)));
  world.at().release_bytes(9000);
  world.settle();
  CHECK(world.is_empty());
}

TEST_CASE("addresses without work have no mailbox, however many there were") {
  shards_in_process world(2);
  world.functions.keep_no_calls();
  world.functions.declare("fn", [](seen_call const& call) -> result<message::reply> {
    if (call.states.specs->empty())
      return message::reply{message::missing_states{{seen}}};
    invocation_result done;
    done.mutations.push_back({"seen", message::typed_value{"int", true, "1"}});
    return says(std::move(done));
  });
  for (int round = 0; round < 20; ++round) {
    for (int id = 0; id < 1000; ++id)
      REQUIRE(world.accepts(address_of("fn", std::to_string(round * 1000 + id)), "x"));
    CHECK(world.mailboxes_count() <= 1000);
    world.settle();
    CHECK(world.mailboxes_count() == 0);
  }
  CHECK(world.status("fn").addresses_count == 0);
  CHECK(world.is_empty());
}

TEST_CASE("while a sync hangs turns stop at the mark, doors close, and all goes on when it returns") {
  constexpr std::uint64_t bytes_max = 10'000;
  dispatch::options chosen;
  chosen.sync.bytes_max = bytes_max;
  shards_in_process world(2, chosen);
  world.functions.declare("ring", goes_round());
  world.functions.declare("fn");
  REQUIRE(world.accepts(address_of("ring", "r"), "x"));
  world.store.hold_durable();
  world.settle();
  auto const stands_at = world.store.unsynced().bytes;
  CHECK(stands_at >= bytes_max);
  CHECK(stands_at < bytes_max + 1000); // one change
  auto const calls = world.functions.calls_count();
  auto const told = world.accept(message_to(alice, "x"));
  REQUIRE(refused(told) == number::unsynced_mark_reached);
  CHECK(std::get<refusal>(told).retry_after == 1s);
  CHECK(std::get<refusal>(told).detail ==
        std::to_string(stands_at) + " bytes in " + std::to_string(world.store.unsynced().changes_count) +
            " changes are not durable yet, limits.unsynced_bytes_max is 10000, and changes may be 200000");
  world.advance(1s);
  CHECK(world.functions.calls_count() == calls);

  world.store.sync();
  CHECK(world.accepts(alice, "x"));
  world.advance(20ms);
  CHECK(world.functions.calls_count() > calls + 10);
  CHECK(world.store.unsynced().bytes >= bytes_max); // until the next mark
  world.store.release();
  world.functions.declare("ring");
  world.apply();
  world.advance(1s);
  CHECK(world.is_empty());
}

TEST_CASE("while a sync hangs turns stop at a count of changes, too, however small they are") {
  dispatch::options chosen;
  chosen.sync.changes_max = 10;
  shards_in_process world(2, chosen);
  world.functions.declare("ring", goes_round());
  REQUIRE(world.accepts(address_of("ring", "r"), "x"));
  world.store.hold_durable();
  world.settle();
  CHECK(world.store.unsynced().changes_count == 10);
  auto const calls = world.functions.calls_count();
  CHECK(refused(world.accept(message_to(address_of("ring", "r"), "x"))) == number::unsynced_mark_reached);
  world.advance(1s);
  CHECK(world.functions.calls_count() == calls);
  world.store.sync();
  world.advance(20ms);
  CHECK(world.functions.calls_count() == calls + 10);
  world.store.release();
  world.functions.declare("ring");
  world.apply();
  world.advance(1s);
  CHECK(world.is_empty());
}

TEST_CASE("a sync that never returns closes the doors after its time, is told once, and answers nothing by itself") {
  shards_in_process world;
  world.functions.declare("fn");
  world.store.hold_durable();
  auto const first = world.accept(message_to(alice, "x"));
  REQUIRE(std::holds_alternative<accepted>(first));
  world.advance(5s - 1ms);
  CHECK(world.accepts(alice, "in time"));
  world.advance(1ms);
  for (int i = 0; i < 3; ++i) {
    auto const told = world.accept(message_to(alice, "late"));
    REQUIRE(refused(told) == number::sync_late);
    CHECK(std::get<refusal>(told).retry_after == 5s);
    CHECK(std::get<refusal>(told).detail == "the store has not come back from a sync for 5000 ms");
  }
  CHECK(world.logged.count(number::sync_late) == 1);
  auto const upload = world.start_upload({message_to(alice, "waits")}, 10s);
  world.settle();
  world.advance(1h);
  REQUIRE(upload->has_value());
  CHECK(refused((**upload)[0]) == number::sync_late);
  CHECK(world.functions.calls_count() == 2); // inside, what was ordered has gone on
  world.store.release();
  world.settle();
  CHECK(world.accepts(alice, "again"));
  CHECK(world.logged.count(number::sync_in_time) == 1);
}

TEST_CASE("an endpoint that answers is reached, also where what it answers is held") {
  shards_in_process world(1);
  auto const sink = address_of("sink", "s");
  world.functions.declare("sink");
  world.functions.declare("fn", [&](seen_call const& call) {
    invocation_result done;
    done.messages = {{sink, call.taken.front().value}, {sink, call.taken.front().value}};
    return says(std::move(done));
  });
  world.functions.fail_next(3, function::errc::endpoint_unreachable);
  for (int i = 0; i < 4; ++i)
    REQUIRE(world.accepts(address_of("fn", std::to_string(i)), "x"));
  world.settle();
  CHECK(world.status("fn").not_reached_count > 0);
  world.store.lack_space(store::short_of_space{0, 1000});
  for (int i = 0; i < 60; ++i)
    world.advance(1s);
  CHECK(world.status("fn").held_count == 4);
  CHECK(world.status("fn").not_reached_count == 0);
  CHECK(world.logged.count(number::endpoint_reached) == 1);
  world.store.lack_space(std::nullopt);
  world.advance(1s);
  CHECK(world.status("fn").held_count == 0);
}
