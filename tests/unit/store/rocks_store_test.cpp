#include "store/rocks_store.hpp"

#include "support/event_loop.hpp"
#include "support/temporary_directory.hpp"
#include "unit/store/store_contract.hpp"

#include <catch2/catch.hpp>

using namespace statefund;

namespace {

std::unique_ptr<store::rocks_store> open(std::filesystem::path const& directory,
                                         store::rocks_store_options chosen = {}) {
  chosen.database.directory = directory;
  auto opened = store::rocks_store::open(chosen, [](error const& why) { FAIL(why.to_string()); });
  if (!opened)
    FAIL(opened.error().to_string());
  return std::move(*opened);
}

} // namespace

TEST_CASE("the rocks store keeps the contract of a store") {
  support::temporary_directory const place;
  int count = 0;
  auto const make = [&](store_contract::chosen const& options) {
    store::rocks_store_options chosen;
    chosen.keys_max = options.keys_max;
    chosen.dead_letters_max = options.dead_letters_max;
    chosen.dead_letters_bytes_max = options.dead_letters_bytes_max;
    return open(place.path() / std::to_string(count++), chosen);
  };
  SECTION("of one thread") {
    store_contract::single_thread(make);
  }
  SECTION("of bounds") {
    store_contract::bounds(make);
  }
  SECTION("of several threads") {
    store_contract::many_threads(make);
  }
}

TEST_CASE("the rocks store keeps the contract over restarts") {
  support::temporary_directory const place;
  store_contract::over_restarts([&] { return open(place.path() / "state"); });
}
