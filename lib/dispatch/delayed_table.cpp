#include "dispatch/delayed_table.hpp"

namespace statefund::dispatch {

bool delayed_table::add(entry one) {
  if (by_key_.contains(one.key))
    return false;
  if (!one.set.cancellation_token.empty())
    by_owner_[one.owner].emplace(one.set.cancellation_token, one.key);
  auto const key = one.key;
  auto const due_ms = one.set.due_ms;
  auto const place = by_due_.emplace(std::pair(due_ms, key), std::move(one)).first;
  by_key_.emplace(key, place);
  return true;
}

void delayed_table::remove(message::address const& owner, message::entry_key const& key) {
  auto const found = by_key_.find(key);
  if (found == by_key_.end())
    return;
  if (auto const own = by_owner_.find(owner); own != by_owner_.end()) {
    auto const [first, last] = own->second.equal_range(found->second->second.set.cancellation_token);
    for (auto pending = first; pending != last; ++pending)
      if (pending->second == key) {
        own->second.erase(pending);
        break;
      }
    if (own->second.empty())
      by_owner_.erase(own);
  }
  by_due_.erase(found->second);
  by_key_.erase(found);
}

turn::pending_delayed const* delayed_table::of(message::address const& owner) const {
  auto const found = by_owner_.find(owner);
  return found == by_owner_.end() ? nullptr : &found->second;
}

std::optional<std::int64_t> delayed_table::earliest_due_ms() const {
  return by_due_.empty() ? std::nullopt : std::optional(by_due_.begin()->first.first);
}

} // namespace statefund::dispatch
