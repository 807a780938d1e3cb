#include "store/table_reads.hpp"

#include "support/temporary_directory.hpp"

#include <catch2/catch.hpp>

#include <rocksdb/db.h>
#include <rocksdb/perf_context.h>

#include <memory>
#include <string>
#include <vector>

using namespace statefund;

namespace {

std::unique_ptr<store::database> open(support::temporary_directory const& place, store::latch& failed) {
  store::database_options chosen;
  chosen.directory = place.path() / "state";
  auto opened = store::database::open(chosen, failed);
  if (!opened)
    FAIL(opened.error().to_string());
  return std::move(*opened);
}

std::vector<std::string> keys_in(store::database& in, store::key_range const& range) {
  std::vector<std::string> keys;
  auto const done =
      store::scan(in, store::table::delayed_token, range, [&](std::string_view key, std::string_view) -> result<bool> {
        keys.emplace_back(key);
        return true;
      });
  REQUIRE(done.has_value());
  return keys;
}

} // namespace

TEST_CASE("keys with a prefix end before the first key behind it, whatever bytes it has") {
  support::temporary_directory const place;
  store::latch failed([](error const& why) { FAIL(why.to_string()); });
  auto const own = open(place, failed);
  std::string const nul(1, '\0');
  std::vector<std::string> const all{
      nul,         "a", "a" + nul, "a\xfe", "a\xff",    "a\xff" + nul,
      "a\xff\xff", "b", "b\xff",   "\xff",  "\xff\xff", "\xff\xff\xff",
  };
  for (auto const& key : all)
    REQUIRE(own->get().Put({}, own->family(store::table::delayed_token), key, "").ok());
  for (auto const& prefix : all) {
    std::vector<std::string> expected;
    for (auto const& key : all)
      if (key.starts_with(prefix))
        expected.push_back(key);
    CAPTURE(prefix);
    CHECK(keys_in(*own, store::keys_with(prefix)) == expected);
  }
  CHECK(keys_in(*own, {}) == all);
  CHECK(keys_in(*own, {store::behind("a"), store::behind("b")}) ==
        std::vector<std::string>{"a" + nul, "a\xfe", "a\xff", "a\xff" + nul, "a\xff\xff", "b"});
}

TEST_CASE("a scan does not walk over what was removed behind its range") {
  support::temporary_directory const place;
  store::latch failed([](error const& why) { FAIL(why.to_string()); });
  auto const own = open(place, failed);
  auto* const family = own->family(store::table::delayed_token);
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(own->get().Put({}, family, "other" + std::to_string(i), "").ok());
    REQUIRE(own->get().SingleDelete({}, family, "other" + std::to_string(i)).ok());
  }
  REQUIRE(own->get().Put({}, family, "third", "").ok());
  rocksdb::get_perf_context()->Reset();
  CHECK(keys_in(*own, store::keys_with("one")).empty());
  CHECK(keys_in(*own, {"one", store::behind("one")}).empty());
  CHECK(rocksdb::get_perf_context()->internal_delete_skipped_count == 0);
  CHECK(rocksdb::get_perf_context()->internal_key_skipped_count == 0);
}
