#include "store/encoded_change.hpp"

#include "clock/clock.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace statefund;
using namespace statefund::store;

namespace {

constexpr std::uint32_t partition_count = 256;
message::address const alice{{"ns", "fn"}, "alice"};
message::address const bob{{"ns", "fn"}, "bob"};
message::egress_id const way{"out", "way"};
message::typed_value const value{"t", true, "v"};

struct step {
  table of = table::head;
  row_verb verb = row_verb::put;
  std::string key;
  std::string value;

  bool operator==(step const&) const = default;
};

std::vector<step> steps_of(encoded_change const& whole) {
  std::vector<step> all;
  whole.for_each([&](row_step const& one) {
    all.push_back({one.of, one.verb, std::string(one.key), std::string(one.value)});
  });
  return all;
}

std::vector<step> steps_of(message::change const& whole, std::uint64_t number) {
  encoded_change made(whole, partition_count);
  made.set_number(number);
  return steps_of(made);
}

std::uint32_t partition_of(message::address const& self) {
  return message::partition_of(self, partition_count);
}

message::change by(message::address const& self) {
  message::change whole;
  whole.self = self;
  return whole;
}

} // namespace

TEST_CASE("an empty change has no steps") {
  encoded_change made(by(alice), partition_count);
  made.set_number(7);
  CHECK(steps_of(made).empty());
  CHECK(made.bytes() == 0);
}

TEST_CASE("what was consumed is removed by its key, of its target") {
  auto whole = by(alice);
  whole.consumed = {{3, 1}, {4, 0}};
  CHECK(steps_of(whole, 7) ==
        std::vector<step>{
            {table::mailbox, row_verb::remove_entry, mailbox_table::key_of(partition_of(alice), alice, {3, 1}), ""},
            {table::mailbox, row_verb::remove_entry, mailbox_table::key_of(partition_of(alice), alice, {4, 0}), ""}});
}

TEST_CASE("a state is put or removed under its owner") {
  auto whole = by(alice);
  whole.states = {{"seen", message::stored_value{value, 0}}, {"gone", std::nullopt}};
  CHECK(
      steps_of(whole, 7) ==
      std::vector<step>{{table::state, row_verb::put, state_table::key_of(partition_of(alice), alice, "seen"),
                         state_table::value_of({value, 0})},
                        {table::state, row_verb::remove, state_table::key_of(partition_of(alice), alice, "gone"), ""}});
}

TEST_CASE("messages get the change's number and their place in it, in their targets' partitions") {
  REQUIRE(partition_of(alice) != partition_of(bob));
  auto whole = by(alice);
  whole.messages = {{bob, alice, value}, {alice, std::nullopt, value}};
  CHECK(steps_of(whole, 0x0102030405060708) ==
        std::vector<step>{{table::mailbox, row_verb::put_entry,
                           mailbox_table::key_of(partition_of(bob), bob, {0x0102030405060708, 0}),
                           mailbox_table::value_of({bob, alice, value})},
                          {table::mailbox, row_verb::put_entry,
                           mailbox_table::key_of(partition_of(alice), alice, {0x0102030405060708, 1}),
                           mailbox_table::value_of({alice, std::nullopt, value})}});
}

TEST_CASE("delayed messages lie with who set them, and go by their time, token and key") {
  auto whole = by(alice);
  whole.delayed_set = {{5000, "token", {bob, alice, value}}, {6000, "", {bob, alice, value}}};
  whole.delayed_gone = {{{4000, {2, 1}}, "other"}, {{4000, {2, 2}}, ""}};
  auto const partition = partition_of(alice);
  CHECK(steps_of(whole, 7) ==
        std::vector<step>{
            {table::delayed, row_verb::put_entry, delayed_table::key_of(partition, {5000, {7, 0}}),
             delayed_table::value_of(alice, whole.delayed_set[0])},
            {table::delayed_token, row_verb::put_entry, delayed_token_table::key_of(partition, alice, "token", {7, 0}),
             delayed_token_table::value_of(5000)},
            {table::delayed, row_verb::put_entry, delayed_table::key_of(partition, {6000, {7, 1}}),
             delayed_table::value_of(alice, whole.delayed_set[1])},
            {table::delayed, row_verb::remove_entry, delayed_table::key_of(partition, {4000, {2, 1}}), ""},
            {table::delayed_token, row_verb::remove_entry,
             delayed_token_table::key_of(partition, alice, "other", {2, 1}), ""},
            {table::delayed, row_verb::remove_entry, delayed_table::key_of(partition, {4000, {2, 2}}), ""}});
}

