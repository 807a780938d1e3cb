#include "unit/store/rows.hpp"
#include "unit/wire/hex.hpp"

#include "clock/clock.hpp"
#include "store/row_parts.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <random>
#include <set>
#include <vector>

using namespace statefund;
using namespace statefund::store;
using namespace statefund::store::test;

namespace {

// What is awkward in a key: nothing, zero bytes, lengths around that of a varint's second byte, other texts'
// beginnings.
std::vector<std::string> const awkward{"",
                                       std::string(1, '\0'),
                                       std::string(2, '\0'),
                                       std::string(1, '\1'),
                                       "a",
                                       "ab",
                                       std::string("a\0b", 3),
                                       "\xFF",
                                       std::string(127, 'x'),
                                       std::string(128, 'x'),
                                       std::string(129, '\0'),
                                       "a/b%2Fc"};

class dice {
 public:
  explicit dice(std::uint32_t seed) : engine_(seed) {}

  std::size_t below(std::size_t end) { return std::uniform_int_distribution<std::size_t>(0, end - 1)(engine_); }
  bool once_in(std::size_t count) { return below(count) == 0; }
  std::uint64_t number() {
    auto const bits = engine_();
    return bits >> below(64);
  }
  std::int64_t signed_number() { return static_cast<std::int64_t>(engine_()) >> below(64); }
  std::string bytes() {
    if (once_in(2))
      return awkward[below(awkward.size())];
    std::string made(below(300), '\0');
    for (char& byte : made)
      byte = static_cast<char>(below(256));
    return made;
  }
  message::address address() { return {{bytes(), bytes()}, bytes()}; }
  std::optional<message::address> caller() { return once_in(3) ? std::nullopt : std::optional(address()); }
  message::typed_value value() { return {bytes(), !once_in(4), bytes()}; }
  message::entry_key entry() { return {number(), static_cast<std::uint32_t>(number())}; }

  void fill(kept_message& row) { row = {entry(), {address(), caller(), value()}}; }
  void fill(state_table::row& row) { row = {address(), bytes(), {value(), 0}}; }
  void fill(kept_delayed& row) {
    row = {entry(), address(), {signed_number(), bytes(), {address(), caller(), value()}}};
  }
  void fill(egress_table::row& row) { row = {{bytes(), bytes()}, {number(), address(), value()}}; }
  void fill(egress_table::cursor_row& row) { row = {{bytes(), bytes()}, number()}; }
  void fill(idempotency_table::row& row) { row = {address(), {{bytes(), bytes(), signed_number()}, entry()}}; }
  void fill(dead_letter_row& row) { row = {address(), {{entry(), caller(), value()}, bytes(), signed_number()}}; }
  void fill(kept_pause& row) {
    row = {
        address(),
        {once_in(2) ? message::pause_cause::by_failure : message::pause_cause::by_operator, bytes(), signed_number()}};
  }
  void fill(message::source_position& row) { row = {bytes(), signed_number()}; }

  // One to three bytes of it are changed, taken out or put in.
  std::string damaged(std::string text) {
    for (std::size_t i = 1 + below(3); i > 0 && !text.empty(); --i) {
      std::size_t const at = below(text.size());
      auto const byte = static_cast<char>(once_in(2) ? below(256) : below(0x30));
      switch (below(3)) {
      case 0:
        text[at] = byte;
        break;
      case 1:
        text.erase(at, 1);
        break;
      default:
        text.insert(at, 1, byte);
        break;
      }
    }
    return text;
  }

