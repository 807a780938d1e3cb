#include "unit/wire/hex.hpp"

#include "wire/answer.hpp"
#include "wire/errc.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <chrono>

using namespace statefund;
using namespace statefund::wire;
using namespace statefund::wire::test;
using message::invocation_result;
using message::missing_states;

namespace {

std::string const target = hex("0A016E 120166 1A0169"); // n/f/i
message::address const target_read{{"n", "f"}, "i"};
std::string const value_v3 = hex("0A0174 1001 1A0176"); // {t, has_value, "v"}
std::string const value_v2 = hex("0A0174 120176");      // {t, "v"}
message::typed_value const value_read{"t", true, "v"};

std::string effects(std::string const& content) {
  return box("A206", content);
}
std::string missing(std::string const& spec) {
  return box("AA06", box("0A", spec));
}

error refused(generation speaks, std::string const& bytes) {
  auto const read = decode_answer(speaks, bytes);
  REQUIRE_FALSE(read.has_value());
  return read.error();
}

template <class Member = invocation_result>
Member taken(generation speaks, std::string const& bytes) {
  auto const read = decode_answer(speaks, bytes);
  INFO((read ? "" : read.error().to_string()));
  REQUIRE(read.has_value());
  REQUIRE(std::holds_alternative<Member>(*read));
  return std::get<Member>(*read);
}

// One entry of each kind, and of each way it can be.
std::string const full_v3 =
    hex("A206 8501"                                                   // invocation_result, 133 bytes
        "0A 05  08 00  12 01 61"                                      // DELETE a, its type written out
        "0A 03  12 01 62"                                             // DELETE b, its type left out
        "0A 0F  08 01  12 01 63  1A 08  0A 01 74  10 01  1A 01 76"    // MODIFY c = "v"
        "0A 0C  08 01  12 01 64  1A 05  0A 01 74  10 01"              // MODIFY d = an empty value
        "12 15  0A 09 0A016E 120166 1A0169  12 08 0A0174 1001 1A0176" // send
        "12 0B  0A 09 0A016E 120166 1A0169"                           // send without an argument
        "1A 1B  08 E807  12 09 0A016E 120166 1A0169  1A 08 0A0174 1001 1A0176  5A 01 6B" // in 1000 ms, token k
        "1A 05  50 01  5A 01 6B"                                                         // cancel k
        "22 10  0A 01 6E  12 01 65  1A 08 0A0174 1001 1A0176");                          // egress n/e

std::string const full_v2 = hex("A206 62"                                                // invocation_result, 98 bytes
                                "0A 05  08 00  12 01 61"                                 // DELETE a
                                "0A 08  08 01  12 01 63  1A 01 76"                       // MODIFY c = "v"
                                "0A 05  08 01  12 01 64"                                 // MODIFY d = an empty value
                                "12 13  0A 09 0A016E 120166 1A0169  12 06 0A0174 120176" // send
                                "12 0B  0A 09 0A016E 120166 1A0169"                      // send without an argument
                                "1A 16  08 E807  12 09 0A016E 120166 1A0169  1A 06 0A0174 120176" // in 1000 ms
                                "22 0E  0A 01 6E  12 01 65  1A 06 0A0174 120176");                // egress n/e

} // namespace

TEST_CASE("a 3.x answer with everything in it is read") {
  auto const read = taken(generation::v3, full_v3);
  CHECK(read.mutations ==
        std::vector<message::state_mutation>{
            {"a", std::nullopt}, {"b", std::nullopt}, {"c", value_read}, {"d", message::typed_value{"t", true, ""}}});
  CHECK(read.messages ==
        std::vector<message::outgoing_message>{{target_read, value_read}, {target_read, {"", false, ""}}});
  REQUIRE(read.delayed.size() == 2);
  CHECK(std::get<message::delayed_send>(read.delayed[0]) == message::delayed_send{1000, target_read, value_read, "k"});
  CHECK(std::get<message::delayed_cancel>(read.delayed[1]).cancellation_token == "k");
  CHECK(read.egresses == std::vector<message::egress_message>{{{"n", "e"}, value_read}});
}

TEST_CASE("a 2.x answer with everything in it is read") {
  auto const read = taken(generation::v2, full_v2);
  CHECK(read.mutations == std::vector<message::state_mutation>{{"a", std::nullopt},
                                                               {"c", message::typed_value{"", true, "v"}},
                                                               {"d", message::typed_value{"", true, ""}}});
  CHECK(read.messages ==
        std::vector<message::outgoing_message>{{target_read, value_read}, {target_read, {"", false, ""}}});
  REQUIRE(read.delayed.size() == 1);
  CHECK(std::get<message::delayed_send>(read.delayed[0]) == message::delayed_send{1000, target_read, value_read, ""});
  CHECK(read.egresses == std::vector<message::egress_message>{{{"n", "e"}, value_read}});
}

