#include "statefunctl/format.hpp"

#include <catch2/catch.hpp>

using namespace statefunctl;

TEST_CASE("a table's columns are as wide as they need to be, and numbers stand to the right") {
  table rows({"NAME", "COUNT", "WHERE"});
  rows.add({"a/\xc3\xa4", "5", "http://x"});
  rows.add({"long/name", "1200", ""});
  CHECK(rows.text() == "NAME       COUNT  WHERE\n"
                       "a/\xc3\xa4            5  http://x\n"
                       "long/name   1200\n");
}

TEST_CASE("sizes and times are short") {
  CHECK(bytes_text(1023) == "1023 B");
  CHECK(bytes_text(1536) == "1.5 KiB");
  CHECK(bytes_text(256U << 20U) == "256.0 MiB");
  CHECK(seconds_text(59) == "59s");
  CHECK(seconds_text(61) == "1m 1s");
  CHECK(seconds_text(90'000) == "1d 1h");
}

TEST_CASE("values are shown as text where they are one") {
  CHECK(value_text("io.statefun.types/string", "\n\x02hi", 20) == "hi");
  CHECK(value_text("type.googleapis.com/google.protobuf.StringValue", "\n\x02hi", 20) == "hi");
  CHECK(value_text("t", "\n\x02hi", 20) == "0x0a026869");
  CHECK(value_text("t", R"({"a":1})", 20) == R"({"a":1})");
  CHECK(value_text("t", "\xc3\xa4\xc3\xa4", 3) == "\xc3\xa4...");
}

TEST_CASE("the nearest word is found for a mistyped one, and none for another") {
  std::vector<std::string> const known = {"status", "send", "egress"};
  CHECK(nearest("stauts", known) == "status");
  CHECK(nearest("sned", known) == "send");
  CHECK(nearest("egres", known) == "egress");
  CHECK(nearest("backup", known).empty());
}