 private:
  std::mt19937_64 engine_;
};

template <class Kind>
typename Kind::row random_row(dice& random) {
  typename Kind::row row;
  random.fill(row);
  return row;
}

// Beyond what protobuf says.
bool is_whole(v1::IdempotencyRow const& row) {
  return row.first_number().size() == 8;
}
bool is_whole(google::protobuf::Message const&) {
  return true;
}

void check_ascending(std::vector<std::string> const& keys) {
  CHECK(std::is_sorted(keys.begin(), keys.end()));
  CHECK(std::adjacent_find(keys.begin(), keys.end()) == keys.end());
}

std::vector<std::uint64_t> const numbers{0,
                                         1,
                                         127,
                                         128,
                                         255,
                                         256,
                                         65'535,
                                         65'536,
                                         4294967295,
                                         1u << 31U,
                                         1791234567890123,
                                         std::numeric_limits<std::uint64_t>::max()};

std::vector<message::entry_key> ascending_entries() {
  std::vector<message::entry_key> all;
  for (auto const number : numbers)
    for (std::uint32_t const index : {0U, 1U, 255U, 256U, std::numeric_limits<std::uint32_t>::max()})
      all.push_back({number, index});
  std::sort(all.begin(), all.end());
  return all;
}

std::string state_value(std::int64_t expires_at_ms, std::int64_t duration_ms) {
  v1::StateRow row;
  row.set_expires_at_ms(expires_at_ms);
  row.set_duration_ms(duration_ms);
  fill(message::typed_value{"t", true, "v"}, *row.mutable_value());
  return row.SerializeAsString();
}

} // namespace

TEMPLATE_LIST_TEST_CASE("a row's key and value are read as what was written, whatever its texts hold", "",
                        all_kinds_of_rows) {
  dice random(1);
  for (int i = 0; i < 500; ++i) {
    auto const row = random_row<TestType>(random);
    auto const key = TestType::key(row);
    auto const value = TestType::value(row);
    auto const read = TestType::parse(key, value);
    REQUIRE(read.has_value());
    REQUIRE((TestType::key(*read) == key)); // not expanded: they can be long
    REQUIRE((TestType::value(*read) == value));
    std::string partition;
    put_partition(partition, some_partition);
    REQUIRE(key.starts_with(partition));
  }
}

TEMPLATE_LIST_TEST_CASE("a value is what protobuf's runtime writes of the same row, and it reads the same", "",
                        all_kinds_of_rows) {
  dice random(2);
  for (int i = 0; i < 500; ++i) {
    auto const row = random_row<TestType>(random);
    typename TestType::theirs expected;
    fill(row, expected);
    auto const value = TestType::value(row);
    REQUIRE((value == expected.SerializeAsString()));
    typename TestType::theirs theirs;
    REQUIRE(theirs.ParseFromString(value));
    REQUIRE(same(row, theirs));
    auto const ours = TestType::parse(TestType::key(row), expected.SerializeAsString());
    REQUIRE(ours.has_value());
    REQUIRE(same(*ours, expected));
  }
}

TEMPLATE_LIST_TEST_CASE("a reader skips the fields of a later version", "", all_kinds_of_rows) {
  dice random(3);
  auto const row = random_row<TestType>(random);
  auto value = TestType::value(row);
  wire::put_varint_field(value, 900, 1);
  wire::put_text(value, 901, "later");
  auto const read = TestType::parse(TestType::key(row), value);
  REQUIRE(read.has_value());
  CHECK(TestType::value(*read) == TestType::value(row));
}

TEMPLATE_LIST_TEST_CASE("a key that was cut short, and one with something behind it, is refused", "",
                        all_kinds_of_rows) {
  dice random(4);
  for (int i = 0; i < 50; ++i) {
    auto const row = random_row<TestType>(random);
    auto const key = TestType::key(row);
    auto const value = TestType::value(row);
    for (std::size_t length = 0; length < key.size(); ++length)
      REQUIRE_FALSE(TestType::parse(std::string_view(key).substr(0, length), value).has_value());
    for (char const behind : {'\0', '\1', '\xFF'})
      REQUIRE_FALSE(TestType::parse(key + behind, value).has_value());
  }
}

