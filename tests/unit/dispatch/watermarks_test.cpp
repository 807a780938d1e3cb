#include "dispatch/watermarks.hpp"

#include <catch2/catch.hpp>

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
  CHECK_FALSE(all.have_reached(10, 0));
  CHECK_FALSE(all.have_reached(20, 1));
  CHECK(told_by(all, 0, 30).empty());
  CHECK(told_by(all, 1, 25).empty());
  CHECK(told_by(all, 2, 9).empty());
  CHECK(told_by(all, 2, 10) == shards{0});
  CHECK(all.have_reached(10, 0));
  CHECK(told_by(all, 2, 19).empty());
  CHECK(told_by(all, 2, 40) == shards{1});
  CHECK(told_by(all, 1, 50).empty());
  CHECK(all.lowest_ms() == 30);
  CHECK(all.lowest_of_others_ms(0) == 40);
}

TEST_CASE("what is asked last is what a shard is told of") {
  watermarks all(2);
  CHECK_FALSE(all.have_reached(10, 0));
  CHECK_FALSE(all.have_reached(5, 0));
  all.raise(1, 100, [](std::size_t) {});
  CHECK(told_by(all, 0, 5) == shards{0});
  CHECK(told_by(all, 0, 10).empty());
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
  CHECK_FALSE(all.have_reached(100, 1));
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
  CHECK_FALSE(all.have_reached(1, 0));
  CHECK(told_by(all, 0, 1) == shards{0});
}
