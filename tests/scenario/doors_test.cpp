#include "support/shards_in_process.hpp"

#include <catch2/catch.hpp>

using namespace statefund;
using namespace statefund::support;
using namespace std::chrono_literals;
using dispatch::accepted;
using dispatch::duplicate;
using dispatch::receipt;
using dispatch::refusal;

namespace {

using texts = std::vector<std::string>;

message::address const alice = address_of("fn", "alice");
message::address const bob = address_of("fn", "bob");

std::vector<std::optional<number>> refused(std::vector<receipt> const& told) {
  std::vector<std::optional<number>> all;
  for (auto const& one : told)
    all.push_back(support::refused(one));
  return all;
}

dispatch::submission keyed(message::address const& target, std::string bytes, std::string key) {
  auto one = message_to(target, std::move(bytes));
  one.idempotency_key = std::move(key);
  return one;
}

} // namespace

TEST_CASE("two messages for one address become one batch") {
  shards_in_process world;
  world.functions.declare("fn");
  world.functions.hold();
  REQUIRE(world.accepts(alice, "0"));
  world.settle();
  REQUIRE(world.accepts(alice, "1"));
  REQUIRE(world.accepts(alice, "2"));
  world.settle();
  CHECK(world.functions.calls_count() == 1);
  world.functions.release();
  world.settle();
  auto const calls = world.functions.calls();
  REQUIRE(calls.size() == 2);
  CHECK(bytes_of(calls[0].taken) == texts{"0"});
  CHECK(bytes_of(calls[1].taken) == texts{"1", "2"});
  CHECK(world.is_empty());
}

TEST_CASE("a full mailbox refuses until half of it has gone, and other addresses are not slowed") {
  shards_in_process world;
  world.functions.declare("fn", {}, marked(4));
  world.functions.hold();
  REQUIRE(world.accepts(alice, "out"));
  world.settle();
  for (int i = 0; i < 4; ++i)
    CHECK(world.accepts(alice, std::to_string(i)));
  auto const full = world.accept(message_to(alice, "5"));
  CHECK(refused(full) == number::mailbox_full);
  CHECK(std::get<refusal>(full).retry_after);
  CHECK(world.accepts(bob, "b"));
  world.settle();
  CHECK(world.functions.calls_count(bob) == 1);
  CHECK(world.status("fn").shut_count == 1);
  world.functions.release();
  world.settle();
  CHECK(world.accepts(alice, "6"));
  world.settle();
  CHECK(world.functions.taken(alice) == texts{"out", "0", "1", "2", "3", "6"});
  CHECK(world.is_empty());
}

TEST_CASE("while calls fail, a full mailbox stays shut") {
  shards_in_process world;
  world.functions.declare("fn", {}, marked(4));
  world.functions.fail_next(1000);
  for (int i = 0; i < 4; ++i)
    CHECK(world.accepts(alice, std::to_string(i)));
  for (int i = 0; i < 5; ++i) {
    world.advance(1min);
    CHECK(refused(world.accept(message_to(alice, "more"))) == number::mailbox_full);
  }
  world.functions.fail_next(0);
  world.advance(1min);
  CHECK(world.is_empty());
}

TEST_CASE("an upload waits at a full mailbox, goes on when there is room, and keeps its order") {
  shards_in_process world;
  world.functions.declare("fn", {}, marked(2));
  world.functions.hold();
  REQUIRE(world.accepts(alice, "out"));
  world.settle();
  std::vector<dispatch::submission> messages;
  texts expected{"out"};
  for (int i = 0; i < 9; ++i) {
    messages.push_back(message_to(alice, std::to_string(i)));
    expected.push_back(std::to_string(i));
  }
  auto const told = world.start_upload(std::move(messages), 10s);
  world.settle();
  CHECK_FALSE(told->has_value());
  world.advance(9s);
  CHECK_FALSE(told->has_value());
  world.functions.release();
  world.settle();
  REQUIRE(told->has_value());
  for (auto const& one : **told)
    CHECK(std::holds_alternative<accepted>(one));
  CHECK(world.functions.taken(alice) == expected);
}