TEMPLATE_LIST_TEST_CASE("a value that was cut short or damaged is refused wherever protobuf's runtime refuses it", "",
                        all_kinds_of_rows) {
  dice random(5);
  std::size_t refused_count = 0;
  auto const hold = [&](std::string const& key, std::string const& value) {
    typename TestType::theirs theirs;
    bool const expected = theirs.ParseFromString(value) && is_whole(theirs);
    REQUIRE(TestType::parse(key, value).has_value() == expected);
    refused_count += expected ? 0 : 1;
  };
  for (int i = 0; i < 100; ++i) {
    auto const row = random_row<TestType>(random);
    auto const key = TestType::key(row);
    auto const value = TestType::value(row);
    for (std::size_t length = 0; length < value.size(); ++length)
      hold(key, value.substr(0, length));
    for (int attempt = 0; attempt < 100; ++attempt)
      hold(key, random.damaged(value));
  }
  CHECK(refused_count > 500);
}

TEMPLATE_LIST_TEST_CASE("a damaged key is refused, or is the key of another row", "", all_kinds_of_rows) {
  dice random(6);
  for (int i = 0; i < 2000; ++i) {
    auto const row = random_row<TestType>(random);
    auto const key = random.damaged(TestType::key(row));
    auto const read = TestType::parse(key, TestType::value(row));
    if (read && key.size() >= 2)
      REQUIRE((TestType::key(*read).substr(2) == key.substr(2))); // behind the partition
  }
}

TEMPLATE_LIST_TEST_CASE("no key is the beginning of another one", "", all_kinds_of_rows) {
  dice random(7);
  std::set<std::string> keys;
  for (int i = 0; i < 5000; ++i)
    keys.insert(TestType::key(random_row<TestType>(random)));
  REQUIRE(keys.size() > 100);
  for (auto next = keys.begin(), one = next++; next != keys.end(); one = next++)
    REQUIRE_FALSE(next->starts_with(*one));
}

TEST_CASE("the keys of one address's messages begin with its prefix, and no other address's do") {
  std::vector<message::address> all;
  for (auto const& name_space : awkward)
    for (auto const& name : awkward)
      all.push_back({{name_space, name}, awkward[(name_space.size() + name.size()) % awkward.size()]});
  for (auto const& one : all) {
    auto const prefix = mailbox_table::prefix_of(7, one);
    for (auto const& other : all) {
      bool const begins = mailbox_table::key_of(7, other, {1, 2}).starts_with(prefix);
      REQUIRE(begins == (one == other));
    }
  }
}

