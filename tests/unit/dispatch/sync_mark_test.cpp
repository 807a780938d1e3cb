#include "dispatch/sync_watch.hpp"

#include <catch2/catch.hpp>

using namespace statefund;
using namespace statefund::dispatch;
using namespace std::chrono_literals;

TEST_CASE("turns wait from the mark on, and go on below half of it") {
  sync_mark const mark{1000, 5s};
  CHECK_FALSE(mark.is_full({999}));
  CHECK(mark.is_full({1000}));
  CHECK_FALSE(mark.has_room_again({500}));
  CHECK(mark.has_room_again({499}));
  CHECK(sync_mark{0, 5s}.has_room_again({0}));
  CHECK_FALSE(sync_mark{0, 5s}.is_full({0}));
  CHECK(sync_mark{0, 5s}.is_full({1}));
}

TEST_CASE("likewise by how many changes are not durable, however small") {
  sync_mark const mark{1000, 5s, 20};
  auto const behind = [](std::uint64_t bytes, std::uint64_t changes_count) {
    return store::not_durable{bytes, {}, changes_count};
  };
  CHECK_FALSE(mark.is_full(behind(20, 19)));
  CHECK(mark.is_full(behind(20, 20)));
  CHECK_FALSE(mark.has_room_again(behind(20, 10)));
  CHECK(mark.has_room_again(behind(20, 9)));
  CHECK_FALSE(mark.has_room_again(behind(500, 9)));
}

TEST_CASE("a sync is late once the oldest change has waited for its time, and never while there is none") {
  clock::moved_clock time;
  sync_mark const mark{1000, 5s};
  store::not_durable const behind{1, clock::steady::now(), 1};
  time.advance(5s - 1ns);
  CHECK_FALSE(mark.is_late(behind, clock::steady::now()));
  time.advance(1ns);
  CHECK(mark.is_late(behind, clock::steady::now()));
  CHECK_FALSE(mark.is_late({0, behind.since, 0}, clock::steady::now()));
}
