// What a start promises.

#include "crash/run.hpp"
#include "store/promise.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace statefund;
using namespace statefund::crash;
using store::sync_mode;

TEST_CASE("what a start has found is promised before it is shown") {
  place at;
  run_options chosen;
  chosen.sync.mode = sync_mode::never;
  auto const done = run(at, {}, 40, 3, chosen);
  auto image = done.before;
  for (auto const& step : done.steps)
    image.apply(step);
  process next(at, image, chosen);
  REQUIRE(next.is_open());
  auto const disk = std::make_shared<faulty_disk>(next.disk().image());
  auto const environment = make_environment(disk);
  auto const promised = store::promise::read(*environment, at.directory());
  REQUIRE(promised.has_value());
  CHECK(*promised == next.store().ordered_so_far().number());
  CHECK(*promised == done.ordered.last_number(done.ordered.size()));
}

TEST_CASE("what lies in many tables, most of which a start does not open, is read as it was written") {
  place at;
  run_options chosen;
  chosen.log_bytes_max = 1U << 10U;
  auto const done = run(at, {}, 600, 11, chosen);
  auto image = done.before;
  for (auto const& step : done.steps)
    image.apply(step);
  auto const paths = image.paths();
  CHECK(std::count_if(paths.begin(), paths.end(),
                      [](std::string const& path) { return kind_of(path) == file_kind::table; }) > 16);
  process next(at, image, chosen);
  CHECK(survivors_of(at, next, done.ordered, done.promised.back().number).fault.empty());
}
