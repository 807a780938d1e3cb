#include "store/memory_store.hpp"
#include "unit/store/store_contract.hpp"

#include <catch2/catch.hpp>

using namespace statefund;

namespace {

std::unique_ptr<store::store> make(store_contract::chosen const& options) {
  return std::make_unique<store::memory_store>(
      store::memory_store_options{256, options.keys_max, options.dead_letters_max, options.dead_letters_bytes_max});
}

} // namespace

TEST_CASE("the memory store keeps the contract of a store") {
  store_contract::single_thread(make);
}

TEST_CASE("the memory store bounds what may pile up") {
  store_contract::bounds(make);
}

TEST_CASE("the memory store keeps one order over threads") {
  store_contract::many_threads(make);
}

TEST_CASE("the memory store keeps nothing over a restart") {
  CHECK_FALSE(make({})->keeps_over_restart());
  CHECK(make({})->partition_count() == 256);
}