TEST_CASE("the i-th egress record gets the i-th sequence behind the change's number") {
  message::egress_id const other{"out", "other"};
  auto whole = by(alice);
  whole.egress_records = {{way, value}, {other, value}, {way, value}};
  auto const row = [&](message::egress_id const& to, std::uint64_t sequence) {
    return step{table::egress, row_verb::put_sequence,
                egress_table::key_of(message::partition_of(to, partition_count), to, sequence),
                egress_table::value_of(alice, value)};
  };
  CHECK(steps_of(whole, 7) == std::vector<step>{row(way, 8), row(other, 9), row(way, 10)});
}

TEST_CASE("an idempotency key names the first message of its change") {
  auto whole = by(alice);
  whole.messages = {{alice, std::nullopt, value}};
  whole.key = message::accepted_key{"key", "print", 9000};
  auto const steps = steps_of(whole, 7);
  REQUIRE(steps.size() == 2);
  CHECK(steps[1] == step{table::idempotency, row_verb::put,
                         idempotency_table::key_of(partition_of(alice), alice, "key"),
                         idempotency_table::value_of(*whole.key, {7, 0})});
}

TEST_CASE("a pause is put, and removed when the address goes on") {
  auto whole = by({{"ns", "fn"}, ""});
  message::pause const why{message::pause_cause::by_failure, "broken", 1000};
  auto const key = pause_table::key_of(partition_of(whole.self), whole.self);
  whole.pause = message::pause_row{why};
  CHECK(steps_of(whole, 7) == std::vector<step>{{table::pause, row_verb::put, key, pause_table::value_of(why)}});
  whole.pause = message::pause_row{};
  CHECK(steps_of(whole, 7) == std::vector<step>{{table::pause, row_verb::remove, key, ""}});
}

TEST_CASE("dead letters keep the key that the message had, and go by it") {
  auto whole = by(alice);
  message::dead_letter const letter{{{3, 1}, bob, value}, "poison", 1000};
  whole.dead_letters = {letter};
  whole.dead_letters_gone = {{2, 0}};
  auto const partition = partition_of(alice);
  CHECK(steps_of(whole, 7) ==
        std::vector<step>{
            {table::dead_letter, row_verb::put, dead_letter_table::key_of(partition, {{3, 1}, alice}),
             dead_letter_table::value_of(letter)},
            {table::dead_letter, row_verb::remove, dead_letter_table::key_of(partition, {{2, 0}, alice}), ""}});
}

TEST_CASE("a source's position lies in the partition of who took its messages") {
  auto whole = by(alice);
  whole.position = message::source_position{"topic", 42};
  CHECK(steps_of(whole, 7) ==
        std::vector<step>{{table::position, row_verb::put, position_table::key_of(partition_of(alice), "topic"),
                           position_table::value_of(*whole.position)}});
}

TEST_CASE("an acknowledgement removes each record by its sequence, and leaves the last one behind as the cursor") {
  encoded_change made(message::change{}, partition_count);
  made.remove_records(5, way, {8, 10});
  made.set_number(11);
  CHECK(steps_of(made) ==
        std::vector<step>{
            {table::egress, row_verb::remove_sequence, egress_table::key_of(5, way, 8), ""},
            {table::egress, row_verb::remove_sequence, egress_table::key_of(5, way, 10), ""},
            {table::egress_cursor, row_verb::put, egress_table::prefix_of(5, way), egress_table::cursor_value_of(10)}});
}

TEST_CASE("a number leaves keys of other changes as they are") {
  auto whole = by(alice);
  whole.consumed = {{3, 1}};
  whole.states = {{"seen", message::stored_value{value, 0}}};
  whole.messages = {{bob, alice, value}};
  whole.delayed_gone = {{{4000, {2, 1}}, "token"}};
  encoded_change made(whole, partition_count);
  made.set_number(7);
  auto const once = steps_of(made);
  made.set_number(8);
  auto const again = steps_of(made);
  REQUIRE(once.size() == again.size());
  for (std::size_t i = 0; i < once.size(); ++i)
    CHECK((once[i] == again[i]) == (once[i].verb != row_verb::put_entry));
  CHECK(made.bytes() > 0);
}
