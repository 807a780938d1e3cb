#include "dispatch/delayed_table.hpp"

#include "error/planted.hpp"

#include <algorithm>

namespace statefund::dispatch {

namespace {

// An entry stands in three tables and names two addresses.
constexpr std::uint64_t entry_overhead_bytes = 400;

constexpr message::delayed_key before_all{INT64_MIN, {}};
constexpr message::delayed_key behind_all{INT64_MAX, {UINT64_MAX, UINT32_MAX}};

} // namespace

delayed_table::delayed_table(totals& counts, removed_rows::is_written asks, std::uint64_t bytes_max)
    : totals_(counts),
      is_written_(asks),
      bytes_max_(is_written_ ? bytes_max : UINT64_MAX),
      removed_(std::move(asks)),
      edge_(is_written_ ? before_all : behind_all),
      loaded_through_(edge_) {}

std::uint64_t delayed_table::bytes_of(message::address const& owner, message::delayed_message const& set) noexcept {
  return entry_overhead_bytes + message::buffered_bytes(set.message) + size_bytes(set.message.target) +
         size_bytes(owner) + set.cancellation_token.size();
}

void delayed_table::add(entry one) {
  totals_.delayed_count.fetch_add(1, std::memory_order_relaxed);
  insert(std::move(one));
}

void delayed_table::load(entry one) {
  bool const is_gone = removed_.contains(one.key) && !test_only::is_planted(test_only::mistake::removed_comes_back);
  if (is_gone || one.row() > edge_ || by_key_.contains(one.key))
    return;
  totals_.delayed_far_count.fetch_sub(1, std::memory_order_relaxed);
  insert(std::move(one));
}

void delayed_table::insert(entry one) {
  totals_.buffered_bytes.fetch_add(static_cast<std::int64_t>(bytes_of(one.owner, one.set)), std::memory_order_relaxed);
  node& own = by_key_[one.key];
  own.one = std::move(one);
  if (auto const& token = own.one.set.cancellation_token; !token.empty()) {
    auto& same = by_owner_[own.one.owner][token];
    own.of_token = same.insert(same.end(), own.one.row());
  }
  place(own);
}

void delayed_table::place(node& own) {
  if (own.one.row() > edge_) {
    own.in = nullptr;
    beyond_.insert(own.one.key);
    return;
  }
  own.in = &by_due_;
  own.place = by_due_.emplace(own.one.row(), &own).first;
  bytes_ += bytes_of(own.one.owner, own.one.set);
  keep_bound();
}

void delayed_table::keep_bound() {
  while (by_due_.size() > 1) {
    node& last = *by_due_.rbegin()->second;
    if (bytes_ - bytes_of(last.one.owner, last.one.set) < bytes_max_)
      return;
    leave_due_order(last);
    edge_ = by_due_.rbegin()->first;
    loaded_through_ = std::min(loaded_through_, edge_);
    place(last);
  }
}

void delayed_table::leave_due_order(node& own) {
  (own.in == &by_due_ ? bytes_ : set_aside_bytes_) -= bytes_of(own.one.owner, own.one.set);
  own.in->erase(own.place);
  if (own.in != &by_due_ && own.in->empty())
    set_aside_.erase(own.one.set.message.target);
}

void delayed_table::remove(message::entry_key const& key, store::ticket by) {
  removed_.add(key, by);
  totals_.delayed_count.fetch_sub(1, std::memory_order_relaxed);
  if (auto const found = by_key_.find(key); found != by_key_.end())
    erase(found);
  else
    totals_.delayed_far_count.fetch_sub(1, std::memory_order_relaxed);
}

void delayed_table::erase(std::unordered_map<message::entry_key, node, key_hash>::iterator which) {
  node& own = which->second;
  if (auto const& token = own.one.set.cancellation_token; !token.empty()) {
    auto const of_owner = by_owner_.find(own.one.owner);
    auto const same = of_owner->second.find(token);
    same->second.erase(own.of_token);
    if (same->second.empty())
      of_owner->second.erase(same);
    if (of_owner->second.empty())
      by_owner_.erase(of_owner);
  }
  if (own.in)
    leave_due_order(own);
  else
    beyond_.erase(own.one.key);
  totals_.buffered_bytes.fetch_sub(static_cast<std::int64_t>(bytes_of(own.one.owner, own.one.set)),
                                   std::memory_order_relaxed);
  by_key_.erase(which);
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
  return by_due_.empty() || by_due_.begin()->first > loaded_through_ ? std::nullopt
                                                                     : std::optional(by_due_.begin()->first.due_ms);
}

std::int64_t delayed_table::none_due_before_ms() const noexcept {
  auto const from = by_due_.empty() ? loaded_through_ : std::min(by_due_.begin()->first, loaded_through_);
  return from.due_ms;
}

void delayed_table::set_aside_front() {
  node& own = *by_due_.begin()->second;
  leave_due_order(own);
  own.in = &set_aside_[own.one.set.message.target];
  own.place = own.in->emplace(own.one.row(), &own).first;
  set_aside_bytes_ += bytes_of(own.one.owner, own.one.set);
}

delayed_table::entry const* delayed_table::first_for(message::address const& target) const {
  auto const found = set_aside_.find(target);
  return found == set_aside_.end() ? nullptr : &found->second.begin()->second->one;
}

bool delayed_table::wants_more(std::int64_t due_ms) const noexcept {
  return loaded_through_ < message::delayed_key{due_ms, {}} && bytes_ <= bytes_max_ / 2;
}

void delayed_table::move_edge(std::int64_t due_ms) {
  edge_ = std::max(edge_, message::delayed_key{due_ms, {}});
  std::vector<node*> come_in;
  for (auto const& key : beyond_)
    if (node& own = by_key_.at(key); own.one.row() <= edge_)
      come_in.push_back(&own);
  for (node* const own : come_in) {
    beyond_.erase(own->one.key);
    place(*own);
  }
}

std::optional<store::ticket> delayed_table::newest_beyond() const {
  return beyond_.empty() ? std::nullopt : std::optional(store::ticket(beyond_.rbegin()->number));
}

void delayed_table::let_go() {
  while (!beyond_.empty() && is_written_(store::ticket(beyond_.begin()->number))) {
    erase(by_key_.find(*beyond_.begin()));
    totals_.delayed_far_count.fetch_add(1, std::memory_order_relaxed);
  }
}

} // namespace statefund::dispatch
