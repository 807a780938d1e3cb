#include "unit/wire/hex.hpp"

#include "wire/call.hpp"
#include "wire/errc.hpp"

#include <catch2/catch.hpp>

#include <memory>

using namespace statefund;
using namespace statefund::wire;
using namespace statefund::wire::test;

namespace {

message::address const self{{"n", "f"}, "i"};
message::address const caller{{"n", "g"}, "j"};

message::state_values three_states() {
  return {std::make_shared<message::state_specs const>(
              message::state_specs{{"a", "t", {}}, {"b", "t", {}}, {"c", "t", {}}}),
          {std::nullopt, message::stored_value{{"t", true, ""}, 0}, message::stored_value{{"t", true, "xy"}, 0}}};
}

message::batch two_messages() {
  return {{{}, std::nullopt, {"t", true, "v"}}, {{}, caller, {"", false, ""}}};
}

} // namespace

TEST_CASE("a 3.x call is these bytes") {
  auto const bytes = encode_call(generation::v3, self, two_messages(), three_states());
  REQUIRE(bytes.has_value());
  CHECK(*bytes == hex("A206 47"                                              // invocation
                      "0A 09  0A 01 6E  12 01 66  1A 01 69"                  // target n/f/i
                      "12 03  0A 01 61"                                      // a: no value
                      "12 0A  0A 01 62  12 05  0A 01 74  10 01"              // b: an empty value
                      "12 0E  0A 01 63  12 09  0A 01 74  10 01  1A 02 78 79" // c: "xy"
                      "1A 0A  12 08  0A 01 74  10 01  1A 01 76"              // "v", from an ingress
                      "1A 0D  0A 09 0A 01 6E 12 01 67 1A 01 6A  12 00"));    // from n/g/j, no value
}

TEST_CASE("a 2.x call is these bytes") {
  auto const bytes = encode_call(generation::v2, self, two_messages(), three_states());
  REQUIRE(bytes.has_value());
  CHECK(*bytes == hex("A206 37"                                           // invocation
                      "0A 09  0A 01 6E  12 01 66  1A 01 69"               // target n/f/i
                      "12 03  0A 01 61"                                   // a: no value
                      "12 03  0A 01 62"                                   // b: an empty value
                      "12 07  0A 01 63  12 02 78 79"                      // c: "xy"
                      "1A 08  12 06  0A 01 74  12 01 76"                  // "v", from an ingress
                      "1A 0D  0A 09 0A 01 6E 12 01 67 1A 01 6A  12 00")); // from n/g/j, an empty argument
}

TEST_CASE("a value that is empty, one that is absent and one without a type are three things in 3.x") {
  auto const argument = [](message::typed_value value) {
    auto const bytes = encode_call(generation::v3, self, {{{}, std::nullopt, std::move(value)}}, {});
    REQUIRE(bytes.has_value());
    return bytes->substr(hex("A206 00 0A 09 0A016E 120166 1A0169").size());
  };
  CHECK(argument({"t", true, ""}) == hex("1A 07 12 05 0A0174 1001"));
  CHECK(argument({"t", false, ""}) == hex("1A 05 12 03 0A0174"));
  CHECK(argument({"", true, "v"}) == hex("1A 07 12 05 1001 1A0176"));
  CHECK(argument({"", true, ""}) == hex("1A 04 12 02 1001"));
}

TEST_CASE("a call without states needs no specs") {
  auto const bytes = encode_call(generation::v3, self, {{{}, std::nullopt, {"t", true, "v"}}}, {});
  REQUIRE(bytes.has_value());
  CHECK(*bytes == hex("A206 17 0A09 0A016E 120166 1A0169 1A0A 1208 0A0174 1001 1A0176"));
}

TEST_CASE("ids hold any UTF-8, zero bytes included; what is not UTF-8 is refused and named") {
  message::batch const taken = two_messages();
  message::address const odd{{"n", "f"}, std::string("\0\xC3\xBC", 3)};
  auto const bytes = encode_call(generation::v3, odd, taken, {});
  REQUIRE(bytes.has_value());
  CHECK(bytes->find(hex("1A 03 00 C3 BC")) != std::string::npos);

  message::address const broken{{"n", "f"}, "\xFF"};
  for (auto const speaks : {generation::v2, generation::v3}) {
    auto const refused = encode_call(speaks, broken, taken, {});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == errc::not_utf8);
    CHECK(refused.error().detail == "target");

    auto const by_caller = encode_call(speaks, self, {taken[0], {{}, broken, {"t", true, ""}}}, {});
    REQUIRE_FALSE(by_caller.has_value());
    CHECK(by_caller.error().detail == "invocations[1].caller");

    auto const by_type = encode_call(speaks, self, {{{}, std::nullopt, {"\xC3", true, ""}}}, {});
    REQUIRE_FALSE(by_type.has_value());
    CHECK(by_type.error().detail == "invocations[0].argument");

    message::state_values const named{
        std::make_shared<message::state_specs const>(message::state_specs{{"\x80", "", {}}}), {std::nullopt}};
    auto const by_state = encode_call(speaks, self, taken, named);
    REQUIRE_FALSE(by_state.has_value());
    CHECK(by_state.error().detail == "state[0]");
  }
}

TEST_CASE("a value's bytes are carried as they are, UTF-8 or not") {
  auto const bytes = encode_call(generation::v2, self, {{{}, std::nullopt, {"t", true, "\xFF"}}}, {});
  REQUIRE(bytes.has_value());
  CHECK(bytes->find(hex("12 06 0A 01 74 12 01 FF")) != std::string::npos);
}

TEST_CASE("a batch is cut by sizes that add up to the call's, or 4 more at most") {
  for (auto const speaks : {generation::v2, generation::v3})
    for (std::size_t const length : {0U, 1U, 100U, 127U, 128U, 16383U, 16384U, 300000U}) {
      message::batch const taken(3, {{}, caller, {"t", true, std::string(length, 'x')}});
      auto const states = three_states();
      std::size_t sum = call_bytes_max(speaks, self, states);
      for (auto const& one : taken)
        sum += invocation_bytes(speaks, one);
      auto const bytes = encode_call(speaks, self, taken, states);
      REQUIRE(bytes.has_value());
      CHECK(bytes->size() <= sum);
      CHECK(bytes->size() + 4 >= sum);
    }
}
