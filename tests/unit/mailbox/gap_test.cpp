#include "mailbox/mailbox.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

using namespace statefund;
using namespace statefund::mailbox;

namespace {

message::address const self{{"ns", "fn"}, "a"};
constexpr std::uint64_t one_bytes = 10 + message::message_overhead_bytes;

message::invocation numbered(std::uint64_t number) {
  return {{number, 0}, std::nullopt, {"", true, std::string(10, 'x')}};
}

void push(mailbox::mailbox& into, std::initializer_list<std::uint64_t> all, marks const& bounds = {}) {
  for (auto const number : all)
    into.push(numbered(number), bounds);
}

message::batch rows(std::initializer_list<std::uint64_t> all) {
  message::batch found;
  for (auto const number : all)
    found.push_back(numbered(number));
  return found;
}

using list = std::vector<std::uint64_t>;

message::batch take(mailbox::mailbox& from, std::size_t messages_max, marks const& levels = {}) {
  return from.take({messages_max, 1'000'000}, levels, [](auto const& one) { return one.value.size_bytes(); });
}

list numbers(message::batch const& of) {
  list all;
  for (auto const& one : of)
    all.push_back(one.key.number);
  return all;
}

} // namespace

TEST_CASE("a tail leaves memory and comes back behind the head, before what came meanwhile") {
  mailbox::mailbox box(self);
  push(box, {1, 2, 3, 4, 5});
  CHECK(box.let_go(2, 4) == 2 * one_bytes);
  REQUIRE(box.on_disk());
  CHECK(box.on_disk()->after == message::entry_key{2, 0});
  CHECK(box.on_disk()->through == message::entry_key{4, 0});
  CHECK(box.on_disk()->count == 2);
  push(box, {6});
  CHECK(box.waiting_count() == 6);
  CHECK(box.head_count() == 2);
  CHECK(box.waiting_bytes() == 6 * one_bytes);
  CHECK(box.memory_bytes() == 4 * one_bytes);
  CHECK(numbers(take(box, 10)) == list{1, 2});
  CHECK(box.refill(rows({3})));
  CHECK(numbers(take(box, 10)) == list{3});
  CHECK(box.refill(rows({4})));
  CHECK_FALSE(box.on_disk());
  CHECK(numbers(take(box, 10)) == list{4, 5, 6});
  CHECK(box.waiting_count() == 0);
  CHECK(box.waiting_bytes() == 0);
}

TEST_CASE("what has come since a tail left memory follows it there") {
  mailbox::mailbox box(self);
  push(box, {1, 2, 3});
  box.let_go(1, 3);
  push(box, {4, 5, 6});
  CHECK(box.let_go(1, 5) == 2 * one_bytes);
  CHECK(box.on_disk()->through == message::entry_key{5, 0});
  CHECK(box.on_disk()->count == 4);
  CHECK(box.memory_bytes() == 2 * one_bytes);
  // The whole of it: the head comes back with the rest.
  CHECK(box.let_go(0, 6) == 2 * one_bytes);
  CHECK(box.on_disk()->after == message::entry_key{});
  CHECK(box.memory_bytes() == 0);
  CHECK(box.waiting_count() == 6);
  CHECK(box.refill(rows({1, 2, 3, 4, 5, 6})));
  CHECK(numbers(take(box, 10)) == list{1, 2, 3, 4, 5, 6});
}

TEST_CASE("what has a smaller key than what was taken or stays does not leave memory") {
  mailbox::mailbox box(self);
  push(box, {10, 12, 11, 13, 9});
  CHECK(numbers(take(box, 1)) == list{10});
  CHECK(box.let_go(1, 100) == one_bytes);
  CHECK(box.on_disk()->after == message::entry_key{12, 0});
  CHECK(box.on_disk()->count == 1);
  CHECK(numbers(take(box, 10)) == list{12, 11, 9});
  CHECK(box.let_go(0, 100) == 0);
  CHECK(box.refill(rows({13})));
  CHECK(numbers(take(box, 10)) == list{13});
}

