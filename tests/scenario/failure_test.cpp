#include "support/shards_in_process.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <random>

using namespace statefund;
using namespace statefund::support;
using namespace std::chrono_literals;
using dispatch::accepted;
using dispatch::refusal;
using function::errc;
using message::invocation_result;
using message::on_failure;

namespace {

using texts = std::vector<std::string>;

message::address const alice = address_of("fn", "alice");
message::address const bob = address_of("fn", "bob");
message::address const carol = address_of("fn", "carol");
message::egress_id const way{"out", "way"};

// Every way in which a call may fail though it reached its endpoint.
auto const all_errors = {errc::endpoint_failed,   errc::endpoint_answered, errc::answered_500,
                         errc::timed_out,         errc::answer_too_large,  errc::message_refused,
                         errc::answer_unreadable, errc::wrong_generation,  errc::function_in_error};
auto const all_policies = {on_failure::pause, on_failure::dead_letter, on_failure::skip};

function::limits limits_of(on_failure then, unsigned attempts_max = 0) {
  function::limits limits;
  limits.then = then;
  limits.attempts_max = attempts_max;
  return limits;
}

bool has(seen_call const& call, std::string const& bytes) {
  return std::any_of(call.taken.begin(), call.taken.end(), [&](auto const& one) { return one.value.bytes == bytes; });
}

// Writes what it gets to the egress, so that a test sees what took effect, in order.
result<message::reply> echoes(seen_call const& call) {
  invocation_result done;
  for (auto const& one : call.taken)
    done.egresses.push_back({way, one.value});
  return message::reply{std::move(done)};
}

// Fails where one of these is in the batch.
fake_functions::answer fails_for(texts bad, errc with = errc::message_refused) {
  return [bad = std::move(bad), with](seen_call const& call) -> result<message::reply> {
    for (auto const& each : bad)
      if (has(call, each))
        return error{with, "\"" + each + "\""};
    return echoes(call);
  };
}

// One batch of all of them, behind a first message that is on a call while they come.
void send_batch(shards_in_process& world, message::address const& to, texts const& all) {
  world.functions.hold();
  REQUIRE(world.accepts(to, "first"));
  world.settle();
  for (auto const& bytes : all)
    REQUIRE(world.accepts(to, bytes));
  world.functions.release();
  world.settle();
}

void pass(shards_in_process& world, std::chrono::nanoseconds time, std::chrono::nanoseconds step = 1s) {
  for (; time > 0ns; time -= step)
    world.advance(step);
}

texts took_effect(shards_in_process& world) {
  auto all = bytes_of(world.read(way));
  std::erase(all, "first");
  return all;
}

message::pause pause_of(shards_in_process& world, message::address const& self) {
  auto const events = world.logged.events();
  for (auto event = events.rbegin(); event != events.rend(); ++event)
    if (auto const at = event->fields.find("address"); at != event->fields.end() && at->second == to_text(self))
      if (auto const reason = event->fields.find("error"); reason != event->fields.end())
        return {message::pause_cause::by_failure, reason->second, 0};
  return {};
}

message::entry_key head_of(shards_in_process& world, message::address const& self) {
  auto const told = world.carry_out(world.at().skip(self, {}));
  auto const detail = std::get<refusal>(told).detail;
  auto const id = detail.substr(detail.rfind(' ') + 1);
  auto const dash = id.find('-');
  return {std::stoull(id.substr(0, dash), nullptr, 16),
          static_cast<std::uint32_t>(std::stoul(id.substr(dash + 1), nullptr, 16))};
}

bool is_done(dispatch::verb_receipt const& told) {
  return std::holds_alternative<dispatch::carried_out>(told);
}

texts numbered(int count) {
  texts all;
  for (int i = 1; i <= count; ++i)
    all.push_back(std::to_string(i));
  return all;
}

texts without(texts all, texts const& gone) {
  for (auto const& each : gone)
    std::erase(all, each);
  return all;
}

} // namespace