TEST_CASE("after wait_max a message of an upload is rejected, and so is every later one to its address") {
  shards_in_process world;
  world.functions.declare("fn", {}, marked(2));
  world.functions.hold();
  REQUIRE(world.accepts(alice, "out"));
  world.settle();
  auto const told = world.start_upload({message_to(alice, "0"), message_to(alice, "1"), message_to(alice, "2"),
                                        message_to(alice, "3"), message_to(bob, "b"), message_to(alice, "4")},
                                       10s);
  world.settle();
  world.advance(10s - 1ms);
  CHECK_FALSE(told->has_value());
  world.advance(1ms);
  REQUIRE(told->has_value());
  CHECK(refused(**told) == std::vector<std::optional<number>>{std::nullopt, std::nullopt, number::mailbox_full,
                                                              number::rejected_before, std::nullopt,
                                                              number::rejected_before});
  world.functions.release();
  world.settle();
  CHECK(world.functions.taken(alice) == texts{"out", "0", "1"});
  CHECK(world.is_empty());
}

TEST_CASE("uploads that wait for one address have its mailbox in turn, as many messages each as it then takes") {
  shards_in_process world;
  world.functions.declare("fn", {}, marked(4));
  world.functions.hold();
  REQUIRE(world.accepts(alice, "out"));
  world.settle();
  std::vector<dispatch::submission> one, other;
  for (char digit = '0'; digit <= '9'; ++digit) {
    one.push_back(message_to(alice, std::string("a") + digit));
    other.push_back(digit == '5' ? keyed(alice, "b5", "key") : message_to(alice, std::string("b") + digit));
  }
  auto const first = world.start_upload(std::move(one), 10s);
  auto const second = world.start_upload(std::move(other), 10s);
  world.settle();
  world.functions.release();
  world.settle();
  REQUIRE(first->has_value());
  REQUIRE(second->has_value());
  CHECK(world.functions.taken(alice) == texts{"out", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "b0", "b1",
                                              "b2",  "b3", "a8", "a9", "b4", "b5", "b6", "b7", "b8", "b9"});
  CHECK(world.is_empty());
}

TEST_CASE("uploads that wait for one address are admitted first come, first served") {
  shards_in_process world;
  world.functions.declare("fn", {}, marked(1));
  world.functions.hold();
  REQUIRE(world.accepts(alice, "out"));
  world.settle();
  REQUIRE(world.accepts(alice, "waits"));
  auto const first = world.start_upload({message_to(alice, "1")}, 10s);
  auto const second = world.start_upload({message_to(alice, "2")}, 10s);
  auto const third = world.start_upload({message_to(alice, "3")}, 10s);
  world.settle();
  world.functions.release();
  world.settle();
  CHECK((first->has_value() && second->has_value() && third->has_value()));
  CHECK(world.functions.taken(alice) == texts{"out", "waits", "1", "2", "3"});
}

TEST_CASE("a cancelled upload leaves the rest refused, on every shard") {
  for (std::size_t const shards : {1U, 3U}) {
    shards_in_process world(shards);
    world.functions.declare("fn", {}, marked(1));
    world.functions.hold();
    std::vector<dispatch::submission> messages;
    for (int i = 0; i < 20; ++i) {
      auto const self = address_of("fn", std::to_string(i));
      REQUIRE(world.accepts(self, "out"));
      world.settle();
      REQUIRE(world.accepts(self, "waits"));
      messages.push_back(message_to(self, "late"));
    }
    for (int i = 20; i < 40; ++i)
      messages.push_back(message_to(address_of("fn", std::to_string(i)), "late"));
    auto const told = world.start_upload(std::move(messages), 10s);
    world.settle();
    world.cancel_doors();
    world.settle();
    REQUIRE(told->has_value());
    for (auto const& one : **told)
      CHECK(std::holds_alternative<refusal>(one));
    world.functions.release();
    world.settle();
    CHECK(world.is_empty());
  }
}

