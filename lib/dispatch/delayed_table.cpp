#include "dispatch/delayed_table.hpp"

namespace statefund::dispatch {

namespace {

// An entry stands in three tables and names two addresses.
constexpr std::uint64_t entry_overhead_bytes = 400;

} // namespace

std::uint64_t delayed_table::bytes_of(message::address const& owner, message::delayed_message const& set) noexcept {
  return entry_overhead_bytes + message::buffered_bytes(set.message) + size_bytes(set.message.target) +
         size_bytes(owner) + set.cancellation_token.size();
}

bool delayed_table::add(entry one) {
  auto const key = one.key;
  auto const [place, is_new] = by_key_.try_emplace(key);
  if (!is_new)
    return false;
  node& own = place->second;
  own.one = std::move(one);
  own.in = &by_due_;
  own.place = by_due_.emplace(std::pair(own.one.set.due_ms, key), &own).first;
  if (auto const& token = own.one.set.cancellation_token; !token.empty()) {
    auto& same = by_owner_[own.one.owner][token];
    own.of_token = same.insert(same.end(), {own.one.set.due_ms, key});
  }
  return true;
}

std::uint64_t delayed_table::remove(message::entry_key const& key) {
  auto const found = by_key_.find(key);
  if (found == by_key_.end())
    return 0;
  node const& own = found->second;
  auto const& [due_ms, token, message] = own.one.set;
  if (!token.empty()) {
    auto const of_owner = by_owner_.find(own.one.owner);
    auto const same = of_owner->second.find(token);
    same->second.erase(own.of_token);
    if (same->second.empty())
      of_owner->second.erase(same);
    if (of_owner->second.empty())
      by_owner_.erase(of_owner);
  }
  own.in->erase(own.place);
  if (own.in != &by_due_ && own.in->empty())
    set_aside_.erase(message.target);
  auto const bytes = bytes_of(own.one.owner, own.one.set);
  by_key_.erase(found);
  return bytes;
}

std::uint64_t delayed_table::bytes_of(message::entry_key const& key) const {
  auto const found = by_key_.find(key);
  return found == by_key_.end() ? 0 : bytes_of(found->second.one.owner, found->second.one.set);
}

turn::pending_delayed const* delayed_table::of(message::address const& owner) const {
  auto const found = by_owner_.find(owner);
  return found == by_owner_.end() ? nullptr : &found->second;
}

std::optional<std::int64_t> delayed_table::earliest_due_ms() const {
  return by_due_.empty() ? std::nullopt : std::optional(by_due_.begin()->first.first);
}

void delayed_table::set_aside_front() {
  auto handle = by_due_.extract(by_due_.begin());
  node& own = *handle.mapped();
  own.in = &set_aside_[own.one.set.message.target];
  own.place = own.in->insert(std::move(handle)).position;
}

delayed_table::entry const* delayed_table::first_for(message::address const& target) const {
  auto const found = set_aside_.find(target);
  return found == set_aside_.end() ? nullptr : &found->second.begin()->second->one;
}

} // namespace statefund::dispatch