TEST_CASE("a message that is refused for good pauses its address, after what stood before it and before the rest") {
  shards_in_process world(2);
  world.functions.declare("fn", fails_for({"5"}));
  send_batch(world, alice, numbered(9));
  REQUIRE(world.accepts(bob, "of bob"));
  world.settle();
  CHECK(without(took_effect(world), {"of bob"}) == numbered(4));
  CHECK(world.status("fn").paused_count == 1);
  CHECK(world.status("fn").waiting_messages_count == 5);
  auto const told = world.logged.events(number::address_paused);
  REQUIRE(told.size() == 1);
  CHECK(told[0].sentence ==
        "a message is refused for good: its address is paused, until an operator resumes or skips it");
  auto const id = to_text(head_of(world, alice));
  CHECK(told[0].fields.at("address") == "ns/fn/alice");
  CHECK(told[0].fields.at("message_id") == id);
  CHECK(told[0].fields.at("error") == "the function refused the message: \"5\"");
  CHECK(told[0].fields.at("reason") == "SF0220");
  CHECK(told[0].fields.at("to_try_again") == "statefunctl resume ns/fn/alice");
  CHECK(told[0].fields.at("to_drop_it") == "statefunctl skip ns/fn/alice " + id);
  pass(world, 1h, 10min);
  CHECK(world.status("fn").waiting_messages_count == 5);

  // Resumed: the same message is tried again, alone.
  world.functions.forget_calls();
  REQUIRE(is_done(world.carry_out(world.at().resume(alice))));
  world.settle();
  REQUIRE(world.functions.calls_count() == 1);
  CHECK(bytes_of(world.functions.calls()[0].taken) == texts{"5"});
  CHECK(world.status("fn").paused_count == 1);

  // Skipped: the rest goes on, and nothing took effect twice.
  REQUIRE(is_done(world.carry_out(world.at(1).skip(alice, head_of(world, alice)))));
  world.settle();
  CHECK(without(took_effect(world), {"of bob"}) == without(numbered(9), {"5"}));
  CHECK(world.status("fn").paused_count == 0);
  CHECK(world.status("fn").counters.skipped_total == 1);
  CHECK(world.is_empty());
  CHECK(world.functions.fault().empty());
}

TEST_CASE("a message that a corrected function takes goes on where it was paused") {
  shards_in_process world;
  world.functions.declare("fn", fails_for({"2"}));
  send_batch(world, alice, numbered(3));
  REQUIRE(world.status("fn").paused_count == 1);
  world.functions.declare("fn", echoes);
  world.apply();
  world.settle();
  CHECK(world.status("fn").paused_count == 1); // only an operator ends it
  REQUIRE(is_done(world.carry_out(world.at().resume(alice))));
  world.settle();
  CHECK(took_effect(world) == numbered(3));
  CHECK(world.is_empty());
}

TEST_CASE("dead-letter sets the culprits aside with the reason, wherever they stand, and the rest takes effect once") {
  for (auto const& bad : {texts{"1"}, texts{"20"}, texts{"7", "8"}, texts{"1", "20"}, texts{"3", "11", "19"}}) {
    shards_in_process world;
    world.functions.declare("fn", fails_for(bad), limits_of(on_failure::dead_letter));
    send_batch(world, alice, numbered(20));
    // The very first may have nothing before it that succeeded since; another address tells that the function works.
    REQUIRE(world.accepts(bob, "of bob"));
    world.settle();
    CHECK(without(took_effect(world), {"of bob"}) == without(numbered(20), bad));
    texts aside;
    for (auto const& row : world.dead_letters()) {
      aside.push_back(row.letter.message.value.bytes);
      CHECK(row.self == alice);
      CHECK(row.letter.reason == "the function refused the message: \"" + aside.back() + "\"");
    }
    CHECK(aside == bad);
    CHECK(world.status("fn").counters.dead_letters_total == bad.size());
    CHECK(world.logged.count(number::message_dead_lettered) == bad.size());
    CHECK(world.status("fn").paused_count == 0);
    CHECK(world.status("fn").failing_count == 0);
    CHECK(world.is_empty());
    CHECK(world.functions.fault().empty());
  }
}

