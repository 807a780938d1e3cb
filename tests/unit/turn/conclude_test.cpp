#include "turn/conclude.hpp"

#include <catch2/catch.hpp>

#include <limits>

using namespace statefund;
using namespace statefund::turn;
using namespace std::chrono_literals;
using message::expiration_mode;
using message::stored_value;
using message::typed_value;

namespace {

constexpr std::int64_t now_ms = 1'000'000'000;
constexpr std::int64_t year_ms = 365LL * 24 * 3600 * 1000;

// A turn of one address with two messages, whose facts a test changes before it concludes.
struct turn_of_test {
  message::address self{{"ns", "fn"}, "me"};
  message::batch taken{{{7, 1}, std::nullopt, {"t", true, "one"}}, {{9, 0}, self, {"t", true, "two"}}};
  message::state_specs specs;
  std::vector<std::optional<stored_value>> values;
  std::vector<std::string> expired;
  std::optional<pending_delayed> delayed;
  std::size_t states_max = 1000;
  std::int64_t growth_bytes_max = 1000;

  result<verdict> conclude(message::reply answer) {
    message::state_values const states{std::make_shared<message::state_specs>(specs), values};
    return turn::conclude(
        {self, taken, states, expired, delayed ? &*delayed : nullptr, states_max, now_ms, growth_bytes_max},
        std::move(answer));
  }
  message::change change(message::invocation_result answer) {
    auto judged = conclude(std::move(answer));
    REQUIRE(judged.has_value());
    REQUIRE_FALSE(judged->wants_states());
    return std::move(judged->change());
  }
  error fault(message::reply answer) {
    auto const judged = conclude(std::move(answer));
    REQUIRE(judged.has_error());
    return judged.error();
  }
  void state(std::string name, std::string type, message::expiration expires = {},
             std::optional<stored_value> value = {}) {
    specs.push_back({std::move(name), std::move(type), expires});
    values.push_back(std::move(value));
  }
};

message::invocation_result modify(std::string name, typed_value value) {
  message::invocation_result answer;
  answer.mutations.push_back({std::move(name), std::move(value)});
  return answer;
}

message::invocation_result deleted(std::string name) {
  message::invocation_result answer;
  answer.mutations.push_back({std::move(name), std::nullopt});
  return answer;
}

message::delayed_send send(std::int64_t delay_ms, std::string token = {}) {
  return {delay_ms, {{"ns", "other"}, "b"}, {"t", true, token + "!"}, std::move(token)};
}

typed_value const one{"int", true, "1"};
typed_value const two{"int", true, "2"};

} // namespace

TEST_CASE("an answer becomes one change, whole") {
  turn_of_test turn;
  turn.state("seen", "int");
  auto answer = modify("seen", one);
  answer.messages.push_back({{{"ns", "other"}, "b"}, two});
  answer.messages.push_back({turn.self, one});
  answer.delayed.push_back(send(10));
  answer.egresses.push_back({{"out", "way"}, two});
  auto const whole = turn.change(answer);
  CHECK(whole.self == turn.self);
  CHECK(whole.consumed == std::vector<message::entry_key>{{7, 1}, {9, 0}});
  CHECK(whole.states == std::vector<message::state_change>{{"seen", stored_value{one, 0}}});
  CHECK(whole.messages ==
        std::vector<message::envelope>{{{{"ns", "other"}, "b"}, turn.self, two}, {turn.self, turn.self, one}});
  REQUIRE(whole.delayed_set.size() == 1);
  CHECK(whole.delayed_set[0].due_ms == now_ms + 10);
  CHECK(whole.delayed_set[0].message.caller == turn.self);
  CHECK(whole.egress_records == std::vector<message::egress_record>{{{"out", "way"}, two}});
  CHECK(whole.delayed_gone.empty());
  CHECK_FALSE(whole.key);
  CHECK_FALSE(whole.departed);
}

TEST_CASE("an empty answer consumes its batch and does nothing else") {
  turn_of_test turn;
  turn.state("seen", "int", {}, stored_value{one, 0});
  auto const whole = turn.change({});
  CHECK(whole.consumed.size() == 2);
  CHECK(whole.states.empty());
  CHECK(whole.messages.empty());
}

