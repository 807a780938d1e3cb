#include "endpoint/idle_list.hpp"

#include <catch2/catch.hpp>

using namespace statefund;
using namespace statefund::endpoint;
using namespace std::chrono_literals;
using clock::deadline;

namespace {

clock::steady::time_point const start(1h);

// Takes them all, the newest first.
std::vector<int> taken(idle_list<int>& list) {
  std::vector<int> all;
  while (!list.empty())
    all.push_back(list.take_newest().which);
  return all;
}

} // namespace

TEST_CASE("the connection that was used last is used next, and the oldest is spared") {
  idle_list<int> list;
  for (int const each : {1, 2, 3})
    list.add(each, deadline::never());
  CHECK(list.take_oldest().which == 1);
  CHECK(list.take_newest().which == 3);
  list.add(4, deadline::never());
  CHECK(list.size() == 2);
  CHECK(taken(list) == std::vector{4, 2});
}

TEST_CASE("a look takes out what has reached its end, to the tick, wherever it stands") {
  idle_list<int> list;
  list.add(1, deadline::at(start + 2s));
  list.add(2, deadline::at(start + 1s));
  list.add(3, deadline::never());
  list.add(4, deadline::at(start + 1s));
  CHECK(list.look(start + 1s - 1ns).ended.empty());
  CHECK(list.look(start + 1s).ended == std::vector{2, 4});
  CHECK(list.look(start + 10s).ended == std::vector{1});
  CHECK(taken(list) == std::vector{3});
}

TEST_CASE("a connection is watched from the second look of one stay on, and told so once") {
  idle_list<int> list;
  list.add(1, deadline::never());
  CHECK(list.look(start).to_watch.empty());
  CHECK_FALSE(list.all_watched());
  list.add(2, deadline::never());
  auto const second = list.look(start);
  REQUIRE(second.to_watch.size() == 1);
  REQUIRE(list.find(second.to_watch.front()) != nullptr);
  CHECK(list.find(second.to_watch.front())->which == 1);
  CHECK(list.find(second.to_watch.front())->state == idle_state::watched);
  CHECK_FALSE(list.all_watched());
  CHECK(list.look(start).to_watch.size() == 1);
  CHECK(list.all_watched());
  CHECK(list.look(start).to_watch.empty());
}

TEST_CASE("a connection that comes and goes is never watched") {
  idle_list<int> list;
  list.add(1, deadline::never());
  for (int i = 0; i < 10; ++i) {
    CHECK(list.look(start).to_watch.empty());
    CHECK(list.take_newest().state != idle_state::watched);
    list.add(1, deadline::never());
  }
}

TEST_CASE("a stay ends when its connection is taken, and another one is not mistaken for it") {
  idle_list<int> list;
  for (int const each : {1, 2, 3})
    list.add(each, deadline::never());
  list.look(start);
  auto const stays = list.look(start).to_watch;
  REQUIRE(stays.size() == 3);
  CHECK(list.take(stays[1]) == 2);
  CHECK(list.take(stays[1]) == std::nullopt);
  CHECK(list.find(stays[1]) == nullptr);
  CHECK(list.take_newest().which == 3);
  list.add(3, deadline::never());
  CHECK(list.take(stays[2]) == std::nullopt);
  CHECK(list.take(stays[0]) == 1);
  CHECK(taken(list) == std::vector{3});
}

TEST_CASE("the next look is an interval away while one is not watched, else at the first end, else never") {
  idle_list<int> list;
  CHECK(list.next_look(start).is_never());
  list.add(1, deadline::at(start + 10s));
  list.add(2, deadline::at(start + 5s));
  CHECK(list.next_look(start) == deadline::at(start + idle_look_interval));
  CHECK(list.next_look(start + 5s - 1ns) == deadline::at(start + 5s));
  list.look(start);
  list.look(start);
  CHECK(list.next_look(start) == deadline::at(start + 5s));
  list.take_newest();
  CHECK(list.next_look(start) == deadline::at(start + 10s));
  list.take_newest();
  list.add(3, deadline::never());
  list.look(start);
  list.look(start);
  CHECK(list.next_look(start).is_never());
}

TEST_CASE("an age is the ttl, give or take a tenth, and spread over all of that") {
  CHECK(age_max(15s, 0) == 13500ms);
  CHECK(age_max(15s, 512) > 14990ms);
  CHECK(age_max(15s, 512) < 15010ms);
  CHECK(age_max(15s, 1024) > 16490ms);
  for (unsigned random = 0; random < 5000; random += 7) {
    CHECK(age_max(15s, random) >= 13500ms);
    CHECK(age_max(15s, random) <= 16500ms);
  }
  CHECK(age_max(1ns, 1024) == 1ns);
}