TEST_CASE("skip drops the culprit, counts it and tells of it") {
  shards_in_process world;
  world.functions.declare("fn", fails_for({"3"}), limits_of(on_failure::skip));
  send_batch(world, alice, numbered(5));
  CHECK(took_effect(world) == without(numbered(5), {"3"}));
  CHECK(world.dead_letters().empty());
  CHECK(world.status("fn").counters.skipped_total == 1);
  auto const told = world.logged.events(number::message_skipped);
  REQUIRE(told.size() == 1);
  CHECK(told[0].sentence == "a message is refused for good: it is dropped, and the rest goes on");
  CHECK(told[0].fields.at("error") == "the function refused the message: \"3\"");
  CHECK(world.is_empty());
}

TEST_CASE("a replayed dead letter that is refused again is set aside again") {
  shards_in_process world;
  world.functions.declare("fn", fails_for({"bad"}), limits_of(on_failure::dead_letter));
  send_batch(world, alice, {"1", "bad", "2"});
  auto rows = world.dead_letters();
  REQUIRE(rows.size() == 1);
  REQUIRE(is_done(world.carry_out(world.at().replay(rows[0].id()))));
  world.settle();
  REQUIRE(world.accepts(bob, "of bob"));
  world.settle();
  auto const again = world.dead_letters();
  REQUIRE(again.size() == 1);
  CHECK(again[0].letter.message.key != rows[0].letter.message.key);
  CHECK_FALSE(is_done(world.carry_out(world.at().replay(rows[0].id()))));
  world.functions.declare("fn", echoes);
  world.apply();
  REQUIRE(is_done(world.carry_out(world.at().replay(again[0].id()))));
  world.settle();
  CHECK(without(took_effect(world), {"of bob"}) == texts{"1", "2", "bad"});
  CHECK(world.dead_letters().empty());
  CHECK(world.is_empty());
}

TEST_CASE("full dead letters pause the address, and it goes on once there is room") {
  store::memory_store_options kept;
  kept.dead_letters_max = 1;
  shards_in_process world(1, {}, kept);
  world.functions.declare("fn", fails_for({"2", "4"}), limits_of(on_failure::dead_letter));
  send_batch(world, alice, numbered(5));
  CHECK(took_effect(world) == texts{"1", "3"});
  CHECK(world.dead_letters().size() == 1);
  CHECK(world.status("fn").paused_count == 1);
  REQUIRE(world.logged.count(number::dead_letters_full) == 1);
  CHECK(world.logged.events(number::dead_letters_full)[0].fields.at("error") ==
        "the dead letters are full; the function refused the message: \"4\"");
  REQUIRE(is_done(world.carry_out(world.at().drop(world.dead_letters()[0].id()))));
  REQUIRE(is_done(world.carry_out(world.at().resume(alice))));
  world.settle();
  CHECK(took_effect(world) == texts{"1", "3", "5"});
  CHECK(world.dead_letters()[0].letter.message.value.bytes == "4");
  CHECK(world.is_empty());
}

TEST_CASE("whatever is answered to all, under whatever policy, no message leaves its mailbox") {
  for (auto const with : all_errors)
    for (auto const then : all_policies) {
      INFO("error " << static_cast<int>(with) << ", policy " << static_cast<int>(then));
      shards_in_process world(2);
      world.functions.declare(
          "fn",
          [with](seen_call const&) -> result<message::reply> {
            return error{with, "a bad deployment"};
          },
          limits_of(then, 2));
      for (auto const& self : {alice, bob, carol})
        for (auto const& bytes : numbered(4))
          REQUIRE(world.accepts(self, bytes));
      pass(world, 1h, 1min);
      CHECK(world.status("fn").waiting_messages_count == 12);
      CHECK(world.dead_letters().empty());
      CHECK(world.status("fn").counters.skipped_total == 0);
      CHECK(world.status("fn").counters.dead_letters_total == 0);
      CHECK(took_effect(world).empty());

      // It is corrected: what waits for a verdict goes on by itself, what is paused by an operator's word.
      world.functions.declare("fn", echoes, limits_of(then, 2));
      world.apply();
      for (auto const& self : {alice, bob, carol})
        if (then == on_failure::pause)
          REQUIRE(is_done(world.carry_out(world.at().resume(self))));
      pass(world, 3min, 1min);
      CHECK(took_effect(world).size() == 12);
      CHECK(world.status("fn").paused_count == 0);
      CHECK(world.status("fn").failing_count == 0);
      CHECK(world.is_empty());
    }
}

