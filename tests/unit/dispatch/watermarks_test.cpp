#include "dispatch/watermarks.hpp"

#include <catch2/catch.hpp>

using namespace statefund::dispatch;

TEST_CASE("a shard waits for those that are behind it, and they know that they have to tell") {
  watermarks all(3);
  CHECK(all.lowest_ms() == INT64_MIN);
  CHECK_FALSE(all.set(0, 10));
  CHECK(all.has_to_wait(0, 10));
  CHECK_FALSE(all.set(1, INT64_MIN)); // has not moved
  CHECK(all.set(1, 20));
  CHECK(all.lowest_of_others_ms(0) == INT64_MIN);
  CHECK(all.has_to_wait(0, 10));
  CHECK(all.set(2, 10));
  CHECK_FALSE(all.has_to_wait(0, 10));
  CHECK(all.has_to_wait(1, 20));
  CHECK(all.has_to_wait(1, 11));
  CHECK(all.set(0, 30)); // told once for all who wait
  CHECK_FALSE(all.set(0, 31));
  CHECK(all.lowest_ms() == 10);
}

TEST_CASE("what is set anew lowers a watermark, and nobody has to be told") {
  watermarks all(2);
  all.set(0, 100);
  all.set(1, 100);
  all.lower(0, 120);
  CHECK(all.lowest_of_others_ms(1) == 100);
  CHECK_FALSE(all.has_to_wait(1, 100));
  all.lower(0, 90);
  CHECK(all.lowest_of_others_ms(1) == 90);
  CHECK(all.has_to_wait(1, 100));
  CHECK(all.set(0, 100));
}

TEST_CASE("one shard alone waits for nobody") {
  watermarks all(1);
  CHECK(all.lowest_of_others_ms(0) == INT64_MAX);
  CHECK_FALSE(all.has_to_wait(0, INT64_MAX));
}
