// What a start promises, and what is read of it.

#include "crash/experiments.hpp"
#include "store/promise.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

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

TEST_CASE("a new data directory, with what had to be made above it, is on the disk before anything is promised in it") {
  support::temporary_directory const real;
  auto const above = std::filesystem::canonical(real.path());
  auto const disk = std::make_shared<faulty_disk>();
  auto const environment = make_environment(disk);
  store::rocks_store_options chosen;
  chosen.database.directory = real.path() / "made" / "also" / "state";
  chosen.database.environment = environment.get();

  disk->fail({file_kind::directory, 1});
  auto const refused = store::rocks_store::open(chosen, [](error const&) {});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == store::errc::directory_unusable);
  CHECK(refused.error().detail.starts_with((above / "made").string() + ": "));
  disk->heal();

  // Made by a process that ended, or by an operator: nobody has synced it.
  auto const opened = store::rocks_store::open(chosen, [](error const& why) { FAIL(why.to_string()); });
  REQUIRE(opened.has_value());
  std::vector<std::string> synced;
  for (auto const& step : disk->steps()) {
    if (step.verb != step_verb::sync_directory)
      break;
    synced.push_back(step.path);
  }
  std::vector<std::string> const names{(above / "made" / "also").string(), (above / "made").string(), above.string()};
  REQUIRE(synced.size() > 1 + names.size());
  CHECK(synced[0] == names[0]);
  CHECK(std::equal(names.begin(), names.end(), synced.begin() + 1));
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

TEST_CASE("a state is read as its last change has left it, though memory keeps only what cannot be read back") {
  place at;
  CHECK(states_read_at_once(at, 1).empty());
}