TEST_CASE("an outage uses up no attempt, however long it is") {
  for (auto const with : {errc::endpoint_failed, errc::timed_out, errc::endpoint_unreachable, errc::name_unresolved})
    for (auto const then : all_policies) {
      shards_in_process world;
      bool works = false;
      auto const answers = [&](seen_call const& call) -> result<message::reply> {
        return works || call.self == carol ? echoes(call) : error{with, "an outage"};
      };
      world.functions.declare("fn", answers, limits_of(then, 1));
      for (auto const& bytes : numbered(5))
        REQUIRE(world.accepts(alice, bytes));
      for (int i = 0; i < 20; ++i) {
        world.advance(2min);
        REQUIRE(world.accepts(carol, "carol")); // others succeed
      }
      CHECK(world.status("fn").paused_count == 0);
      CHECK(world.dead_letters().empty());
      works = true;
      pass(world, 5min, 10s);
      CHECK(without(took_effect(world), texts(20, "carol")) == numbered(5));
      CHECK(world.status("fn").counters.skipped_total == 0);
      CHECK(world.is_empty());
    }
}

TEST_CASE("what is to be given up waits for another call that succeeds, on any shard, and goes on by itself") {
  auto const shards_count = GENERATE(1, 4);
  shards_in_process world(static_cast<std::size_t>(shards_count));
  bool others_work = false;
  world.functions.declare(
      "fn",
      [&](seen_call const& call) -> result<message::reply> {
        if (call.self == alice || call.self == bob)
          return fails_for({"bad"})(call);
        return others_work ? echoes(call) : result<message::reply>(error{errc::endpoint_failed, "502"});
      },
      limits_of(on_failure::dead_letter));
  REQUIRE(world.accepts(alice, "bad"));
  REQUIRE(world.accepts(bob, "bad"));
  world.settle();
  CHECK(world.status("fn").paused_count == 2);
  CHECK(world.logged.count(number::verdict_waits) == 2);
  CHECK(pause_of(world, alice).reason == "the function refused the message: \"bad\"");
  for (int i = 0; i < 8; ++i)
    REQUIRE(world.accepts(address_of("fn", std::to_string(i)), "good"));
  pass(world, 1h, 1min);
  CHECK(world.dead_letters().empty());
  REQUIRE(world.accepts(alice, "behind"));
  others_work = true;
  pass(world, 2min, 10s);
  CHECK(world.dead_letters().size() == 2);
  CHECK(world.status("fn").paused_count == 0);
  auto const all = took_effect(world);
  CHECK(std::count(all.begin(), all.end(), "behind") == 1);
  CHECK(world.is_empty());
}

TEST_CASE("a success before the failure, or of what was bound before, gives nothing up") {
  shards_in_process world(2);
  world.functions.declare("fn", fails_for({"bad"}), limits_of(on_failure::skip));
  REQUIRE(world.accepts(bob, "before"));
  world.settle();
  REQUIRE(world.accepts(alice, "bad"));
  world.settle();
  CHECK(world.status("fn").paused_count == 1);
  CHECK(world.status("fn").counters.skipped_total == 0);
  world.functions.declare("fn", fails_for({"bad"}), limits_of(on_failure::skip));
  world.apply();
  world.settle();
  CHECK(world.functions.calls_count(alice) == 2); // it goes on with what is bound now, and waits again
  CHECK(world.status("fn").paused_count == 1);
  CHECK(world.status("fn").counters.skipped_total == 0);
  REQUIRE(world.accepts(carol, "after"));
  world.settle();
  CHECK(world.status("fn").counters.skipped_total == 1);
  CHECK(took_effect(world) == texts{"before", "after"});
  CHECK(world.is_empty());
}