TEST_CASE("a batch that was put back stays in memory, in its order") {
  mailbox::mailbox box(self);
  push(box, {3, 2, 4, 5});
  auto taken = take(box, 2);
  box.let_go(0, 5);
  CHECK(box.head_count() == 0);
  box.put_back(std::move(taken), {});
  CHECK(box.let_go(0, 5) == 0);
  CHECK(box.memory_bytes() == 2 * one_bytes);
  CHECK(box.waiting_count() == 4);
  CHECK(box.refill(rows({4, 5})));
  CHECK(numbers(take(box, 10)) == list{3, 2, 4, 5});
}

TEST_CASE("marks count what is on disk, too") {
  marks const bounds{4};
  mailbox::mailbox box(self);
  push(box, {1, 2, 3, 4}, bounds);
  box.let_go(1, 4);
  CHECK(box.is_shut());
  take(box, 1, bounds);
  CHECK(box.is_shut());
  REQUIRE(box.refill(rows({2, 3, 4})));
  CHECK(box.is_shut());
  take(box, 1, bounds);
  CHECK_FALSE(box.is_shut());
}

TEST_CASE("a start leaves what it finds on disk, behind what it has loaded") {
  mailbox::mailbox box(self);
  CHECK_FALSE(box.newest_key());
  push(box, {3, 4});
  box.push_on_disk({5, 0}, one_bytes, {7});
  CHECK(box.newest_key() == message::entry_key{5, 0});
  box.push_on_disk({7, 0}, one_bytes, {7});
  CHECK(box.on_disk()->after == message::entry_key{4, 0});
  CHECK(box.on_disk()->through == message::entry_key{7, 0});
  CHECK(box.waiting_count() == 4);
  CHECK(box.memory_bytes() == 2 * one_bytes);
  CHECK_FALSE(box.is_shut());
  mailbox::mailbox other(self);
  other.push_on_disk({5, 0}, one_bytes, {1});
  CHECK(other.is_shut());
  CHECK(other.head_count() == 0);
  CHECK(other.refill(rows({5})));
  CHECK(numbers(take(other, 10)) == list{5});
}

TEST_CASE("rows that are not what has left memory are refused") {
  auto const refills = [](std::initializer_list<std::uint64_t> found) {
    mailbox::mailbox box(self);
    push(box, {1, 2, 4, 6});
    box.let_go(1, 6);
    return box.refill(rows(found));
  };
  CHECK(refills({2}));
  CHECK(refills({2, 4, 6}));
  CHECK_FALSE(refills({}));           // none is left
  CHECK_FALSE(refills({2, 6}));       // one is missing
  CHECK_FALSE(refills({2, 3, 4, 6})); // one too many
  CHECK_FALSE(refills({2, 4, 5}));    // another one is the last
  mailbox::mailbox box(self);
  push(box, {1, 2});
  box.let_go(1, 2);
  auto larger = rows({2});
  larger.front().value.bytes += 'x';
  CHECK_FALSE(box.refill(std::move(larger)));
}

namespace {

// One address and what is around it: senders on other shards whose messages come late, an order of which a prefix is
// written, and a store that knows nothing but that prefix.
class address_and_store {
 public:
  explicit address_and_store(unsigned seed) : random_(seed), box_(std::in_place, self) {}

  void step() {
    switch (random_() % 8) {
    case 0:
    case 1: { // a message is ordered, and is under way
      auto const sender = random_() % under_way_.size();
      auto const number = order({true, {}});
      under_way_[sender].push_back(number);
      sender_of_[number] = sender;
      break;
    }
    case 2: // some come, sender by sender in order
      come(random_() % under_way_.size(), random_() % 4);
      break;
    case 3:
      written_count_ = std::min(order_.size(), written_count_ + random_() % 6);
      break;
    case 4:
      if (!round_)
        begin_round();
      else if (round_->written_from <= written_count_)
        let_go();
      break;
    case 5:
      refill();
      break;
    default:
      turn();
    }
    check();
  }

