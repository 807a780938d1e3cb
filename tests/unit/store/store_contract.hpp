#pragma once

#include "store/store.hpp"
#include "support/event_loop.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace statefund::store_contract {

struct chosen {
  std::size_t keys_max = 1'000'000;
  std::size_t dead_letters_max = 100'000;
  std::uint64_t dead_letters_bytes_max = 1'000'000;
};

// A new, empty store.
using make_store = std::function<std::unique_ptr<store::store>(chosen const&)>;

// What every store must keep, whatever it is made of; run by each one's own test inside a TEST_CASE, with sections.
void single_thread(make_store const& make);

// What is bounded says so, and has room again; likewise with sections.
void bounds(make_store const& make);

// For a store that keeps over a restart. Opens it on what the one before has kept, which has ended by then; used on the
// loop.
using open_again = std::function<std::unique_ptr<store::store>(support::event_loop& loop)>;
void over_restarts(open_again const& open);

// The same order seen from several threads; for the thread sanitizer.
void many_threads(make_store const& make);

} // namespace statefund::store_contract
