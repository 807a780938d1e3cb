#include "support/shards_in_process.hpp"

#include <catch2/catch.hpp>

using namespace statefund;
using namespace statefund::support;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using dispatch::acted;
using dispatch::dead_letter_page;
using dispatch::refusal;
using dispatch::replayed;
using dispatch::standing;
using dispatch::verb_answer;

// What the admin door asks of dispatch: the verbs as they are answered, once they are durable.

namespace {

namespace asio = boost::asio;
using texts = std::vector<std::string>;

message::address const alice = address_of("fn", "alice");
message::address const bob = address_of("fn", "bob");
message::function_type const fn{"ns", "fn"};

bool changed(shards_in_process& world, asio::awaitable<verb_answer<acted>> verb) {
  auto const told = world.loop.run(std::move(verb));
  REQUIRE(told.has_value());
  if (auto const* const no = std::get_if<refusal>(&*told))
    FAIL(no->detail);
  return std::get<acted>(*told).changed;
}

refusal refused(verb_answer<acted> const& told) {
  REQUIRE(told.has_value());
  REQUIRE(std::holds_alternative<refusal>(*told));
  return std::get<refusal>(*told);
}

dispatch::address_detail detail(shards_in_process& world, message::address const& self) {
  auto told = world.loop.run(world.all().describe(self));
  REQUIRE(told.has_value());
  REQUIRE(std::holds_alternative<dispatch::address_detail>(*told));
  return std::get<dispatch::address_detail>(std::move(*told));
}

// As a turn would set it aside.
void set_aside(shards_in_process& world, message::address const& self, message::entry_key const& key,
               std::string bytes) {
  message::change whole;
  whole.self = self;
  whole.dead_letters.push_back({{key, std::nullopt, {"t", true, std::move(bytes)}}, "the function answered 400", 7});
  world.store.commit(whole);
}

texts ids_of(dead_letter_page const& page) {
  texts ids;
  for (auto const& one : page.letters)
    ids.push_back(to_text(one.message.id));
  return ids;
}

} // namespace

TEST_CASE("a verb is answered once it is durable, and a pause waits for the call that is out") {
  shards_in_process world(2);
  world.functions.declare("fn");
  world.functions.hold();
  REQUIRE(world.accepts(alice, "1"));
  world.settle();
  REQUIRE(world.accepts(alice, "2"));
  std::optional<verb_answer<acted>> told;
  task::gate asking(world.loop.executor());
  world.store.hold_durable();
  asking.start(keep(world.all().pause(alice, "uid 7: a look"), told));
  world.settle();
  CHECK(detail(world, alice).summary.stands == standing::in_flight);
  world.functions.release();
  world.settle();
  CHECK_FALSE(told);
  CHECK(world.functions.taken(alice) == texts{"1"});
  world.store.release();
  world.settle();
  REQUIRE(told);
  CHECK(std::get<acted>(**told).changed);
  auto const seen = detail(world, alice);
  CHECK(seen.summary.stands == standing::paused);
  REQUIRE(seen.paused);
  CHECK(seen.paused->why.reason == "uid 7: a look");
  CHECK(seen.paused->with == dispatch::paused_with::itself);
  REQUIRE(seen.head);
  CHECK(seen.summary.messages_count == 1);

  CHECK(changed(world, world.all().resume(alice)));
  CHECK_FALSE(changed(world, world.all().resume(alice)));
  world.settle();
  CHECK(world.functions.taken(alice) == texts{"1", "2"});
  world.loop.run(asking.close());
}

TEST_CASE("where the store is lost a verb has no answer") {
  shards_in_process world;
  world.functions.declare("fn");
  world.store.lose();
  CHECK_FALSE(world.loop.run(world.all().pause(alice, "")).has_value());
  CHECK_FALSE(world.loop.run(world.all().dead_letters({}, std::nullopt, 10)).has_value());
}

TEST_CASE("of two operators who skip what describe has shown them, the second is told what stands there") {
  shards_in_process world(2);
  world.functions.declare("fn");
  world.functions.fail_next(1);
  for (char const* const bytes : {"poison", "good", "better"})
    world.start_accept(message_to(alice, bytes));
  world.settle();
  auto const seen = detail(world, alice);
  CHECK(seen.summary.stands == standing::backing_off);
  REQUIRE(seen.head);
  CHECK(changed(world, world.all().skip(alice, seen.head->id)));
  auto const late = refused(world.loop.run(world.all().skip(alice, seen.head->id)));
  CHECK(late.why == number::message_not_at_head);
  world.advance(1min);
  CHECK(world.functions.taken(alice).size() >= 2);
  CHECK(world.is_empty());
}

TEST_CASE("a message that waits for a type that no module declares is shown as such, and can be dropped") {
  shards_in_process world(2);
  world.functions.declare("fn");
  world.functions.hold();
  REQUIRE(world.accepts(alice, "1"));
  world.settle();
  REQUIRE(world.accepts(alice, "2"));
  world.functions.forget("fn");
  world.apply();
  world.functions.release();
  world.settle();
  auto const seen = detail(world, alice);
  CHECK(seen.summary.stands == standing::unbound);
  REQUIRE(seen.head);
  CHECK(changed(world, world.all().skip(alice, seen.head->id)));
  auto const told = world.loop.run(world.all().describe(alice));
  CHECK(std::get<refusal>(*told).why == number::address_unknown);
  CHECK(world.is_empty());
}