TEST_CASE("an operator may resume or skip what waits for a verdict") {
  for (bool const skips : {true, false}) {
    shards_in_process world(2);
    bool refuses = true;
    world.functions.declare(
        "fn",
        [&](seen_call const& call) -> result<message::reply> {
          return refuses ? fails_for({"bad"})(call) : echoes(call);
        },
        limits_of(on_failure::dead_letter));
    REQUIRE(world.accepts(alice, "bad"));
    REQUIRE(world.accepts(alice, "behind"));
    world.settle();
    REQUIRE(world.status("fn").paused_count == 1);
    refuses = skips;
    REQUIRE(is_done(skips ? world.carry_out(world.at().skip(alice, head_of(world, alice)))
                          : world.carry_out(world.at().resume(alice))));
    world.settle();
    CHECK(took_effect(world) == (skips ? texts{"behind"} : texts{"bad", "behind"}));
    REQUIRE(world.accepts(bob, "good")); // nobody is woken who is gone
    world.settle();
    CHECK(world.dead_letters().empty());
    CHECK(world.status("fn").paused_count == 0);
    CHECK(world.is_empty());
  }
}

TEST_CASE("an operator's pause of what waits for a verdict holds though others succeed") {
  shards_in_process world;
  world.functions.declare("fn", fails_for({"bad"}), limits_of(on_failure::skip));
  REQUIRE(world.accepts(alice, "bad"));
  world.settle();
  REQUIRE(is_done(world.carry_out(world.at().pause(alice, "an incident"))));
  REQUIRE(world.accepts(bob, "good"));
  pass(world, 10min, 1min);
  CHECK(world.status("fn").paused_count == 1);
  CHECK(world.status("fn").counters.skipped_total == 0);
  REQUIRE(is_done(world.carry_out(world.at().resume(alice))));
  world.settle();
  CHECK(world.status("fn").counters.skipped_total == 1);
  CHECK(world.is_empty());
}

TEST_CASE("a function that throws for one message: what succeeds takes effect, the culprit alone is tried again") {
  shards_in_process world;
  bool corrected = false;
  world.functions.declare("fn", [&](seen_call const& call) -> result<message::reply> {
    return corrected ? echoes(call) : fails_for({"37"}, errc::answered_500)(call);
  });
  send_batch(world, alice, numbered(100));
  for (int i = 0; i < 60; ++i)
    world.advance(1min);
  CHECK(took_effect(world) == numbered(36));
  CHECK(world.status("fn").waiting_messages_count == 64);
  CHECK(world.status("fn").backing_off_count == 1);
  CHECK(world.logged.count(number::batch_in_parts) == 1);
  auto const calls = world.functions.calls();
  CHECK(bytes_of(calls.back().taken) == texts{"37"});
  CHECK(std::count_if(calls.begin(), calls.end(), [](auto const& call) { return call.taken.size() == 100; }) == 3);
  corrected = true;
  pass(world, 2min, 10s);
  CHECK(took_effect(world) == numbered(100));
  CHECK(world.is_empty());
}

TEST_CASE("maxAttempts gives a message up that throws, and counts what the function answered") {
  shards_in_process world;
  world.functions.declare("fn", fails_for({"2"}, errc::answered_500), limits_of(on_failure::dead_letter, 4));
  REQUIRE(world.accepts(alice, "2"));
  for (int i = 0; i < 10; ++i) {
    world.advance(1min);
    REQUIRE(world.accepts(bob, "good"));
  }
  CHECK(world.functions.calls_count(alice) == 4);
  REQUIRE(world.dead_letters().size() == 1);
  CHECK(world.dead_letters()[0].letter.reason == "4 attempts are used up; the last one: the endpoint failed: \"2\"");
  CHECK(world.is_empty());
}