TEST_CASE("an incomplete invocation context is read with all its specs, in order") {
  auto const read = taken<missing_states>(
      generation::v3, box("AA06", hex("0A 03  0A 01 61"                                   // a: untyped, kept for ever
                                      "0A 08  0A 01 62  12 00  1A 01 74"                  // b: of type t, NONE
                                      "0A 0B  0A 01 63  12 06  08 01 10 80 CE 1C"         // c: 468736 ms after a write
                                      "0A 0C  0A 01 64  12 04  08 02 10 05  1A 01 74"))); // d: 5 ms after a call
  using std::chrono::milliseconds;
  using enum message::expiration_mode;
  CHECK(read.specs == message::state_specs{{"a", "", {}},
                                           {"b", "t", {}},
                                           {"c", "", {after_write, milliseconds(468736)}},
                                           {"d", "t", {after_invoke, milliseconds(5)}}});
}

TEST_CASE("an answer without a member, or with an empty one, is no effect") {
  for (auto const speaks : {generation::v2, generation::v3}) {
    CHECK(taken(speaks, "") == invocation_result{});
    CHECK(taken(speaks, hex("A206 00")) == invocation_result{});
    CHECK(taken(speaks, hex("08 07")) == invocation_result{}); // only a field that nobody knows
  }
  CHECK(taken<missing_states>(generation::v3, hex("AA06 00")) == missing_states{});
}

TEST_CASE("MODIFY always stores a value") {
  auto const stored = [](generation speaks, std::string const& mutation) {
    auto const read = taken(speaks, effects(box("0A", mutation)));
    REQUIRE(read.mutations.size() == 1);
    return read.mutations[0].value;
  };
  using value = message::typed_value;
  CHECK(stored(generation::v3, hex("0801 120161")) == value{"", true, ""});
  CHECK(stored(generation::v3, hex("0801 120161 1A00")) == value{"", true, ""});
  CHECK(stored(generation::v3, hex("0801 120161 1A03 0A0174")) == value{"t", true, ""});
  CHECK(stored(generation::v3, hex("0801 120161 1A06 0A0174 1A0176")) == value{"t", true, ""});
  CHECK(stored(generation::v3, hex("0801 120161 1A02 1001")) == value{"", true, ""});
  CHECK(stored(generation::v2, hex("0801 120161")) == value{"", true, ""});
  CHECK(stored(generation::v2, hex("0801 120161 1A00")) == value{"", true, ""});
  CHECK(stored(generation::v2, hex("0801 120161 1A01FF")) == value{"", true, "\xFF"});
  CHECK(stored(generation::v3, hex("120161 1A05 0A0174 1001")) == std::nullopt);
}

TEST_CASE("a 3.x value tells empty from absent, a 2.x one is always there") {
  auto const sent = [](generation speaks, std::string const& value) {
    return taken(speaks, effects(box("12", box("0A", target) + box("12", value)))).messages.at(0).value;
  };
  using value = message::typed_value;
  CHECK(sent(generation::v3, "") == value{"", false, ""});
  CHECK(sent(generation::v3, hex("0A0174")) == value{"t", false, ""});
  CHECK(sent(generation::v3, hex("0A0174 1000")) == value{"t", false, ""});
  CHECK(sent(generation::v3, hex("0A0174 1001")) == value{"t", true, ""});
  CHECK(sent(generation::v2, "") == value{"", true, ""});
  CHECK(sent(generation::v2, hex("0A0174")) == value{"t", true, ""});
}

TEST_CASE("delayed entries keep their order and are handed on as sent") {
  auto const entry = [](std::string const& content) { return box("1A", content); };
  std::string const to = box("12", target);
  auto const read = taken(generation::v3, effects(entry(hex("5001 5A0131")) +                 // cancel 1
                                                  entry(hex("08FFFFFFFFFFFFFFFFFF01") + to) + // -1 ms
                                                  entry(hex("5001")) +                        // cancel nothing
                                                  entry(to + hex("5A0131 5000")) +            // now, token 1
                                                  entry(hex("0805 5001 5A0132") + to)));      // cancel 2
  REQUIRE(read.delayed.size() == 5);
  using message::delayed_cancel;
  using message::delayed_send;
  CHECK(std::get<delayed_cancel>(read.delayed[0]).cancellation_token == "1");
  CHECK(std::get<delayed_send>(read.delayed[1]).delay_ms == -1);
  CHECK(std::get<delayed_cancel>(read.delayed[2]).cancellation_token.empty());
  CHECK(std::get<delayed_send>(read.delayed[3]) ==
        delayed_send{0, target_read, message::typed_value{"", false, ""}, "1"});
  CHECK(std::get<delayed_cancel>(read.delayed[4]).cancellation_token == "2");
}