TEST_CASE("a paused type shows in its addresses, which wait for it, and only a declared one is paused") {
  shards_in_process world(2);
  world.functions.declare("fn");
  CHECK(changed(world, world.all().pause(fn, "uid 7")));
  CHECK_FALSE(changed(world, world.all().pause(fn, "uid 7")));
  REQUIRE(world.accepts(alice, "1"));
  REQUIRE(world.accepts(bob, "1"));
  CHECK(changed(world, world.all().pause(bob, "uid 8")));
  world.settle();
  CHECK(detail(world, alice).summary.stands == standing::paused);
  CHECK(detail(world, alice).paused->with == dispatch::paused_with::its_type);
  CHECK(detail(world, bob).paused->with == dispatch::paused_with::itself);
  dispatch::address_filter wanted;
  wanted.stands = standing::paused;
  CHECK(world.loop.run(world.all().addresses(wanted)).total_count == 2);
  CHECK(changed(world, world.all().resume(fn)));
  world.settle();
  CHECK(world.functions.taken(alice) == texts{"1"});
  CHECK(world.functions.taken(bob).empty());
  CHECK(world.loop.run(world.all().addresses(wanted)).total_count == 1);

  auto const unknown = refused(world.loop.run(world.all().pause(message::function_type{"ns", "typo"}, "")));
  CHECK(unknown.why == number::function_type_unknown);
  CHECK(changed(world, world.all().resume(bob)));
  world.settle();
}

TEST_CASE("an idle address that is paused is listed last, and is known") {
  shards_in_process world;
  world.functions.declare("fn");
  CHECK(changed(world, world.all().pause(alice, "uid 7")));
  CHECK(changed(world, world.all().pause(bob, "uid 7")));
  REQUIRE(world.accepts(bob, "1"));
  auto const list = world.loop.run(world.all().addresses({}));
  REQUIRE(list.addresses.size() == 2);
  CHECK(list.addresses[0].self == bob);
  CHECK(list.addresses[1].self == alice);
  CHECK_FALSE(list.addresses[1].oldest_since);
  CHECK(detail(world, alice).summary.stands == standing::paused);
  CHECK(changed(world, world.all().resume(alice)));
  CHECK(changed(world, world.all().resume(bob)));
  world.settle();
}

TEST_CASE("dead letters are listed page by page, by type and address, and found by their id") {
  shards_in_process world(2);
  world.functions.declare("fn");
  set_aside(world, alice, {1, 0}, "one");
  set_aside(world, bob, {1, 1}, "two");
  set_aside(world, alice, {2, 0}, "three");
  set_aside(world, address_of("other", "x"), {3, 0}, "four");
  auto const page = [&](store::dead_letter_filter wanted, std::optional<message::entry_key> after, std::size_t max) {
    auto told = world.loop.run(world.all().dead_letters(std::move(wanted), after, max));
    REQUIRE(told.has_value());
    return std::move(*told);
  };
  auto const first = page({}, std::nullopt, 3);
  CHECK(ids_of(first) == texts{"1-0", "1-1", "2-0"});
  CHECK(first.next == message::entry_key{2, 0});
  CHECK(first.total_count == 4);
  CHECK(first.durable);
  auto const second = page({}, first.next, 3);
  CHECK(ids_of(second) == texts{"3-0"});
  CHECK_FALSE(second.next);
  CHECK(ids_of(page({fn, std::nullopt}, std::nullopt, 10)) == texts{"1-0", "1-1", "2-0"});
  CHECK(ids_of(page({std::nullopt, alice}, std::nullopt, 10)) == texts{"1-0", "2-0"});
  CHECK_FALSE(page({std::nullopt, alice}, std::nullopt, 2).next);

  auto const one = world.loop.run(world.all().dead_letter({1, 1}));
  CHECK(std::get<store::dead_letter_row>(*one).self == bob);
  auto const none = world.loop.run(world.all().dead_letter({1, 2}));
  CHECK(std::get<refusal>(*none).why == number::dead_letter_unknown);
  CHECK(changed(world, world.all().drop({1, 1})));
  CHECK(refused(world.loop.run(world.all().drop({1, 1}))).why == number::dead_letter_unknown);
  CHECK(changed(world, world.all().replay({1, 0})));
  world.settle();
  CHECK(world.functions.taken(alice) == texts{"one"});
}

TEST_CASE(
    "many are replayed in order, up to a full mailbox, which holds up no other address; again, the rest follows") {
  shards_in_process world(2);
  function::limits limits;
  limits.waiting_max = 2;
  world.functions.declare("fn", {}, limits);
  for (std::uint64_t i = 1; i <= 4; ++i)
    set_aside(world, alice, {i, 0}, std::to_string(i));
  set_aside(world, bob, {9, 0}, "bob's");
  CHECK(changed(world, world.all().pause(alice, "uid 7")));
  auto const once = world.loop.run(world.all().replay_all({fn, std::nullopt}));
  REQUIRE(once.has_value());
  CHECK(once->replayed_count == 3);
  CHECK(once->left_count == 2);
  REQUIRE(once->first_refusal);
  CHECK(once->first_refusal->why == number::mailbox_full);
  world.settle();
  CHECK(world.functions.taken(bob) == texts{"bob's"});

  CHECK(changed(world, world.all().resume(alice)));
  world.settle();
  auto const again = world.loop.run(world.all().replay_all({std::nullopt, alice}));
  CHECK(again->replayed_count == 2);
  CHECK(again->left_count == 0);
  CHECK_FALSE(again->first_refusal);
  world.settle();
  CHECK(world.functions.taken(alice) == texts{"1", "2", "3", "4"});
  CHECK(world.loop.run(world.all().replay_all({fn, std::nullopt}))->replayed_count == 0);
  CHECK(world.store.dead_letters().count == 0);
}
