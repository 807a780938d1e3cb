#include "mailbox/mailbox.hpp"
#include "mailbox/mailboxes.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <string>

using namespace statefund;
using namespace statefund::mailbox;
using namespace std::chrono_literals;

namespace {

message::address const self{{"ns", "fn"}, "a"};

message::invocation numbered(std::uint64_t number, std::size_t bytes = 10) {
  return {{number, 0}, std::nullopt, {"", true, std::string(bytes, 'x')}};
}

std::size_t bytes_of(message::invocation const& one) {
  return one.value.size_bytes();
}

void push(mailbox::mailbox& into, std::uint64_t first, std::uint64_t last, marks const& bounds) {
  for (auto number = first; number <= last; ++number)
    into.push(numbered(number), bounds);
}

message::batch take(mailbox::mailbox& from, std::size_t messages_max, marks const& levels) {
  return from.take({messages_max, 1'000'000}, levels, bytes_of);
}

std::vector<std::uint64_t> numbers(message::batch const& of) {
  std::vector<std::uint64_t> all;
  for (auto const& one : of)
    all.push_back(one.key.number);
  return all;
}

using list = std::vector<std::uint64_t>;

} // namespace

TEST_CASE("a door shuts at the high mark and opens at half of it") {
  marks const bounds{4};
  mailbox::mailbox box(self);
  push(box, 1, 3, bounds);
  CHECK_FALSE(box.is_shut());
  push(box, 4, 4, bounds);
  CHECK(box.is_shut());
  CHECK(numbers(take(box, 1, bounds)) == list{1});
  CHECK(box.is_shut());
  CHECK(numbers(take(box, 1, bounds)) == list{2});
  CHECK_FALSE(box.is_shut());
  push(box, 5, 5, bounds);
  CHECK_FALSE(box.is_shut());
  push(box, 6, 6, bounds);
  CHECK(box.is_shut());
}

TEST_CASE("where functions overfilled a mailbox, the door opens at half of the mark, not of what waits") {
  marks const bounds{4};
  mailbox::mailbox box(self);
  push(box, 1, 10, bounds);
  CHECK(take(box, 4, bounds).size() == 4);
  CHECK(box.waiting_count() == 6);
  CHECK(box.is_shut());
  CHECK(take(box, 3, bounds).size() == 3);
  CHECK(box.is_shut());
  CHECK(take(box, 1, bounds).size() == 1);
  CHECK_FALSE(box.is_shut());
}

TEST_CASE("where the mark is moved, the door is as the new one says of what waits") {
  mailbox::mailbox box(self);
  push(box, 1, 4, {4});
  box.measure({5});
  CHECK_FALSE(box.is_shut());
  box.measure({3});
  CHECK(box.is_shut());
  box.measure({});
  CHECK_FALSE(box.is_shut());
}

TEST_CASE("a take that empties the mailbox opens it at once") {
  marks const bounds{4};
  mailbox::mailbox box(self);
  push(box, 1, 4, bounds);
  CHECK(take(box, 4, bounds).size() == 4);
  CHECK_FALSE(box.is_shut());
  CHECK(box.waiting_count() == 0);
}

TEST_CASE("an empty mailbox takes one message whatever its mark is") {
  for (std::size_t const mark : {0U, 1U}) {
    marks const bounds{mark};
    mailbox::mailbox box(self);
    CHECK_FALSE(box.is_shut());
    push(box, 1, 1, bounds);
    CHECK(box.is_shut());
    CHECK(take(box, 1, bounds).size() == 1);
    CHECK_FALSE(box.is_shut());
  }
}

TEST_CASE("without a mark the door never shuts") {
  mailbox::mailbox box(self);
  push(box, 1, 5000, {});
  CHECK_FALSE(box.is_shut());
}

TEST_CASE("a batch is cut by the number of messages and by their bytes, and holds at least one") {
  mailbox::mailbox box(self);
  push(box, 1, 9, {});
  CHECK(numbers(box.take({2, 1000}, {}, bytes_of)) == list{1, 2});
  CHECK(numbers(box.take({5, 30}, {}, bytes_of)) == list{3, 4, 5});
  CHECK(numbers(box.take({5, 39}, {}, bytes_of)) == list{6, 7, 8});
  CHECK(numbers(box.take({5, 0}, {}, bytes_of)) == list{9});
  CHECK(box.waiting_bytes() == 0);
}