TEST_CASE("a 3.x answer to a 2.x call is told from one without effects") {
  std::string const sentence =
      "this endpoint speaks the 3.x protocol; declare it as `kind: io.statefun.endpoints.v2/http`";
  std::string const missing_a = missing(hex("0A0161"));
  CHECK(refused(generation::v2, missing_a).to_string() == sentence);
  CHECK(refused(generation::v2, hex("AA06 00")).code == errc::speaks_v3);
  CHECK(refused(generation::v2, hex("A80601")).code == errc::speaks_v3); // 101 in any shape

  CHECK(refused(generation::v2, effects(box("12", box("0A", target) + box("12", value_v3)))).to_string() ==
        sentence + ": outgoing_messages[0].argument");
  CHECK(refused(generation::v2, effects(box("1A", box("12", target) + box("1A", value_v3)))).code == errc::speaks_v3);
  CHECK(refused(generation::v2, effects(hex("22 10 0A016E 120165 1A08") + value_v3)).code == errc::speaks_v3);
}

TEST_CASE("a 2.x answer to a 3.x call is told from a value without bytes") {
  std::string const sentence = "this endpoint speaks the 2.x protocol; declare it in a `version: \"2.0\"` module";
  CHECK(refused(generation::v3, effects(box("12", box("0A", target) + box("12", value_v2)))).to_string() ==
        sentence + ": outgoing_messages[0].argument");
  CHECK(refused(generation::v3, effects(box("1A", box("12", target) + box("1A", value_v2)))).code == errc::speaks_v2);
  CHECK(refused(generation::v3, effects(hex("22 0E 0A016E 120165 1A06") + value_v2)).code == errc::speaks_v2);
  CHECK(refused(generation::v3, effects(box("0A", hex("0801 120161") + box("1A", value_v2)))).code == errc::speaks_v2);
}

TEST_CASE("what a function must not ask for is refused, and the entry named") {
  struct row {
    generation speaks;
    std::string bytes;
    errc code;
    char const* detail;
  };
  using enum generation;
  std::string const good = box("12", box("0A", target));
  std::string const v = box("12", value_v3);
  for (auto const& [speaks, bytes, code, detail] : std::array{
           row{v3, effects(box("0A", hex("0802 120161"))), errc::mutation_unknown,
               "state_mutations[0].mutation_type is 2"},
           row{v2, effects(box("0A", hex("120161")) + box("0A", hex("08FFFFFFFFFFFFFFFFFF01"))), errc::mutation_unknown,
               "state_mutations[1].mutation_type is -1"},
           row{v3, effects(good + good + box("12", v)), errc::target_incomplete,
               "outgoing_messages[2].target has an empty namespace, type, id"},
           row{v2, effects(box("12", hex("0A00"))), errc::target_incomplete,
               "outgoing_messages[0].target has an empty namespace, type, id"},
           row{v3, effects(box("12", box("0A", hex("0A016E 1A0169")))), errc::target_incomplete,
               "outgoing_messages[0].target has an empty type"},
           row{v3, effects(box("12", box("0A", hex("0A016E 120166")))), errc::target_incomplete,
               "outgoing_messages[0].target has an empty id"},
           row{v3, effects(box("12", box("0A", hex("120166 1A0169")))), errc::target_incomplete,
               "outgoing_messages[0].target has an empty namespace"},
           row{v3, effects(box("1A", hex("0805"))), errc::target_incomplete,
               "delayed_invocations[0].target has an empty namespace, type, id"},
           row{v2, effects(box("1A", hex("0805 5001 5A0131"))), errc::target_incomplete,
               "delayed_invocations[0].target has an empty namespace, type, id"},
           row{v3, effects(box("22", hex("120165"))), errc::egress_incomplete, "outgoing_egresses[0].egress_namespace"},
           row{v2, effects(box("22", hex("0A016E"))), errc::egress_incomplete, "outgoing_egresses[0].egress_type"},
           row{v3, missing(""), errc::state_unnamed, "missing_values[0]"},
           row{v3, missing(hex("0A0161 1204 0803 1005")), errc::expiration_unusable,
               "missing_values[0].expiration_spec.mode is 3, expire_after_millis is 5"},
           row{v3, missing(hex("0A0161 1202 0801")), errc::expiration_unusable,
               "missing_values[0].expiration_spec.mode is 1, expire_after_millis is 0"},
           row{v3, missing(hex("0A0161 120D 0802 10FFFFFFFFFFFFFFFFFF01")), errc::expiration_unusable,
               "missing_values[0].expiration_spec.mode is 2, expire_after_millis is -1"},
           row{v3, effects(box("12", box("0A", hex("0A016E 120166 1A01FF")))), errc::not_utf8,
               "outgoing_messages[0].target.id"},
           row{v3, effects(box("12", box("0A", target) + box("12", hex("0A01C3")))), errc::not_utf8,
               "outgoing_messages[0].argument.typename"},
           row{v2, effects(box("12", box("0A", target) + box("12", hex("0A01C3")))), errc::not_utf8,
               "outgoing_messages[0].argument.type_url"},
           row{v3, effects(box("0A", hex("120180"))), errc::not_utf8, "state_mutations[0].state_name"},
           row{v3, effects(box("1A", hex("5001 5A0180"))), errc::not_utf8, "delayed_invocations[0].cancellation_token"},
           row{v3, effects(box("22", hex("0A0180"))), errc::not_utf8, "outgoing_egresses[0].egress_namespace"},
           row{v3, missing(hex("0A0180")), errc::not_utf8, "missing_values[0].state_name"},
           row{v3, missing(hex("0A0161 1A0180")), errc::not_utf8, "missing_values[0].type_typename"},
       }) {
    INFO(detail);
    auto const found = refused(speaks, bytes);
    CHECK(found.code == code);
    CHECK(found.detail == detail);
  }
}

