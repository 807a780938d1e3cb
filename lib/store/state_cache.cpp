#include "store/state_cache.hpp"

#include "error/planted.hpp"

#include <algorithm>

namespace statefund::store {

namespace {

constexpr std::uint64_t entry_overhead_bytes = 250;
constexpr std::uint64_t slot_overhead_bytes = 150;
// Pinned entries that are passed over in search of one that may go.
constexpr int passed_over_max = 16;

} // namespace

state_cache::~state_cache() {
  for (auto const& [self, own] : by_address_)
    budget_.bytes -= own.bytes;
}

std::optional<message::stored_value> const* state_cache::find(message::address const& self, std::string const& name) {
  auto const found = by_address_.find(self);
  if (found == by_address_.end())
    return nullptr;
  auto& own = found->second;
  by_use_.splice(by_use_.begin(), by_use_, own.place);
  auto const held = std::find_if(own.slots.begin(), own.slots.end(), [&](slot const& one) { return one.name == name; });
  return held == own.slots.end() ? nullptr : &held->value;
}

state_cache::entry& state_cache::open(message::address const& self) {
  auto const [found, is_new] = by_address_.try_emplace(self);
  auto& own = found->second;
  if (is_new)
    own.place = by_use_.insert(by_use_.begin(), &*found);
  else
    by_use_.splice(by_use_.begin(), by_use_, own.place);
  return own;
}

void state_cache::measure(entry& own) {
  auto bytes = entry_overhead_bytes;
  for (auto const& one : own.slots)
    bytes += slot_overhead_bytes + one.name.size() + (one.value ? one.value->value.size_bytes() : 0);
  budget_.bytes += bytes - own.bytes;
  own.bytes = bytes;
}

void state_cache::changed(message::address const& self, std::vector<message::state_change> const& states,
                          std::uint64_t number) {
  auto& own = open(self);
  for (auto const& change : states) {
    auto const held =
        std::find_if(own.slots.begin(), own.slots.end(), [&](slot const& one) { return one.name == change.name; });
    if (held == own.slots.end())
      own.slots.push_back({change.name, change.value});
    else
      held->value = change.value;
  }
  if (own.last_change == 0 || !test_only::is_planted(test_only::mistake::evict_by_older_mark))
    own.last_change = number;
  measure(own);
}

std::optional<message::stored_value> const& state_cache::was_read(message::address const& self, std::string const& name,
                                                                  std::optional<message::stored_value> value) {
  auto& own = open(self);
  auto const held = std::find_if(own.slots.begin(), own.slots.end(), [&](slot const& one) { return one.name == name; });
  if (held != own.slots.end())
    return held->value;
  own.slots.push_back({name, std::move(value)});
  measure(own);
  return own.slots.back().value;
}

void state_cache::evict(std::uint64_t written_through) {
  int passed_over = 0;
  for (auto next = by_use_.end();
       budget_.bytes > budget_.bytes_max && next != by_use_.begin() && passed_over < passed_over_max;) {
    --next;
    auto const& [self, own] = **next;
    if (own.last_change > written_through) {
      ++passed_over;
      continue;
    }
    budget_.bytes -= own.bytes;
    next = by_use_.erase(next);
    by_address_.erase(self);
  }
}

} // namespace statefund::store
