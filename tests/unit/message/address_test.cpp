#include "message/address.hpp"
#include "message/batch.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <cstdint>

using namespace statefund::message;

TEST_CASE("an address survives being written and read, whatever its bytes") {
  address const odd{{"com/example", "per%son"}, std::string("a b\0\n/ü", 8)};
  auto const text = to_text(odd);
  CHECK(text == "com%2Fexample/per%25son/a%20b%00%0A%2F%C3%BC");
  auto const back = parse_address(text);
  REQUIRE(back.value);
  CHECK(*back.value == odd);
}

TEST_CASE("an address that cannot be read says what is wrong") {
  struct row {
    char const* text;
    char const* fault;
  };
  for (auto const& [text, fault] : std::array{
           row{"ns/name", "has too few segments; expected namespace/name/id"},
           row{"", "has too few segments; expected namespace/name/id"},
           row{"ns//id", "has an empty segment; each must hold at least one character"},
           row{"ns/name/", "has an empty segment; each must hold at least one character"},
           row{"a/b/c/d", "has too many segments; expected namespace/name/id, with '/' inside one written as %2F"},
           row{"a/b/%4", "has a '%' that two hexadecimal digits do not follow; '%' itself is written as %25"},
           row{"a/b/%zz", "has a '%' that two hexadecimal digits do not follow; '%' itself is written as %25"},
           row{"a/b/c\x01", "has a control character, which must be percent-encoded"},
       }) {
    INFO(text);
    auto const read = parse_address(text);
    CHECK_FALSE(read.value);
    CHECK(read.fault == fault);
  }
}

TEST_CASE("function types and egress ids have two segments") {
  CHECK(parse_function_type("example/greeter").value == function_type{"example", "greeter"});
  CHECK(parse_egress_id("example/greets").value == egress_id{"example", "greets"});
  CHECK_FALSE(parse_function_type("example").value);
  CHECK_FALSE(parse_egress_id("a/b/c").value);
}

TEST_CASE("a partition is the same on every machine and in every version") {
  // Stored keys begin with it: these numbers may never change.
  CHECK(partition_of(address{{"example", "person"}, "Bob"}, 256) == 208);
  CHECK(partition_of(address{{"example", "person"}, "Alice"}, 256) == 190);
  CHECK(partition_of(egress_id{"example", "greets"}, 256) == 235);
}

TEST_CASE("partitions tell apart addresses whose parts run together") {
  CHECK(partition_of(address{{"a", "bc"}, "d"}, 65536) != partition_of(address{{"ab", "c"}, "d"}, 65536));
}

TEST_CASE("addresses spread over all partitions") {
  std::array<int, 256> count{};
  for (int i = 0; i < 25600; ++i)
    ++count[partition_of(address{{"example", "person"}, std::to_string(i)}, 256)];
  for (int const c : count) {
    CHECK(c > 50);
    CHECK(c < 170);
  }
}

TEST_CASE("a message's id is read as it is written, and nothing else is") {
  for (entry_key const& key : {entry_key{0, 0}, entry_key{0x660e552295e27, 0x1f}, entry_key{UINT64_MAX, UINT32_MAX}})
    CHECK(parse_entry_key(to_text(key)) == key);
  for (char const* const text :
       {"", "-", "1", "1-", "-1", "1-2-3", "g-0", "1-g", "1 -0", "0x1-0", "10000000000000000-0", "1-100000000"}) {
    INFO(text);
    CHECK_FALSE(parse_entry_key(text));
  }
}