TEST_CASE("an expiration of mode NONE has no duration") {
  auto const read = taken<missing_states>(generation::v3, missing(hex("0A0161 1204 0800 1005")));
  CHECK(read.specs == message::state_specs{{"a", "", {}}});
}

TEST_CASE("fields that nobody knows are skipped, in every shape and at every level") {
  std::string const unknown = hex("E807 01"                  // 125: varint
                                  "E907 0102030405060708"    // fixed64
                                  "EA07 02 FFFF"             // length
                                  "EB07 0801 F307 F407 EC07" // a group with a field and a group in it
                                  "ED07 01020304");          // fixed32
  auto const plain = taken(generation::v3, effects(box("12", box("0A", target) + box("12", value_v3))));
  std::string const send =
      box("12", box("0A", unknown + target + unknown) + unknown + box("12", unknown + value_v3 + unknown));
  CHECK(taken(generation::v3, unknown + effects(unknown + send + unknown) + unknown) == plain);
  CHECK(taken(generation::v3, effects(box("0A", unknown + hex("120161")))).mutations.at(0).name == "a");
  CHECK(taken<missing_states>(generation::v3, missing(unknown + hex("0A0161") + box("12", unknown))).specs.size() == 1);
  // A known number in another wire type is unknown too.
  CHECK(taken(generation::v3, effects(hex("0805 1005"))) == invocation_result{});
}

TEST_CASE("bytes that are no message are refused") {
  for (auto const* bytes : {"00",
                            "02 01 41",
                            "A206",
                            "A206 05 00",
                            "A206 01 0A",
                            "A206 02 0A 05",
                            "A4 06",
                            "0C",
                            "EB07",
                            "EB07 EC08",
                            "08",
                            "08 FF",
                            "08 FFFFFFFFFFFFFFFFFFFF01",
                            "FFFFFFFFFF01",
                            "0E",
                            "0F",
                            "0D 010203",
                            "09 01020304050607",
                            "A206 FFFFFFFF0F",
                            "A206 808080808000",
                            "3C68746D6C3E"}) {
    INFO(bytes);
    for (auto const speaks : {generation::v2, generation::v3})
      CHECK(refused(speaks, hex(bytes)).code == errc::malformed);
  }
}

TEST_CASE("an answer that is cut short anywhere is refused, but where no message was begun") {
  auto const cut = [](generation speaks, std::string const& bytes) {
    for (std::size_t length = 1; length < bytes.size(); ++length) {
      INFO(length);
      CHECK(refused(speaks, bytes.substr(0, length)).code == errc::malformed);
    }
  };
  cut(generation::v3, full_v3);
  cut(generation::v2, full_v2);
  cut(generation::v3, missing(hex("0A0161 1204 0802 1005 1A0174")));
}

TEST_CASE("of two members the last one counts, and a member that comes twice is merged") {
  std::string const delete_a = effects(box("0A", hex("120161")));
  std::string const delete_b = effects(box("0A", hex("120162")));
  std::string const missing_a = missing(hex("0A0161"));
  CHECK(taken<missing_states>(generation::v3, delete_a + missing_a).specs.size() == 1);
  CHECK(taken(generation::v3, missing_a + delete_a).mutations.size() == 1);
  CHECK(taken(generation::v3, delete_a + delete_b).mutations.size() == 2);
  CHECK(taken(generation::v3, delete_a + missing_a + delete_b).mutations.size() == 1);
}

TEST_CASE("nesting is bounded") {
  std::string deep;
  for (int i = 0; i < 101; ++i)
    deep += hex("0B");
  for (int i = 0; i < 101; ++i)
    deep += hex("0C");
  CHECK(refused(generation::v3, deep).code == errc::malformed);
  CHECK(taken(generation::v3, deep.substr(1, 200)) == invocation_result{});
}