TEST_CASE("an idempotency key is accepted once, for the same bytes, within its window") {
  dispatch::options chosen;
  chosen.key_window = 1h;
  shards_in_process world(1, chosen);
  world.functions.declare("fn");
  auto const first = world.accept(keyed(alice, "x", "k"));
  REQUIRE(std::holds_alternative<accepted>(first));
  auto const again = world.accept(keyed(alice, "x", "k"));
  REQUIRE(std::holds_alternative<duplicate>(again));
  CHECK(std::get<duplicate>(again).first == std::get<accepted>(first).id);
  CHECK(refused(world.accept(keyed(alice, "y", "k"))) == number::key_conflict);
  auto delayed = keyed(alice, "x", "k");
  delayed.delay = 1s;
  CHECK(refused(world.accept(delayed)) == number::key_conflict);
  CHECK(std::holds_alternative<accepted>(world.accept(keyed(bob, "y", "k"))));
  CHECK(refused(world.accept(keyed(alice, "x", ""))) == number::request_malformed);
  world.advance(1h);
  CHECK(std::holds_alternative<accepted>(world.accept(keyed(alice, "y", "k"))));
  world.settle();
  CHECK(world.functions.taken(alice) == texts{"x", "y"});
}

TEST_CASE("of two clients with one key one is accepted, however long the look-up takes") {
  shards_in_process world;
  world.functions.declare("fn");
  world.store.hold_keys();
  auto const first = world.start_accept(keyed(alice, "x", "k"));
  auto const second = world.start_accept(keyed(alice, "x", "k"));
  auto const without = world.start_accept(message_to(alice, "behind"));
  world.settle();
  CHECK_FALSE((first->has_value() || second->has_value() || without->has_value()));
  CHECK(world.accepts(bob, "not slowed"));
  world.store.release();
  world.settle();
  REQUIRE((first->has_value() && second->has_value() && without->has_value()));
  CHECK(std::holds_alternative<accepted>(**first));
  CHECK(std::holds_alternative<duplicate>(**second));
  CHECK(world.functions.taken(alice) == texts{"x", "behind"});
}

TEST_CASE("a key whose message was refused has accepted nothing") {
  shards_in_process world;
  world.functions.declare("fn", {}, marked(1));
  world.functions.hold();
  REQUIRE(world.accepts(alice, "out"));
  world.settle();
  REQUIRE(std::holds_alternative<accepted>(world.accept(keyed(alice, "waits", "w"))));
  CHECK(refused(world.accept(keyed(alice, "x", "k"))) == number::mailbox_full);
  CHECK(std::holds_alternative<duplicate>(world.accept(keyed(alice, "waits", "w"))));
  world.functions.release();
  world.settle();
  CHECK(std::holds_alternative<accepted>(world.accept(keyed(alice, "x", "k"))));
}

TEST_CASE("keys beyond their limit are refused") {
  shards_in_process world(1, {}, {256, 1});
  world.functions.declare("fn");
  CHECK(std::holds_alternative<accepted>(world.accept(keyed(alice, "1", "1"))));
  CHECK(refused(world.accept(keyed(alice, "2", "2"))) == number::keys_limit_reached);
  CHECK(world.accepts(alice, "3"));
}

TEST_CASE("past so many addresses with messages that wait, nothing is accepted for one more, until one has none left") {
  dispatch::options chosen;
  chosen.waiting_addresses_max = 2;
  shards_in_process world(1, chosen);
  auto const passes_on = [](seen_call const& call) -> result<message::reply> {
    message::invocation_result done;
    for (auto const& one : call.taken)
      done.messages.push_back({address_of("sink", "s"), one.value});
    return message::reply{std::move(done)};
  };
  world.functions.declare("fn", passes_on);
  world.functions.declare("sink");
  auto const carol = address_of("fn", "carol");
  auto const sink = address_of("sink", "s");
  world.functions.hold();
  REQUIRE(world.accepts(alice, "1"));
  REQUIRE(world.accepts(bob, "2"));
  world.settle();
  auto const told = world.accept(message_to(carol, "3"));
  REQUIRE(std::holds_alternative<refusal>(told));
  CHECK(std::get<refusal>(told).why == number::addresses_limit_reached);
  CHECK(std::get<refusal>(told).detail ==
        "limits.waiting_addresses_max addresses have messages that wait; " + to_text(carol) + " would be one more");
  CHECK(world.accepts(alice, "4")); // which has some already
  auto const upload = world.start_upload({message_to(carol, "5")}, 1min);
  world.advance(1s);
  CHECK_FALSE(upload->has_value());
  world.functions.release(); // both pass theirs on: what functions send is taken
  world.settle();
  world.advance(1s);
  REQUIRE(upload->has_value());
  CHECK(std::holds_alternative<accepted>((**upload)[0]));
  world.settle();
  CHECK(world.functions.taken(sink) == texts{"1", "2", "4", "5"});
}