TEST_CASE("arrivals at each step of the halving queue behind, and two culprits are found") {
  for (auto const with : {errc::message_refused, errc::answered_500})
    for (unsigned seed = 1; seed <= 40; ++seed) {
      INFO("seed " << seed);
      std::minstd_rand random(seed);
      shards_in_process world;
      texts bad{std::to_string(1 + random() % 30)};
      if (auto other = std::to_string(1 + random() % 30); other != bad[0])
        bad.push_back(std::move(other));
      world.functions.declare("fn", fails_for(bad, with), limits_of(on_failure::dead_letter, 4));
      int last = 10;
      send_batch(world, alice, numbered(10));
      for (int i = 0; i < 200; ++i) {
        if (last < 30 && random() % 3 == 0)
          REQUIRE(world.accepts(alice, std::to_string(++last)));
        if (random() % 20 == 0)
          REQUIRE(world.accepts(bob, "first")); // tells that the function works
        if (random() % 50 == 0 && with == errc::message_refused) {
          world.functions.declare("fn", fails_for(bad, with), limits_of(on_failure::dead_letter, 4));
          world.apply();
        }
        for (auto count = random() % 20; count > 0; --count)
          world.loop.step(0);
        if (random() % 4 == 0)
          world.advance(20s);
      }
      REQUIRE(world.accepts(bob, "first"));
      pass(world, 30min, 1min);
      CHECK(took_effect(world) == without(numbered(last), bad));
      CHECK(world.functions.fault().empty());
      CHECK(world.is_empty());
    }
}

TEST_CASE("a batch that costs more than the timeout drains in smaller ones, with few calls that fail") {
  shards_in_process world;
  std::size_t failed_count = 0;
  function::limits limits;
  limits.batch_messages_max = 1000;
  limits.waiting_max = 2000;
  world.functions.declare(
      "fn",
      [&](seen_call const& call) -> result<message::reply> {
        if (call.taken.size() * 100ms <= 1min)
          return echoes(call);
        ++failed_count;
        return error{errc::timed_out, "call timeout (1 min)"};
      },
      limits);
  send_batch(world, alice, numbered(1000));
  pass(world, 1h, 1min);
  CHECK(took_effect(world) == numbered(1000));
  CHECK(failed_count <= 3);
  CHECK(world.is_empty());
}

TEST_CASE("a message that hangs its function stands alone in the end, and what stood before it took effect") {
  shards_in_process world;
  world.functions.declare("fn", fails_for({"40"}, errc::timed_out), limits_of(on_failure::skip, 1));
  send_batch(world, alice, numbered(64));
  pass(world, 1h, 30s);
  CHECK(took_effect(world) == numbered(39));
  CHECK(bytes_of(world.functions.calls().back().taken) == texts{"40"});
  REQUIRE(is_done(world.carry_out(world.at().skip(alice, head_of(world, alice)))));
  pass(world, 1min);
  CHECK(took_effect(world) == without(numbered(64), {"40"}));
  CHECK(world.is_empty());
}

TEST_CASE("an endpoint that sheds load sees no more calls than there are addresses in a back-off") {
  shards_in_process world;
  bool sheds = true;
  world.functions.declare("fn", [&](seen_call const& call) -> result<message::reply> {
    return sheds ? result<message::reply>(error{errc::endpoint_failed, "answered 503"}) : echoes(call);
  });
  REQUIRE(is_done(world.carry_out(world.at().pause(alice.type, "until all are there"))));
  for (int i = 0; i < 50; ++i)
    for (auto const& bytes : numbered(20))
      REQUIRE(world.accepts(address_of("fn", std::to_string(i)), bytes));
  REQUIRE(is_done(world.carry_out(world.at().resume(alice.type))));
  pass(world, 10min, 10s);
  world.functions.forget_calls();
  pass(world, 10min, 10s);
  CHECK(world.functions.calls_count() <= 50 * 21); // at least half of the longest back-off lies between two of one
  for (auto const& call : world.functions.calls())
    CHECK(call.taken.size() == 20);
  sheds = false;
  pass(world, 2min, 10s);
  CHECK(took_effect(world).size() == 1000);
  CHECK(world.is_empty());
}

