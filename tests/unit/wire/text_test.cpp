#include "unit/wire/hex.hpp"

#include "wire/errc.hpp"
#include "wire/text_value.hpp"
#include "wire/utf8.hpp"

#include <catch2/catch.hpp>

using namespace statefund;
using namespace statefund::wire;
using namespace statefund::wire::test;

TEST_CASE("a text is a wrapper message with one string, the same bytes for both generations") {
  auto const value = text_value(text_type(generation::v3), "hello");
  REQUIRE(value.has_value());
  CHECK(*value == message::typed_value{"io.statefun.types/string", true, hex("0A 05 68656C6C6F")});

  auto const older = text_value(text_type(generation::v2), "hello");
  REQUIRE(older.has_value());
  CHECK(older->type_name == "type.googleapis.com/google.protobuf.StringValue");
  CHECK(older->bytes == value->bytes);
}

TEST_CASE("the empty text is a value of no bytes") {
  auto const value = text_value(text_type_v3, "");
  REQUIRE(value.has_value());
  CHECK(value->has_value);
  CHECK(value->bytes.empty());
}

TEST_CASE("a text that is not UTF-8 is refused") {
  auto const value = text_value(text_type_v3, "caf\xE9");
  REQUIRE_FALSE(value.has_value());
  CHECK(value.error().code == errc::not_utf8);
}

TEST_CASE("UTF-8 is told from what only looks like it") {
  for (auto const* digits : {"", "00", "7F", "C280", "DFBF", "E0A080", "ED9FBF", "EE8080", "EFBFBF", "F0908080",
                             "F48FBFBF", "4142434445464748 C3BC", "41424344454647 C3BC", "C3BC 4142434445464748"})
    CHECK(is_utf8(hex(digits)));
  for (auto const* digits : {"80",
                             "BF",
                             "C0",
                             "C080",
                             "C1BF",
                             "C2",
                             "C241",
                             "E08080",
                             "E09FBF",
                             "E0A0",
                             "E0A041",
                             "EDA080",
                             "EDBFBF",
                             "F0808080",
                             "F08FBFBF",
                             "F090",
                             "F09080",
                             "F0908041",
                             "F4908080",
                             "F5808080",
                             "FE",
                             "FF",
                             "4142434445464748 80",
                             "41424344454647 C3",
                             "C3BC 414243444546 FF 48"})
    CHECK_FALSE(is_utf8(hex(digits)));
}
