#include "simulation/trials.hpp"

#include <algorithm>

namespace statefund::simulation {

using message::on_failure;

std::string trials::call_begins(std::uint32_t address, policy const& of, message::batch const& taken) {
  auto& own = tried_[address];
  if (own.of.function != of.function)
    own = {};
  own.of = of;
  auto const several = own.carried.size() > 1 ? own.carried.size() : 0;
  bool const is_halved = own.last == ending::refused && several > 0;
  own.last = ending::unknown;
  own.carried.clear();
  for (auto const& one : taken)
    own.carried.push_back(one.key);
  if (own.batch.empty())
    return {};
  for (auto const& key : own.carried)
    if (!own.batch.contains(key))
      return "a batch that failed is called with what came after it";
  if (is_halved && taken.size() > several / 2)
    return "a batch that was refused is not halved";
  return {};
}

void trials::call_ends(std::uint32_t address, ending how) {
  auto& own = tried_[address];
  own.last = how;
  ++moment_;
  if (how == ending::unknown || how == ending::good)
    return;
  if (own.batch.empty()) {
    own.failing_since = moment_;
    for (auto const& key : own.carried)
      own.batch.emplace(key, 0);
  }
  if (how == ending::counted)
    for (auto const& key : own.carried)
      ++own.batch[key];
}

void trials::leaves(tried& own, message::entry_key const& key) {
  if (own.batch.erase(key) > 0)
    own.in_parts = !own.batch.empty();
  own.last = ending::unknown;
}

void trials::took_effect(std::uint32_t address, std::vector<message::entry_key> const& consumed) {
  auto& own = tried_[address];
  for (auto const& key : consumed)
    leaves(own, key);
  last_success_[own.of.function] = ++moment_;
}

void trials::left(std::uint32_t address, message::entry_key const& key) {
  leaves(tried_[address], key);
}

void trials::resumed(std::uint32_t address) {
  auto& own = tried_[address];
  if (own.carried.size() == 1)
    if (auto const found = own.batch.find(own.carried.front()); found != own.batch.end())
      found->second = 0;
}

message::entry_key const* trials::alone(std::uint32_t address) const {
  auto const& own = tried_[address];
  bool const failed = own.last == ending::refused || own.last == ending::counted;
  return failed && own.carried.size() == 1 ? &own.carried.front() : nullptr;
}

std::string trials::judge(std::uint32_t address, message::entry_key const& key, on_failure goes, room letters) const {
  auto const& own = tried_[address];
  auto const* const culprit = alone(address);
  if (!culprit || *culprit != key)
    return "a message is given up that has not failed alone";
  auto const counted = own.batch.find(key);
  auto const attempts_count = counted == own.batch.end() ? 0 : counted->second;
  if (own.last == ending::counted && (own.of.attempts_max == 0 || attempts_count < own.of.attempts_max))
    return "a message is given up before its attempts are used up";
  bool const is_full = goes == on_failure::pause && own.of.then == on_failure::dead_letter && letters == room::none;
  if (goes != own.of.then && !is_full)
    return "a message is given up in another way than its module says";
  if (own.of.then == on_failure::pause)
    return {};
  auto const success = last_success_.find(own.of.function);
  if (success == last_success_.end() || success->second < own.failing_since)
    return "a message is given up, and no other call of its type has succeeded";
  return {};
}

bool trials::is_any_in_parts() const {
  return std::any_of(tried_.begin(), tried_.end(), [](auto const& own) { return own.in_parts; });
}

} // namespace statefund::simulation
