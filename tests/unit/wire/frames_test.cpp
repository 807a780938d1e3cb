#include "unit/wire/hex.hpp"

#include "wire/errc.hpp"
#include "wire/frames.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <limits>

using namespace statefund;
using namespace statefund::wire;
using namespace statefund::wire::test;

namespace {

constexpr std::size_t body_max = 1000;
std::string const target = hex("0A016E 120166 1A0169"); // n/f/i
message::address const target_read{{"n", "f"}, "i"};

// target n/f/i, value {t, "v"}, key k, in 1000 ms
std::string const message_bytes = hex("1B  0A 09 0A016E 120166 1A0169  12 08 0A0174 1001 1A0176  1A 01 6B  20 E8 07");
ingress_message const message_read{target_read, {"t", true, "v"}, "k", 1000};

// seq 300, from n/f/i, value {t, "v"}
std::string const record_bytes = hex("18  08 AC 02  12 09 0A016E 120166 1A0169  1A 08 0A0174 1001 1A0176");

} // namespace

TEST_CASE("an ingress message is these bytes") {
  std::string out = "before";
  append_frame(out, message_read);
  CHECK(out == "before" + message_bytes);

  auto const found = next_frame(message_bytes, body_max);
  REQUIRE(found.has_value());
  REQUIRE(*found);
  CHECK((*found)->whole_bytes == message_bytes.size());
  auto const read = decode_ingress_message((*found)->body);
  REQUIRE(read.has_value());
  CHECK(*read == message_read);
}

TEST_CASE("an egress record is these bytes") {
  std::string out = "before";
  append_frame(out, 300, target_read, {"t", true, "v"});
  CHECK(out == "before" + record_bytes);

  auto const found = next_frame(record_bytes, body_max);
  REQUIRE(found.has_value());
  REQUIRE(*found);
  auto const read = decode_egress_record((*found)->body);
  REQUIRE(read.has_value());
  CHECK(*read == egress_record{300, target_read, {"t", true, "v"}});
}

TEST_CASE("what holds its default is left out, and read as that") {
  std::string out;
  append_frame(out, ingress_message{target_read, {"t", true, ""}, "", 0});
  CHECK(out == hex("12  0A 09 0A016E 120166 1A0169  12 05 0A0174 1001"));
  auto const read = decode_ingress_message(std::string_view(out).substr(1));
  REQUIRE(read.has_value());
  CHECK(*read == ingress_message{target_read, {"t", true, ""}, "", 0});

  auto const without_value = decode_ingress_message(box("0A", target));
  REQUIRE(without_value.has_value());
  CHECK(without_value->value == message::typed_value{"", false, ""});

  auto const empty = decode_egress_record("");
  REQUIRE(empty.has_value());
  CHECK(*empty == egress_record{0, {}, {"", false, ""}});
}

TEST_CASE("numbers go through at their ends") {
  for (auto const delay :
       {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1}, std::numeric_limits<std::int64_t>::max()}) {
    std::string out;
    append_frame(out, ingress_message{target_read, {"t", true, ""}, "", delay});
    auto const read = decode_ingress_message(std::string_view(out).substr(1));
    REQUIRE(read.has_value());
    CHECK(read->delay_ms == delay);
  }
  std::string out;
  append_frame(out, std::numeric_limits<std::uint64_t>::max(), target_read, {"t", true, ""});
  auto const read = decode_egress_record(std::string_view(out).substr(1));
  REQUIRE(read.has_value());
  CHECK(read->sequence == std::numeric_limits<std::uint64_t>::max());
}

TEST_CASE("frames are found one after the other as their bytes come in") {
  std::string sent;
  std::vector<ingress_message> expected;
  for (std::size_t const length : {0U, 5U, 127U, 128U, 900U}) {
    expected.push_back({target_read, {"t", true, std::string(length, 'x')}, "", 0});
    append_frame(sent, expected.back());
  }
  std::vector<ingress_message> read;
  std::string available;
  for (char const byte : sent) {
    available.push_back(byte);
    auto const found = next_frame(available, body_max);
    REQUIRE(found.has_value());
    if (!*found)
      continue;
    CHECK((*found)->whole_bytes == available.size());
    auto const decoded = decode_ingress_message((*found)->body);
    REQUIRE(decoded.has_value());
    read.push_back(*decoded);
    available.clear();
  }
  CHECK(available.empty());
  CHECK(read == expected);
}