TEST_CASE("a batch that is put back is taken again first, in its order") {
  mailbox::mailbox box(self);
  push(box, 1, 5, {});
  auto taken = take(box, 2, {});
  push(box, 6, 6, {});
  box.put_back(std::move(taken), {});
  CHECK(box.waiting_count() == 6);
  CHECK(box.waiting_bytes() == 6 * (10 + message::message_overhead_bytes));
  CHECK(numbers(take(box, 10, {})) == list{1, 2, 3, 4, 5, 6});
}

TEST_CASE("a batch that is put back shuts the door again") {
  marks const bounds{4};
  mailbox::mailbox box(self);
  push(box, 1, 4, bounds);
  auto taken = take(box, 4, bounds);
  CHECK_FALSE(box.is_shut());
  box.put_back(std::move(taken), bounds);
  CHECK(box.is_shut());

  taken = take(box, 4, bounds);
  taken.resize(3);
  box.put_back(std::move(taken), bounds);
  CHECK_FALSE(box.is_shut());
}

TEST_CASE("the oldest message keeps its age when its batch is put back") {
  clock::moved_clock time;
  mailbox::mailbox box(self);
  auto const came = clock::steady::now();
  push(box, 1, 1, {});
  time.advance(1min);
  CHECK(box.oldest_since == came);
  auto taken = take(box, 1, {});
  time.advance(1min);
  box.put_back(std::move(taken), {});
  CHECK(box.oldest_since == came);
}

TEST_CASE("order and counts hold over any sequence of pushes, takes and returns") {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    std::minstd_rand random(seed);
    mailbox::mailbox box(self);
    std::deque<std::uint64_t> model;
    message::batch out;
    std::uint64_t next = 0;
    for (int step = 0; step < 300; ++step) {
      switch (random() % 3) {
      case 0:
        for (auto count = random() % 8; count > 0; --count) {
          push(box, next, next, {8});
          model.push_back(next++);
        }
        break;
      case 1:
        if (out.empty() && box.waiting_count() > 0) {
          out = take(box, 1 + random() % 6, {8});
          for (auto const& one : out) {
            REQUIRE(one.key.number == model.front());
            model.pop_front();
          }
        }
        break;
      default:
        if (random() % 2 == 0) {
          for (auto one = out.rbegin(); one != out.rend(); ++one)
            model.push_front(one->key.number);
          box.put_back(std::exchange(out, {}), {8});
        } else {
          out.clear();
        }
      }
      REQUIRE(box.waiting_count() == model.size());
      REQUIRE(box.waiting_bytes() == model.size() * (10 + message::message_overhead_bytes));
    }
  }
}

TEST_CASE("a mailbox is made where there is none, and stays in its place until it is erased") {
  mailboxes all;
  CHECK(all.find(self) == nullptr);
  auto& box = all.open(self);
  for (int i = 0; i < 1000; ++i)
    all.open({{"ns", "fn"}, std::to_string(i)});
  CHECK(&all.open(self) == &box);
  CHECK(all.find(self) == &box);
  CHECK(all.count() == 1001);
  all.erase(box);
  CHECK(all.find(self) == nullptr);
  CHECK(all.count() == 1000);
}

TEST_CASE(
    "a walk in steps sees everybody who is there all the while once, and begins again where there are many more") {
  mailboxes all;
  auto const open = [&](int i) -> statefund::mailbox::mailbox& { return all.open({{"ns", "fn"}, std::to_string(i)}); };
  for (int i = 0; i < 1000; ++i)
    open(i);
  std::map<std::string, int> seen;
  walk at;
  int gone = 500;
  auto end = walk_end::more;
  while (end == walk_end::more) {
    end = all.step(at, 100, [&](statefund::mailbox::mailbox const& box) { ++seen[box.self().id]; });
    for (int i = 0; i < 10 && gone < 1000; ++i)
      all.erase(open(gone++));
  }
  CHECK(end == walk_end::all_seen);
  for (int i = 0; i < 500; ++i)
    CHECK(seen[std::to_string(i)] == 1);
  CHECK(std::all_of(seen.begin(), seen.end(), [](auto const& one) { return one.second <= 1; }));

  at = {};
  REQUIRE(all.step(at, 1, [](statefund::mailbox::mailbox const&) {}) == walk_end::more);
  for (int i = 0; i < 10'000; ++i)
    open(i);
  CHECK(all.step(at, 1, [](statefund::mailbox::mailbox const&) { FAIL("nobody is seen"); }) == walk_end::over_again);
  std::size_t count = 0;
  while (all.step(at, 100, [&](statefund::mailbox::mailbox const&) { ++count; }) == walk_end::more) {
  }
  CHECK(count == all.count());
}
