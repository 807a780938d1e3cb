#include "catalog/settling.hpp"

#include <catch2/catch.hpp>

using namespace statefund;
using namespace std::chrono_literals;
using catalog::settling;
using clock::deadline;

namespace {

clock::steady::time_point const start{1000s};

} // namespace

TEST_CASE("nothing that happens never settles") {
  CHECK(settling{}.settles_at().is_never());
}

TEST_CASE("a change settles once nothing has happened for a quarter of a second") {
  settling burst;
  burst.changed(start);
  CHECK(burst.settles_at() == deadline::at(start + 250ms));
  burst.changed(start + 249ms);
  CHECK(burst.settles_at() == deadline::at(start + 499ms));
}

TEST_CASE("a burst settles two seconds after its first change at the latest") {
  settling burst;
  for (auto at = 0ms; at <= 1750ms; at += 250ms) {
    burst.changed(start + at);
    CHECK(burst.settles_at() == deadline::at(start + at + 250ms));
  }
  for (auto const at : {1751ms, 1999ms, 5000ms}) {
    burst.changed(start + at);
    CHECK(burst.settles_at() == deadline::at(start + 2s));
  }
}

TEST_CASE("a file that has come is waited for until it changes, and then taken as it is") {
  settling burst;
  burst.begun(start);
  CHECK(burst.settles_at() == deadline::at(start + 2s));
  burst.begun(start + 1s);
  CHECK(burst.settles_at() == deadline::at(start + 2s));
  burst.changed(start + 1500ms);
  CHECK(burst.settles_at() == deadline::at(start + 1750ms));
}

TEST_CASE("a file that comes while a change settles prolongs it") {
  settling burst;
  burst.changed(start);
  burst.begun(start + 200ms);
  CHECK(burst.settles_at() == deadline::at(start + 450ms));
}
