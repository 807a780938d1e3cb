#include "store/state_cache.hpp"

#include <catch2/catch.hpp>

#include <optional>
#include <string>

using namespace statefund;
using namespace statefund::store;

namespace {

message::address self(int which) {
  return {{"ns", "fn"}, std::to_string(which)};
}

message::stored_value value(std::string bytes) {
  return {{"t", true, std::move(bytes)}, 0};
}

// What is known of the state "s"; absent: nothing.
std::optional<std::optional<std::string>> known(state_cache& cache, int which, std::string const& name = "s") {
  auto const* const found = cache.find(self(which), name);
  if (found == nullptr)
    return std::nullopt;
  return *found ? std::optional((*found)->value.bytes) : std::optional<std::string>();
}

std::optional<std::optional<std::string>> bytes(std::string text) {
  return std::optional<std::string>(std::move(text));
}
std::optional<std::optional<std::string>> const no_value{std::optional<std::string>()};

} // namespace

TEST_CASE("a state that was neither changed nor read is not known") {
  cache_budget budget;
  state_cache cache(budget);
  CHECK(known(cache, 1) == std::nullopt);
  cache.was_read(self(1), "s", value("a"));
  CHECK(known(cache, 1, "other") == std::nullopt);
  CHECK(known(cache, 2) == std::nullopt);
}

TEST_CASE("that a state has no value is a value") {
  cache_budget budget;
  state_cache cache(budget);
  cache.was_read(self(1), "s", std::nullopt);
  CHECK(known(cache, 1) == no_value);
  cache.changed(self(2), {{"s", value("a")}}, 1);
  cache.changed(self(2), {{"s", std::nullopt}}, 2);
  CHECK(known(cache, 2) == no_value);
}

TEST_CASE("a read that ends after a change does not replace what the change wrote") {
  cache_budget budget;
  state_cache cache(budget);
  cache.changed(self(1), {{"s", value("new")}}, 2);
  cache.was_read(self(1), "s", value("old"));
  CHECK(known(cache, 1) == bytes("new"));
  cache.changed(self(1), {{"s", std::nullopt}}, 3);
  cache.was_read(self(1), "s", value("old"));
  CHECK(known(cache, 1) == no_value);
  cache.was_read(self(1), "another", value("read"));
  CHECK(known(cache, 1, "another") == bytes("read"));
}

TEST_CASE("what cannot be read back stays, however much there is") {
  cache_budget budget{0};
  state_cache cache(budget);
  cache.changed(self(1), {{"s", value("v2")}}, 10);
  cache.changed(self(1), {{"s", value("v3")}}, 12);
  cache.evict(10); // v2 is written, v3 is not
  CHECK(known(cache, 1) == bytes("v3"));
  cache.evict(11);
  CHECK(known(cache, 1) == bytes("v3"));
  cache.evict(12);
  CHECK(known(cache, 1) == std::nullopt);
  CHECK(budget.bytes == 0);
}

TEST_CASE("a read pins nothing, but does not unpin what a change has") {
  cache_budget budget{0};
  state_cache cache(budget);
  cache.changed(self(1), {{"s", value("a")}}, 5);
  cache.was_read(self(1), "t", value("b"));
  cache.was_read(self(2), "s", value("c"));
  cache.evict(4);
  CHECK(known(cache, 1) == bytes("a"));
  CHECK(known(cache, 1, "t") == bytes("b"));
  CHECK(known(cache, 2) == std::nullopt);
}

TEST_CASE("those go first that were not used for longest, and only as many as must") {
  cache_budget budget;
  state_cache cache(budget);
  for (int i = 1; i <= 3; ++i)
    cache.was_read(self(i), "s", value("v"));
  CHECK(known(cache, 1) == bytes("v")); // used again
  budget.bytes_max = budget.bytes - 1;
  cache.evict(0);
  CHECK(known(cache, 2) == std::nullopt);
  CHECK(known(cache, 1) == bytes("v"));
  CHECK(known(cache, 3) == bytes("v"));
}

TEST_CASE("a cache stays within its budget, and gives back what it took") {
  cache_budget budget{100'000};
  {
    state_cache cache(budget);
    for (int i = 0; i < 1000; ++i) {
      cache.changed(self(i), {{"s", value(std::string(1000, 'x'))}}, static_cast<std::uint64_t>(i));
      cache.evict(static_cast<std::uint64_t>(i));
      CHECK(budget.bytes <= budget.bytes_max);
    }
    CHECK(budget.bytes > 50'000);
    CHECK(known(cache, 999).has_value());
    CHECK(known(cache, 0) == std::nullopt);
  }
  CHECK(budget.bytes == 0);
}

TEST_CASE("pinned addresses are passed over, and a few of them hide nothing behind") {
  cache_budget budget{0};
  state_cache cache(budget);
  for (int i = 0; i < 5; ++i)
    cache.changed(self(i), {{"s", value("pinned")}}, 100);
  cache.was_read(self(7), "s", value("free"));
  cache.evict(99);
  CHECK(known(cache, 7) == std::nullopt);
  for (int i = 0; i < 5; ++i)
    CHECK(known(cache, i) == bytes("pinned"));
}

TEST_CASE("caches share one budget: what one holds, another has not") {
  cache_budget budget{0};
  state_cache one(budget);
  state_cache other(budget);
  one.was_read(self(1), "s", value("v"));
  auto const held = budget.bytes.load();
  CHECK(held > 0);
  other.was_read(self(2), "s", value("v"));
  CHECK(budget.bytes == 2 * held);
  one.evict(0);
  CHECK(budget.bytes == held);
  other.evict(0);
  CHECK(budget.bytes == 0);
}
