#include "dispatch/watermarks.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

using namespace statefund::dispatch;
using shards = std::vector<std::size_t>;

namespace {

shards told_by(watermarks& all, std::size_t shard, std::int64_t due_ms) {
  shards told;
  all.raise(shard, due_ms, [&](std::size_t one) { told.push_back(one); });
  return told;
}

} // namespace

TEST_CASE("whoever waits for watermarks is told once, by the last that reaches what it waits for") {
  watermarks all(3);
  CHECK(all.lowest_ms() == INT64_MIN);
  CHECK_FALSE(all.reached_or_asks(0, 10));
  CHECK_FALSE(all.reached_or_asks(1, 20));
  CHECK(told_by(all, 0, 30).empty());
  CHECK(told_by(all, 1, 25).empty());
  CHECK(told_by(all, 2, 9).empty());
  CHECK(told_by(all, 2, 10) == shards{0});
  CHECK(all.reached_or_asks(0, 10));
  CHECK(told_by(all, 2, 19).empty());
  CHECK(told_by(all, 2, 40) == shards{1});
  CHECK(told_by(all, 1, 50).empty());
  CHECK(all.lowest_ms() == 30);
  CHECK(all.lowest_of_others_ms(0) == 40);
}

TEST_CASE("what is asked last is what a shard is told of") {
  watermarks all(2);
  CHECK_FALSE(all.reached_or_asks(0, 10));
  CHECK_FALSE(all.reached_or_asks(0, 5));
  CHECK(told_by(all, 1, 100).empty());
  CHECK(told_by(all, 0, 5) == shards{0});
  CHECK(told_by(all, 0, 10).empty());
  CHECK_FALSE(all.reached_or_asks(0, 20));
  CHECK_FALSE(all.reached_or_asks(0, 30));
  CHECK(told_by(all, 0, 20).empty());
  CHECK(told_by(all, 0, 30) == shards{0});
}

TEST_CASE("what is set anew lowers a watermark, and only raising tells") {
  watermarks all(2);
  told_by(all, 0, 100);
  told_by(all, 1, 100);
  all.lower(0, 120);
  CHECK(all.lowest_ms() == 100);
  all.lower(0, 90);
  CHECK(all.lowest_ms() == 90);
  CHECK(all.lowest_of_others_ms(0) == 100);
  CHECK_FALSE(all.reached_or_asks(1, 100));
  CHECK(told_by(all, 0, 80).empty());
  CHECK(all.lowest_ms() == 90);
  CHECK(told_by(all, 0, 100) == shards{1});
}

TEST_CASE("what a shard has taken stays taken, however the clock is set back") {
  watermarks all(2);
  told_by(all, 0, 100);
  told_by(all, 1, 100);
  all.took(0, 70);
  all.took(0, 60);
  all.lower(0, 50);
  CHECK(all.lowest_of_others_ms(1) == 70);
  all.lower(1, 50);
  CHECK(all.lowest_of_others_ms(0) == 50);
}

TEST_CASE("one shard alone waits for its own alarm") {
  watermarks all(1);
  CHECK(all.lowest_of_others_ms(0) == INT64_MAX);
  CHECK_FALSE(all.reached_or_asks(0, 1));
  CHECK(told_by(all, 0, 1) == shards{0});
}

TEST_CASE("between threads whoever asks is told, or sees that it need not ask") {
  constexpr std::int64_t last_ms = 20'000;
  watermarks all(3);
  std::atomic<std::uint64_t> told_count{0};
  auto const move = [&](std::size_t shard) {
    for (std::int64_t due_ms = 0; due_ms <= last_ms; ++due_ms) {
      all.raise(shard, due_ms, [&](std::size_t) { told_count.fetch_add(1); });
      if (due_ms % 3 == 0)
        all.lower(shard, due_ms - 2);
    }
  };
  told_by(all, 2, last_ms);
  std::thread first(move, 0);
  std::thread second(move, 1);
  auto const patience = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  bool in_time = true;
  for (std::int64_t wanted_ms = 1; wanted_ms <= last_ms && in_time; ++wanted_ms)
    for (auto seen = told_count.load(); in_time && !all.reached_or_asks(2, wanted_ms); seen = told_count.load())
      while (in_time && told_count.load() == seen)
        in_time = std::chrono::steady_clock::now() < patience;
  first.join();
  second.join();
  CHECK(in_time);
  CHECK(all.lowest_ms() == last_ms);
}