TEST_CASE("more bytes are asked for until a frame is whole") {
  for (std::size_t length = 0; length < message_bytes.size(); ++length) {
    auto const found = next_frame(std::string_view(message_bytes).substr(0, length), body_max);
    REQUIRE(found.has_value());
    CHECK_FALSE(*found);
  }
  std::string const two = message_bytes + record_bytes;
  auto const first = next_frame(two, body_max);
  REQUIRE(first.has_value());
  REQUIRE(*first);
  CHECK((*first)->whole_bytes == message_bytes.size());
}

TEST_CASE("a frame of no bytes is a frame") {
  auto const found = next_frame(hex("00"), body_max);
  REQUIRE(found.has_value());
  REQUIRE(*found);
  CHECK((*found)->body.empty());
  CHECK((*found)->whole_bytes == 1);
}

TEST_CASE("a length that is none, or above the limit, ends reading as soon as it is read") {
  struct row {
    char const* bytes;
    errc code;
  };
  for (auto const& [bytes, code] : std::array{
           row{"8080808080 00", errc::frame_length_invalid}, // 6 bytes
           row{"FFFFFFFFFF", errc::malformed},               // 5 so far: not yet known
           row{"FFFFFFFFFF FF", errc::frame_length_invalid},
           row{"E907", errc::frame_too_large}, // 1001
           row{"FFFFFFFF7F", errc::frame_too_large},
       }) {
    INFO(bytes);
    auto const found = next_frame(hex(bytes), body_max);
    if (code == errc::malformed) {
      REQUIRE(found.has_value());
      CHECK_FALSE(*found);
      continue;
    }
    REQUIRE_FALSE(found.has_value());
    CHECK(found.error().code == code);
  }
  CHECK(next_frame(hex("E907"), body_max).error().detail == "1001 bytes, at most 1000 are taken");
  auto const largest = next_frame(hex("E807"), body_max);
  REQUIRE(largest.has_value());
  CHECK_FALSE(*largest);
}

TEST_CASE("a message that cannot be taken says why") {
  struct row {
    std::string body;
    errc code;
    char const* detail;
  };
  for (auto const& [body, code, detail] : std::array{
           row{"", errc::target_incomplete, "target has an empty namespace, type, id"},
           row{box("0A", hex("0A016E 120166")), errc::target_incomplete, "target has an empty id"},
           row{box("0A", hex("0A01FF")), errc::not_utf8, "target.namespace"},
           row{box("0A", target) + hex("1203 0A01FF"), errc::not_utf8, "value.typename"},
           row{box("0A", target) + hex("1A01FF"), errc::not_utf8, "idempotency_key"},
           row{box("0A", target) + hex("1206 0A0174 1A0176"), errc::value_unmarked, ""},
           row{box("0A", target) + hex("1206 0A0174 120176"), errc::malformed, "value"},
           row{hex("0A09"), errc::malformed, ""},
           row{hex("0A02 0A05"), errc::malformed, "target"},
       }) {
    INFO(detail);
    auto const read = decode_ingress_message(body);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code == code);
    CHECK(read.error().detail == detail);
  }
  CHECK(decode_egress_record(hex("08")).error().code == errc::malformed);
  CHECK(decode_egress_record(hex("1203 1A01FF")).error().detail == "from.id");
}

TEST_CASE("a frame's body that is cut short anywhere is refused") {
  std::string_view const body = std::string_view(message_bytes).substr(1);
  for (std::size_t length = 0; length < body.size(); ++length) {
    // Where one field ends and the next begins there is a message, if a smaller one.
    bool const whole = length == 11 || length == 21 || length == 24;
    INFO(length);
    auto const read = decode_ingress_message(body.substr(0, length));
    CHECK(read.has_value() == whole);
    if (!read && length > 0)
      CHECK(read.error().code == errc::malformed);
  }
}