TEST_CASE("a state that the call did not carry cannot be mutated") {
  turn_of_test turn;
  turn.state("seen", "int");
  auto const modified = turn.fault(modify("scene", one));
  CHECK(modified.code == errc::state_undeclared);
  CHECK(modified.detail.find("'scene'") != std::string::npos);
  CHECK(turn.fault(deleted("scene")).code == errc::state_undeclared);
}

TEST_CASE("a value of another type than declared or stored names both types") {
  turn_of_test turn;
  turn.state("declared", "int");
  turn.state("stored", "", {}, stored_value{{"text", true, "x"}, 0});
  auto const declared = turn.fault(modify("declared", {"long", true, "1"}));
  CHECK(declared.code == errc::state_type_mismatch);
  CHECK(declared.detail == "state 'declared' has a value of type 'long', declared as 'int'");
  auto const stored = turn.fault(modify("stored", {"long", true, "1"}));
  CHECK(stored.code == errc::state_type_mismatch);
  CHECK(stored.detail == "state 'stored' has a value of type 'long', stored as 'text'");
  CHECK(turn.change(deleted("stored")).states == std::vector<message::state_change>{{"stored", std::nullopt}});
}

TEST_CASE("an empty type, declared, stored or sent, goes with any") {
  turn_of_test turn;
  turn.state("untyped", "");
  turn.state("from_2", "int", {}, stored_value{{"", true, "0"}, 0});
  turn.state("typed", "int", {}, stored_value{one, 0});
  CHECK(turn.change(modify("untyped", two)).states.at(0).value->value == two);
  CHECK(turn.change(modify("from_2", two)).states.at(0).value->value == two);
  CHECK(turn.change(modify("typed", {"", true, "3"})).states.at(0).value->value.bytes == "3");
}

TEST_CASE("mutations of one state apply in their order") {
  turn_of_test turn;
  turn.state("seen", "int");
  auto answer = modify("seen", one);
  answer.mutations.push_back({"seen", std::nullopt});
  answer.mutations.push_back({"seen", two});
  auto const states = turn.change(answer).states;
  REQUIRE(states.size() == 3);
  CHECK_FALSE(states[1].value);
  CHECK(states[2].value->value == two);
}

