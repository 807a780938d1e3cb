#include "dispatch/removed_rows.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <optional>

using namespace statefund;
using namespace statefund::dispatch;

TEST_CASE("what was removed is remembered until it is written") {
  std::uint64_t written_through = 0;
  removed_rows rows([&](store::ticket by) { return by.number() <= written_through; });
  rows.add({1, 0}, store::ticket(10));
  rows.add({1, 1}, store::ticket(11));
  CHECK(rows.contains({1, 0}));
  CHECK(rows.contains({1, 1}));
  CHECK_FALSE(rows.contains({2, 0}));
  written_through = 10;
  rows.add({2, 0}, store::ticket(12));
  CHECK_FALSE(rows.contains({1, 0}));
  CHECK(rows.contains({1, 1}));
  CHECK(rows.count() == 2);
}

TEST_CASE("a read that began before it was written still finds it, and later ones do not keep it") {
  std::uint64_t written_through = 0;
  removed_rows rows([&](store::ticket by) { return by.number() <= written_through; });
  rows.add({1, 0}, store::ticket(10));
  std::optional<removed_rows::read> first(rows);
  rows.add({2, 0}, store::ticket(11));
  written_through = 10;
  std::optional<removed_rows::read> second(rows);
  written_through = 11;
  removed_rows::read const third(rows);
  CHECK(rows.contains({1, 0}));
  first.reset();
  CHECK_FALSE(rows.contains({1, 0}));
  CHECK(rows.contains({2, 0}));
  rows.add({3, 0}, store::ticket(12));
  CHECK(rows.contains({2, 0}));
  second.reset();
  CHECK_FALSE(rows.contains({2, 0}));
  CHECK(rows.count() == 1);
}

TEST_CASE("where nothing is read nothing is remembered") {
  removed_rows rows({});
  rows.add({1, 0}, store::ticket(10));
  CHECK_FALSE(rows.contains({1, 0}));
  removed_rows::read const any(rows);
  CHECK(rows.count() == 0);
}