TEST_CASE("nothing is accepted for a type that no module declares") {
  shards_in_process world;
  CHECK(refused(world.accept(message_to(alice, "x"))) == number::function_type_unknown);
  CHECK_FALSE(world.at().text_type_name(alice.type));
  world.functions.declare("fn");
  CHECK(world.at().text_type_name(alice.type) == "text");
}

TEST_CASE("at the memory mark doors refuse, uploads wait, and what is consumed makes room") {
  dispatch::options chosen;
  chosen.memory.bytes_max = 1000;
  shards_in_process world(1, chosen);
  world.functions.declare("fn");
  world.functions.hold();
  REQUIRE(world.accepts(alice, std::string(600, 'x')));
  CHECK(refused(world.accept(message_to(bob, std::string(100, 'x')))) == number::memory_mark_reached);
  CHECK_FALSE(world.at().reserve_bytes(300));
  CHECK(world.at().reserve_bytes(10));
  world.at().release_bytes(10);
  auto const told = world.start_upload({message_to(bob, std::string(100, 'x'))}, 10s);
  world.settle();
  CHECK_FALSE(told->has_value());
  world.functions.release();
  world.advance(20ms);
  REQUIRE(told->has_value());
  CHECK(std::holds_alternative<accepted>((**told)[0]));
  CHECK(world.is_empty());
}

TEST_CASE("an answer waits until its message is durable") {
  shards_in_process world;
  world.functions.declare("fn");
  world.store.hold_durable();
  auto const told = world.accept(message_to(alice, "x"));
  auto const ordered = std::get<accepted>(told).ordered;
  task::gate gate(world.loop.executor());
  bool shown = false;
  struct waiting {
    static boost::asio::awaitable<void> until_durable(dispatch::entrance& at, store::ticket ordered, bool& shown) {
      auto const kept = co_await at.durable(ordered);
      shown = kept.has_value();
    }
  };
  gate.start(waiting::until_durable(world.at(), ordered, shown));
  world.settle();
  CHECK_FALSE(shown);
  CHECK(world.functions.calls_count() == 1); // inside, work goes on
  world.store.release();
  world.settle();
  CHECK(shown);
}

TEST_CASE("the write of a message that comes alone begins at once, that of an upload's when somebody waits for it") {
  shards_in_process world(2);
  world.functions.declare("fn");
  auto keyed = message_to(alice, "with a key");
  keyed.idempotency_key = "key";
  for (auto const& one : {message_to(alice, "alone"), keyed}) {
    auto const told = world.accept(one);
    REQUIRE(std::holds_alternative<accepted>(told));
    REQUIRE_FALSE(world.store.hastened().empty());
    CHECK(world.store.hastened().back().number() == std::get<accepted>(told).ordered.number());
  }
  CHECK(world.store.hastened().size() == 2);
  CHECK(std::holds_alternative<dispatch::duplicate>(world.accept(keyed)));
  auto const upload = world.start_upload({message_to(alice, "1"), message_to(alice, "2")}, 1s);
  world.settle();
  REQUIRE(upload->has_value());
  CHECK(world.store.hastened().size() == 2);
}

TEST_CASE("a lost store refuses keys and ends the process") {
  shards_in_process world;
  world.functions.declare("fn");
  world.store.lose();
  CHECK(refused(world.accept(keyed(alice, "x", "k"))) == number::not_accepting);
  CHECK(world.stores_lost_count() == 1);
}