TEST_CASE("a function that asks for a fresh state each time is in error, and 10,000 addresses pass it") {
  dispatch::options chosen;
  chosen.states_max = 20;
  shards_in_process world(2, chosen);
  world.functions.keep_no_calls();
  std::size_t poisoned_count = 0;
  world.functions.declare("fn", [&](seen_call const& call) -> result<message::reply> {
    if (call.self == alice)
      return message::reply{message::missing_states{{{"fresh " + std::to_string(poisoned_count++), "int", {}}}}};
    auto const& specs = *call.states.specs;
    if (std::none_of(specs.begin(), specs.end(), [](auto const& spec) { return spec.name == "seen"; }))
      return message::reply{message::missing_states{{{"seen", "int", {}}}}};
    return echoes(call);
  });
  REQUIRE(world.accepts(alice, "poison"));
  for (int i = 0; i < 10'000; ++i)
    REQUIRE(world.accepts(address_of("fn", std::to_string(i)), "good"));
  world.settle();
  CHECK(took_effect(world).size() == 10'000);
  CHECK(poisoned_count <= 21);
  CHECK(world.status("fn").paused_count == 1);
  CHECK(world.status("fn").waiting_messages_count == 1);
  CHECK(pause_of(world, alice).reason == "the function declares more states than limits.states_max: the limit is 20");
  CHECK(world.functions.fault().empty());
}

TEST_CASE("each error of a function is named, and takes nothing with it") {
  auto const with_state = [](auto answers) {
    return [answers](seen_call const& call) -> result<message::reply> {
      if (call.states.specs->empty())
        return message::reply{message::missing_states{{{"seen", "int", {}}}}};
      invocation_result done;
      for (auto const& one : call.taken)
        done.egresses.push_back({way, one.value});
      if (has(call, "bad"))
        answers(done);
      return message::reply{std::move(done)};
    };
  };
  struct fault {
    std::string page;
    std::string reason;
    fake_functions::answer says;
  };
  message::typed_value const value{"int", true, "1"};
  std::vector<fault> const faults{
      {"SF0232", "the function mutates a state that was not declared: state 'other'", with_state([&](auto& done) {
         done.mutations.push_back({"other", value});
       })},
      {"SF0233",
       "a state's value has another type than the one declared or stored: state 'seen' has a value of type 'text', "
       "declared as 'int'",
       with_state([](auto& done) {
         done.mutations.push_back({"seen", message::typed_value{"text", true, "1"}});
       })},
      {"SF0236", "the function cancels a delayed message without naming its cancellation token",
       with_state([](auto& done) { done.delayed.push_back(message::delayed_cancel{""}); })},
      {"SF0237", "the function sends a message with a delay that is negative or above ten years: -1 ms to ns/fn/bob",
       with_state([&](auto& done) {
         done.delayed.push_back(message::delayed_send{-1, bob, value, ""});
       })},
      {"SF0238", "the function sends to an address or egress with an empty part: 'ns/fn/'", with_state([&](auto& done) {
         done.messages.push_back({address_of("fn", ""), value});
       })},
      {"SF0238", "the function sends to an address or egress with an empty part: '/fn/a'", with_state([&](auto& done) {
         done.delayed.push_back(message::delayed_send{1, message::address{{"", "fn"}, "a"}, value, ""});
       })},
      {"SF0238", "the function sends to an address or egress with an empty part: 'out/'", with_state([&](auto& done) {
         done.egresses.push_back({{"out", ""}, value});
       })},
      {"SF0239",
       "the function's states would not fit into a request beside a message any more: they grow by 2003 bytes, and "
       "there is room for 996",
       with_state([](auto& done) {
         done.mutations.push_back({"seen", message::typed_value{"int", true, std::string(2000, 'x')}});
       })}};
  for (auto const& each : faults) {
    shards_in_process world;
    function::limits limits;
    limits.payload_bytes_max = 1000;
    world.functions.declare("fn", each.says, limits);
    REQUIRE(world.accepts(alice, "1"));
    world.settle();
    REQUIRE(world.accepts(alice, "bad"));
    REQUIRE(world.accepts(alice, "2"));
    REQUIRE(world.accepts(bob, "of bob"));
    world.settle();
    CHECK(pause_of(world, alice).reason == each.reason);
    CHECK(world.logged.events(number::address_paused)[0].fields.at("reason") == each.page);
    CHECK(took_effect(world) == texts{"1", "of bob"});
    REQUIRE(is_done(world.carry_out(world.at().skip(alice, head_of(world, alice)))));
    world.settle();
    CHECK(took_effect(world) == texts{"1", "of bob", "2"});
    CHECK(world.is_empty());
  }
}

TEST_CASE("a stop cancels calls and uses up no attempt") {
  shards_in_process world;
  world.store.keep_over_restart();
  world.functions.declare("fn", fails_for({"bad"}, errc::answered_500), limits_of(on_failure::skip, 2));
  REQUIRE(world.accepts(alice, "bad"));
  world.settle();
  CHECK(world.status("fn").failures_count_max == 1);
  world.functions.hold();
  world.advance(1min);
  REQUIRE(world.functions.in_flight_count() == 1);
  auto const left = world.start_drain(clock::deadline::after(1s));
  world.advance(2s);
  world.settle();
  REQUIRE(left->has_value());
  CHECK((*left)->messages_count == 1);
  CHECK(world.dead_letters().empty());
  auto const seen = world.status("fn");
  CHECK(seen.failing_count == 1);
  CHECK(seen.counters.calls_failed_total == 1);
  CHECK(seen.counters.skipped_total == 0);
}

TEST_CASE("callWhen durable: a call starts only once its messages, and what they rest on, are durable") {
  for (bool const durable : {true, false}) {
    shards_in_process world;
    function::limits limits;
    limits.calls = durable ? message::call_when::durable : message::call_when::ordered;
    world.functions.declare("fn", echoes, limits);
    world.functions.declare("sends", [](seen_call const& call) -> result<message::reply> {
      invocation_result done;
      done.messages.push_back({alice, call.taken[0].value});
      return message::reply{std::move(done)};
    });
    world.store.hold_durable();
    REQUIRE(world.accepts(address_of("sends", "a"), "1"));
    world.settle();
    CHECK(world.functions.calls_count(alice) == (durable ? 0 : 1));
    world.store.release();
    world.settle();
    CHECK(world.functions.calls_count(alice) == 1);
    CHECK(world.is_empty());
  }
}

TEST_CASE("one bad message stops no other address, no other type and not the daemon") {
  for (auto const with : all_errors)
    for (auto const then : all_policies) {
      INFO("error " << static_cast<int>(with) << ", policy " << static_cast<int>(then));
      shards_in_process world(2);
      auto limits = limits_of(then, 3);
      limits.concurrent_calls_max = 1;
      world.functions.declare("fn", fails_for({"bad"}, with), limits);
      world.functions.declare("gn", echoes);
      REQUIRE(world.accepts(alice, "bad"));
      for (int i = 0; i < 20; ++i) {
        REQUIRE(world.accepts(address_of("fn", std::to_string(i)), "good"));
        REQUIRE(world.accepts(address_of("gn", std::to_string(i)), "good"));
      }
      world.settle();
      CHECK(took_effect(world).size() == 40);
      pass(world, 10min, 30s);
      CHECK(world.status("fn").waiting_messages_count <= 1);
      CHECK(world.functions.fault().empty());
    }
}
