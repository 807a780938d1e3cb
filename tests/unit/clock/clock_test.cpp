#include "clock/backoff.hpp"
#include "clock/clock.hpp"
#include "clock/deadline.hpp"
#include "clock/wall_jump.hpp"

#include <catch2/catch.hpp>

using namespace statefund::clock;
using namespace std::chrono_literals;

TEST_CASE("a moved clock passes only by hand") {
  moved_clock time(1'000'000);
  auto const start = steady::now();
  CHECK(unix_ms() == 1'000'000);
  time.advance(1500ms);
  CHECK(steady::now() - start == 1500ms);
  CHECK(unix_ms() == 1'001'500);
  time.jump_wall(-1h);
  CHECK(steady::now() - start == 1500ms);
  CHECK(unix_ms() == 1'001'500 - 3'600'000);
}

TEST_CASE("a deadline is reached at its tick and not before") {
  moved_clock time;
  auto const soon = deadline::after(10ms);
  time.advance(10ms - 1ns);
  CHECK_FALSE(soon.reached());
  CHECK(soon.left() == 1ns);
  time.advance(1ns);
  CHECK(soon.reached());
  CHECK(soon.left() == 0ns);
}

TEST_CASE("a deadline beyond the end of time is never reached") {
  CHECK(deadline::after(steady::duration::max()).is_never());
  CHECK_FALSE(deadline::never().reached());
  CHECK(std::min(deadline::never(), deadline::after(1s)) < deadline::never());
}

TEST_CASE("a back-off doubles up to its cap and is spread over its upper half") {
  backoff_limits const limits{100ms, 60s};
  CHECK(backoff(limits, 1, 0) == 50ms);
  CHECK(backoff(limits, 1, 1024) > 99ms);
  CHECK(backoff(limits, 1, 1024) <= 100ms);
  CHECK(backoff(limits, 2, 0) == 100ms);
  CHECK(backoff(limits, 3, 0) == 200ms);
  CHECK(backoff(limits, 11, 0) == 30s);
  CHECK(backoff(limits, 4'000'000'000U, 1024) <= 60s);
}

TEST_CASE("a wall clock that was set is told by what it moved beyond the time that passed") {
  reading const before{steady::time_point(10min), 1'000'000};
  auto const jump_after = [&](steady::duration passed, std::chrono::milliseconds moved) {
    return wall_jump(before, {before.at + passed, before.wall_ms + moved.count()});
  };
  CHECK(jump_after(5s, 5s) == 0ms);
  CHECK(jump_after(30h, 30h) == 0ms); // a look that comes late
  CHECK(jump_after(5s, 65s - 1ms) == 0ms);
  CHECK(jump_after(5s, 65s) == 60s);
  CHECK(jump_after(5s, 5s + 24h * 365 * 73) == 24h * 365 * 73);
  CHECK(jump_after(5s, -55s + 1ms) == 0ms);
  CHECK(jump_after(5s, -55s) == -60s);
  CHECK(jump_after(1h, 0s) == -1h);
}

TEST_CASE("both clocks are read, moved or not") {
  moved_clock time(1'000'000);
  auto const before = read_both();
  time.advance(2h);
  CHECK(wall_jump(before, read_both()) == 0ms);
  time.jump_wall(-3h);
  CHECK(wall_jump(before, read_both()) == -3h);
}