TEST_CASE("after_write counts from a MODIFY, and from nothing else") {
  turn_of_test turn;
  turn.state("seen", "int", {expiration_mode::after_write, 10s}, stored_value{one, now_ms + 1});
  CHECK(turn.change({}).states.empty());
  CHECK(turn.change(modify("seen", two)).states.at(0).value == stored_value{two, now_ms + 10'000});
}

TEST_CASE("after_invoke counts from every call that carried the value, written once it moves by more than 1 %") {
  turn_of_test turn;
  message::expiration const expires{expiration_mode::after_invoke, 10s};
  turn.state("seen", "int", expires, stored_value{one, now_ms + 9'900});
  CHECK(turn.change({}).states.empty());
  turn.values[0]->expires_at_ms = now_ms + 9'899;
  CHECK(turn.change({}).states == std::vector<message::state_change>{{"seen", stored_value{one, now_ms + 10'000}}});
  CHECK(turn.change(modify("seen", two)).states ==
        std::vector<message::state_change>{{"seen", stored_value{two, now_ms + 10'000}}});
  CHECK(turn.change(deleted("seen")).states == std::vector<message::state_change>{{"seen", std::nullopt}});
  turn.values[0].reset();
  CHECK(turn.change({}).states.empty());
}

TEST_CASE("after_invoke gives an expiry to a value that was stored without one, and shortens a longer one") {
  turn_of_test turn;
  turn.state("seen", "int", {expiration_mode::after_invoke, 10s}, stored_value{one, 0});
  CHECK(turn.change({}).states == std::vector<message::state_change>{{"seen", stored_value{one, now_ms + 10'000}}});
  turn.values[0]->expires_at_ms = now_ms + 3'600'000;
  CHECK(turn.change({}).states == std::vector<message::state_change>{{"seen", stored_value{one, now_ms + 10'000}}});
}

TEST_CASE("a duration of nothing never expires") {
  turn_of_test turn;
  turn.state("written", "int", {expiration_mode::after_write, 0s});
  turn.state("called", "int", {expiration_mode::after_invoke, 0s}, stored_value{one, 0});
  CHECK(turn.change(modify("written", one)).states ==
        std::vector<message::state_change>{{"written", stored_value{one, 0}}});
}

TEST_CASE("a duration beyond the end of time expires at the end of time") {
  turn_of_test turn;
  auto const most = std::numeric_limits<std::int64_t>::max();
  turn.state("seen", "int", {expiration_mode::after_invoke, std::chrono::milliseconds(most)});
  CHECK(turn.change(modify("seen", one)).states.at(0).value->expires_at_ms == most);
  turn.values[0] = stored_value{one, most};
  CHECK(turn.change({}).states.empty());
}

TEST_CASE("a state that was seen as expired is deleted, unless it is written") {
  turn_of_test turn;
  turn.state("seen", "int", {expiration_mode::after_invoke, 10s});
  turn.expired = {"seen"};
  CHECK(turn.change({}).states == std::vector<message::state_change>{{"seen", std::nullopt}});
  CHECK(turn.change(modify("seen", two)).states ==
        std::vector<message::state_change>{{"seen", stored_value{two, now_ms + 10'000}}});
  CHECK(turn.change(deleted("seen")).states == std::vector<message::state_change>{{"seen", std::nullopt}});
}

TEST_CASE("expired values are taken out at their very millisecond, and named") {
  message::state_specs const specs{
      {"gone", "int", {}}, {"kept", "int", {}}, {"never", "int", {}}, {"absent", "int", {}}};
  message::state_values states{
      std::make_shared<message::state_specs>(specs),
      {stored_value{one, now_ms}, stored_value{one, now_ms + 1}, stored_value{one, 0}, std::nullopt}};
  CHECK(take_out_expired(states, now_ms) == std::vector<std::string>{"gone"});
  CHECK_FALSE(states.values[0]);
  CHECK(states.values[1]);
  CHECK(states.values[2]);
  CHECK(take_out_expired(states, now_ms).empty());
}

TEST_CASE("a stored value of another type than the declared one is found before the call, both types named") {
  message::state_specs const specs{
      {"same", "int", {}}, {"untyped", "", {}}, {"absent", "int", {}}, {"other", "text", {}}};
  message::state_values states{std::make_shared<message::state_specs>(specs),
                               {stored_value{one, 0}, stored_value{one, 0}, std::nullopt, std::nullopt}};
  CHECK(check_types(states).has_value());
  states.values[3] = stored_value{one, 0};
  auto const checked = check_types(states);
  REQUIRE(checked.has_error());
  CHECK(checked.error().code == errc::state_type_mismatch);
  CHECK(checked.error().detail == "state 'other' has a value of type 'int', declared as 'text'");
}

TEST_CASE("a delay counts from now, and lies between nothing and ten years") {
  turn_of_test turn;
  message::invocation_result answer;
  answer.delayed = {send(0), send(10 * year_ms)};
  auto const whole = turn.change(answer);
  REQUIRE(whole.delayed_set.size() == 2);
  CHECK(whole.delayed_set[0].due_ms == now_ms);
  CHECK(whole.delayed_set[1].due_ms == now_ms + 10 * year_ms);
  for (auto const wrong : {std::int64_t{-1}, 11 * year_ms, std::numeric_limits<std::int64_t>::max(),
                           std::numeric_limits<std::int64_t>::min()}) {
    answer.delayed = {send(wrong)};
    auto const fault = turn.fault(answer);
    CHECK(fault.code == errc::delay_out_of_range);
    CHECK(fault.detail == std::to_string(wrong) + " ms to ns/other/b");
  }
}

TEST_CASE("a cancellation removes every pending message with its token, each once") {
  turn_of_test turn;
  turn.delayed = pending_delayed{{"t", {{7, {1, 0}}, {8, {1, 1}}}}, {"u", {{9, {2, 0}}}}};
  message::invocation_result answer;
  answer.delayed = {message::delayed_cancel{"t"}, message::delayed_cancel{"t"}};
  auto gone = turn.change(answer).delayed_gone;
  std::sort(gone.begin(), gone.end());
  CHECK(gone == std::vector<message::delayed_removal>{{{7, {1, 0}}, "t"}, {{8, {1, 1}}, "t"}});
}

TEST_CASE("a token that never was, or has fired, is no error") {
  turn_of_test turn;
  message::invocation_result answer;
  answer.delayed = {message::delayed_cancel{"never"}};
  CHECK(turn.change(answer).delayed_gone.empty());
  turn.delayed = pending_delayed{{"other", {{7, {1, 0}}}}};
  CHECK(turn.change(answer).delayed_gone.empty());
}

TEST_CASE("sends and cancellations of one answer apply in their order") {
  turn_of_test turn;
  turn.delayed = pending_delayed{{"t", {{7, {1, 0}}}}};
  message::invocation_result set_then_cancel;
  set_then_cancel.delayed = {send(10, "t"), send(20), send(30, "u"), message::delayed_cancel{"t"}};
  auto const none = turn.change(set_then_cancel);
  REQUIRE(none.delayed_set.size() == 2);
  CHECK(none.delayed_set[0].cancellation_token.empty());
  CHECK(none.delayed_set[1].cancellation_token == "u");
  CHECK(none.delayed_gone == std::vector<message::delayed_removal>{{{7, {1, 0}}, "t"}});

  message::invocation_result cancel_then_set;
  cancel_then_set.delayed = {message::delayed_cancel{"t"}, send(10, "t")};
  auto const anew = turn.change(cancel_then_set);
  CHECK(anew.delayed_set.size() == 1);
  CHECK(anew.delayed_gone == std::vector<message::delayed_removal>{{{7, {1, 0}}, "t"}});
}

TEST_CASE("a token that is still pending may be used again") {
  turn_of_test turn;
  turn.delayed = pending_delayed{{"t", {{7, {1, 0}}}}};
  message::invocation_result answer;
  answer.delayed = {send(10, "t"), send(10, "t")};
  auto const whole = turn.change(answer);
  CHECK(whole.delayed_set.size() == 2);
  CHECK(whole.delayed_gone.empty());
}

TEST_CASE("a cancellation without a token is the function's error") {
  turn_of_test turn;
  message::invocation_result answer;
  answer.delayed = {message::delayed_cancel{""}};
  CHECK(turn.fault(answer).code == errc::cancellation_without_token);
}

TEST_CASE("asking for states that the call carried, as they are, is the function's error") {
  turn_of_test turn;
  turn.state("seen", "int", {expiration_mode::after_write, 10s});
  auto const same = turn.fault(message::missing_states{turn.specs});
  CHECK(same.code == errc::nothing_new_asked);
  CHECK(same.detail.find("'seen'") != std::string::npos);
  CHECK(turn.fault(message::missing_states{}).code == errc::nothing_new_asked);
}

TEST_CASE("asking for a new state, or for a carried one anew, is a wish") {
  turn_of_test turn;
  turn.state("seen", "int");
  auto const other = turn.conclude(message::missing_states{{{"seen", "int", {}}, {"other", "int", {}}}});
  REQUIRE(other.has_value());
  CHECK(other->wants_states());
  CHECK(other->missing().specs.size() == 2);
  auto const retyped = turn.conclude(message::missing_states{{{"seen", "long", {}}}});
  REQUIRE(retyped.has_value());
  CHECK(retyped->wants_states());
}

TEST_CASE("more states than states_max are the function's error") {
  turn_of_test turn;
  turn.states_max = 2;
  turn.state("a", "");
  CHECK(turn.conclude(message::missing_states{{{"a", "int", {}}, {"b", "", {}}}}).has_value());
  auto const fault = turn.fault(message::missing_states{{{"b", "", {}}, {"c", "", {}}}});
  CHECK(fault.code == errc::too_many_states);
  CHECK(fault.detail.find('2') != std::string::npos);
}

TEST_CASE("what is learned is added, and a name asked for anew takes the new spec") {
  message::state_specs const known{{"a", "int", {}}, {"b", "int", {}}};
  auto const all = learn(known, {{{"b", "long", {}}, {"c", "", {}}}}, 3);
  REQUIRE(all.has_value());
  CHECK(*all == message::state_specs{{"a", "int", {}}, {"b", "long", {}}, {"c", "", {}}});
  CHECK(*learn(known, {}, 2) == known);
  auto const fault = learn(known, {{{"c", "", {}}}}, 2);
  REQUIRE(fault.has_error());
  CHECK(fault.error().code == errc::too_many_states);
}

TEST_CASE("every error of a turn has a sentence") {
  for (auto const value : {errc::state_undeclared, errc::state_type_mismatch, errc::nothing_new_asked,
                           errc::too_many_states, errc::cancellation_without_token, errc::delay_out_of_range})
    CHECK(make_error_code(value).message() != "unknown error");
}