  void drain() {
    for (std::size_t sender = 0; sender < under_way_.size(); ++sender)
      come(sender, SIZE_MAX);
    written_count_ = order_.size();
    for (int steps = 0; steps < 10'000 && (box_->waiting_count() > 0 || !out_.empty()); ++steps) {
      refill();
      turn();
      check();
    }
    written_count_ = order_.size();
    REQUIRE(consumed_count_ == sender_of_.size());
  }

  std::size_t refills_count() const { return refills_count_; }

 private:
  struct change {
    bool sends;
    message::batch consumes;
  };
  struct round {
    std::uint64_t through_number;
    std::size_t written_from;
  };

  std::uint64_t order(change one) {
    order_.push_back(std::move(one));
    return order_.size();
  }

  void come(std::size_t sender, std::size_t count_max) {
    auto& from = under_way_[sender];
    for (; count_max > 0 && !from.empty(); --count_max) {
      box_->push(numbered(from.front()), {});
      ++arrived_count_;
      from.pop_front();
    }
  }

  void begin_round() {
    round_ = round{order_.size(), 0};
    for (std::size_t sender = 0; sender < under_way_.size(); ++sender)
      come(sender, SIZE_MAX);
    if (random_() % 2 == 0)
      turn();
    round_->written_from = order_.size();
  }

  void let_go() {
    auto const before = box_->memory_bytes();
    auto const freed = box_->let_go(random_() % 4, round_->through_number);
    REQUIRE(before - box_->memory_bytes() == freed);
    round_.reset();
  }

  void refill() {
    auto const* const missing = box_->on_disk();
    if (!missing)
      return;
    std::map<std::uint64_t, bool> there;
    for (std::size_t i = 0; i < written_count_; ++i) {
      if (order_[i].sends)
        there[i + 1] = true;
      for (auto const& gone : order_[i].consumes)
        there.erase(gone.key.number);
    }
    message::batch found;
    auto const count_max = 1 + random_() % 3;
    for (auto const& [number, is_there] : there)
      if (number > missing->after.number && number <= missing->through.number && found.size() < count_max)
        found.push_back(numbered(number));
    REQUIRE(box_->refill(std::move(found)));
    ++refills_count_;
  }

  // Takes a batch, or what became of the one before.
  void turn() {
    if (out_.empty() && box_->head_count() > 0) {
      out_ = take(*box_, 1 + random_() % 3);
      return;
    }
    if (out_.empty())
      return;
    if (random_() % 3 == 0)
      return box_->put_back(std::exchange(out_, {}), {});
    for (auto const& one : out_) {
      auto& last = last_of_[sender_of_.at(one.key.number)];
      REQUIRE(one.key.number > last);
      last = one.key.number;
    }
    consumed_count_ += out_.size();
    order({false, std::exchange(out_, {})});
    if (box_->waiting_count() == 0)
      box_.emplace(self); // an idle one is erased
  }

  void check() const {
    REQUIRE(box_->waiting_count() == arrived_count_ - consumed_count_ - out_.size());
    REQUIRE(box_->waiting_bytes() == box_->waiting_count() * one_bytes);
    REQUIRE((box_->on_disk() || box_->memory_bytes() == box_->waiting_bytes()));
  }

  std::minstd_rand random_;
  std::optional<mailbox::mailbox> box_;
  std::vector<change> order_; // the i-th has the number i + 1
  std::size_t written_count_ = 0;
  std::array<std::deque<std::uint64_t>, 3> under_way_;
  std::map<std::uint64_t, std::size_t> sender_of_;
  std::array<std::uint64_t, 3> last_of_{};
  std::optional<round> round_;
  message::batch out_;
  std::size_t arrived_count_ = 0;
  std::size_t consumed_count_ = 0;
  std::size_t refills_count_ = 0;
};

} // namespace

TEST_CASE("every sender's messages are taken once and in order, whatever leaves memory, comes back or comes late") {
  std::size_t refills_count = 0;
  for (unsigned seed = 1; seed <= 1000; ++seed) {
    INFO("seed " << seed);
    address_and_store world(seed);
    for (int step = 0; step < 300; ++step)
      world.step();
    world.drain();
    refills_count += world.refills_count();
  }
  CHECK(refills_count > 1000);
}