TEST_CASE("keys sort as their numbers do") {
  message::address const self{{"ns", "fn"}, "id"};
  std::vector<std::string> keys;
  SECTION("of a mailbox") {
    for (auto const& entry : ascending_entries())
      keys.push_back(mailbox_table::key_of(7, self, entry));
  }
  SECTION("of dead letters") {
    for (auto const& entry : ascending_entries())
      keys.push_back(dead_letter_table::key_of(7, {entry, self}));
  }
  SECTION("of an egress") {
    auto ascending = numbers;
    std::sort(ascending.begin(), ascending.end());
    for (auto const sequence : ascending)
      keys.push_back(egress_table::key_of(7, {"ns", "out"}, sequence));
  }
  SECTION("of delayed messages: by their time first, before 1970, too") {
    using limits = std::numeric_limits<std::int64_t>;
    for (std::int64_t const due : {limits::min(), std::int64_t{-256}, std::int64_t{-1}, std::int64_t{0},
                                   std::int64_t{1}, std::int64_t{1791234567890}, limits::max()})
      for (auto const& entry : ascending_entries())
        keys.push_back(delayed_table::key_of(7, {due, entry}));
  }
  SECTION("of partitions") {
    for (std::uint32_t const partition : {0U, 1U, 255U, 256U, 65'535U})
      keys.push_back(pause_table::key_of(partition, self));
  }
  REQUIRE(keys.size() > 4);
  check_ascending(keys);
}

TEST_CASE("a text has one form: a length that is written longer than it needs to be is refused") {
  message::address const self{{"", ""}, ""};
  auto const key = pause_table::key_of(7, self);
  auto const value = pause_table::value_of({});
  REQUIRE(key == std::string("\0\7\0\0\0", 5));
  CHECK(pause_table::parse(key, value).has_value());
  CHECK_FALSE(pause_table::parse(std::string("\0\7\x80\0\0\0", 6), value).has_value());
  CHECK_FALSE(pause_table::parse(std::string("\0\7\xFF\xFF\xFF\xFF\xFF\xFF\0\0", 10), value).has_value());
}

TEST_CASE("keys are these bytes") {
  message::address const self{{"ns", "fn"}, "id"};
  auto const text = [](auto const& literal) { return std::string(literal, sizeof literal - 1); };
  CHECK(mailbox_table::key_of(258, self, {0x0102030405060708, 9}) == text("\1\2"
                                                                          "\2ns\2fn\2id"
                                                                          "\1\2\3\4\5\6\7\10"
                                                                          "\0\0\0\11"));
  CHECK(state_table::key_of(1, self, "seen") == text("\0\1"
                                                     "\2ns\2fn\2id"
                                                     "\4seen"));
  CHECK(delayed_table::key_of(1, {1, {2, 3}}) == text("\0\1"
                                                      "\x80\0\0\0\0\0\0\1"
                                                      "\0\0\0\0\0\0\0\2"
                                                      "\0\0\0\3"));
  CHECK(egress_table::key_of(1, {"ns", "out"}, 5) == text("\0\1"
                                                          "\2ns\3out"
                                                          "\0\0\0\0\0\0\0\5"));
  CHECK(egress_table::prefix_of(1, {"ns", "out"}) == text("\0\1"
                                                          "\2ns\3out"));
  CHECK(idempotency_table::key_of(1, self, "key") == text("\0\1"
                                                          "\2ns\2fn\2id"
                                                          "\3key"));
  CHECK(dead_letter_table::key_of(1, {{2, 3}, self}) == text("\0\1"
                                                             "\2ns\2fn\2id"
                                                             "\0\0\0\0\0\0\0\2"
                                                             "\0\0\0\3"));
  CHECK(pause_table::key_of(1, {{"ns", "fn"}, ""}) == text("\0\1"
                                                           "\2ns\2fn\0"));
  CHECK(position_table::key_of(1, "topic") == text("\0\1"
                                                   "\5topic"));
}

TEST_CASE("a waiting message is these bytes, as docs/format/store.md shows them") {
  using wire::test::hex;
  message::address const target{{"n", "f"}, "i"};
  auto const partition = message::partition_of(target, 256);
  CHECK(mailbox_table::key_of(partition, target, {1791234567890123, 0}) ==
        hex("005E 016E 0166 0169 00065D1E4C20E4CB 00000000"));
  CHECK(mailbox_table::value_of({target, std::nullopt, {"t", true, "hi"}}) == hex("1209 0A0174 1001 1A026869"));
}

TEST_CASE("format and head are read as they were written, by protobuf's runtime, too") {
  head_table::format const format{1, 256};
  v1::FormatRow format_row;
  fill(format, format_row);
  CHECK(head_table::value_of(format) == format_row.SerializeAsString());
  auto const format_read = head_table::parse_format(format_row.SerializeAsString());
  REQUIRE(format_read.has_value());
  CHECK(same(*format_read, format_row));

  for (auto const& head : {head_table::head{}, head_table::head{1791234567890123, 1791234567890100},
                           head_table::head{std::numeric_limits<std::uint64_t>::max(), 1}}) {
    v1::HeadRow head_row;
    fill(head, head_row);
    CHECK(head_table::value_of(head) == head_row.SerializeAsString());
    auto const head_read = head_table::parse_head(head_row.SerializeAsString());
    REQUIRE(head_read.has_value());
    CHECK(same(*head_read, head_row));
  }
}

TEST_CASE("a format row without a version or a count of partitions, and garbage, is refused") {
  CHECK_FALSE(head_table::parse_format("").has_value());
  CHECK_FALSE(head_table::parse_format(head_table::value_of(head_table::format{0, 256})).has_value());
  CHECK_FALSE(head_table::parse_format(head_table::value_of(head_table::format{1, 0})).has_value());
  CHECK_FALSE(head_table::parse_format("\x08").has_value());
  CHECK_FALSE(head_table::parse_head("\x08").has_value());
  CHECK_FALSE(head_table::parse_head("garbage").has_value());
}

TEST_CASE("a state's row says when it expires, and for how long it was given that time") {
  clock::moved_clock time;
  auto const now_ms = clock::unix_ms();
  v1::StateRow row;
  REQUIRE(row.ParseFromString(state_table::value_of({{"t", true, "v"}, now_ms + 5000})));
  CHECK(row.expires_at_ms() == now_ms + 5000);
  CHECK(row.duration_ms() == 5000);
  REQUIRE(row.ParseFromString(state_table::value_of({{"t", true, "v"}, now_ms - 5000})));
  CHECK(row.duration_ms() == 0);
  REQUIRE(row.ParseFromString(state_table::value_of({{"t", true, "v"}, 0})));
  CHECK(row.expires_at_ms() == 0);
  CHECK(row.duration_ms() == 0);
}

TEST_CASE("a state may be dropped a minute and 1 % of its time after it has expired, by its own stamp alone") {
  constexpr std::int64_t expired_at = 1'000'000'000;
  constexpr std::int64_t minute = 60'000;
  CHECK_FALSE(state_table::may_be_dropped(state_value(expired_at, 0), expired_at - 1));
  CHECK_FALSE(state_table::may_be_dropped(state_value(expired_at, 0), expired_at + minute));
  CHECK(state_table::may_be_dropped(state_value(expired_at, 0), expired_at + minute + 1));
  CHECK_FALSE(state_table::may_be_dropped(state_value(expired_at, 500'000), expired_at + minute + 5000));
  CHECK(state_table::may_be_dropped(state_value(expired_at, 500'000), expired_at + minute + 5001));
  SECTION("what never expires stays") {
    CHECK_FALSE(state_table::may_be_dropped(state_value(0, 0), std::numeric_limits<std::int64_t>::max()));
  }
  SECTION("what cannot be read stays, for somebody to see") {
    auto const value = state_value(expired_at, 0);
    CHECK_FALSE(state_table::may_be_dropped(value.substr(0, value.size() - 1), expired_at + 10 * minute));
    CHECK_FALSE(state_table::may_be_dropped("", expired_at + 10 * minute));
  }
  SECTION("times without sense do no harm") {
    using limits = std::numeric_limits<std::int64_t>;
    CHECK_FALSE(state_table::may_be_dropped(state_value(limits::max(), limits::max()), expired_at));
    CHECK(state_table::may_be_dropped(state_value(limits::min(), 0), expired_at));
    CHECK_FALSE(state_table::may_be_dropped(state_value(limits::max(), limits::min()), expired_at));
  }
}

TEST_CASE("an idempotency key may be dropped a minute after its window, by its own stamp alone") {
  constexpr std::int64_t ends_at = 1'000'000'000;
  auto const value = idempotency_table::value_of({"key", "print", ends_at}, {7, 1});
  CHECK_FALSE(idempotency_table::may_be_dropped(value, ends_at - 1));
  CHECK_FALSE(idempotency_table::may_be_dropped(value, ends_at + 60'000));
  CHECK(idempotency_table::may_be_dropped(value, ends_at + 60'001));
  SECTION("what cannot be read stays, for somebody to see") {
    CHECK_FALSE(idempotency_table::may_be_dropped(value.substr(0, value.size() - 1), ends_at + 100'000));
    CHECK_FALSE(idempotency_table::may_be_dropped("", ends_at + 100'000));
  }
}
