#include "dispatch/disk_balance.hpp"

#include <algorithm>

namespace statefund::dispatch {

namespace {

std::uint64_t message_bytes(message::typed_value const& value) {
  return message::message_overhead_bytes + value.size_bytes();
}

std::uint64_t state_bytes(std::string const& name, std::optional<message::stored_value> const& value) {
  return value ? name.size() + value->value.size_bytes() : 0;
}

std::uint64_t carried_bytes(message::state_values const& carried, std::string const& name) {
  auto const& specs = *carried.specs;
  auto const found = std::find_if(specs.begin(), specs.end(), [&](auto const& spec) { return spec.name == name; });
  return state_bytes(name, carried.values[static_cast<std::size_t>(found - specs.begin())]);
}

} // namespace

disk_balance balance_of(message::change const& whole, message::batch const& taken,
                        message::state_values const& carried) {
  disk_balance all;
  for (auto const& one : taken)
    all.removed_bytes += message_bytes(one.value);
  for (auto const& one : whole.messages)
    all.added_bytes += message_bytes(one.value);
  for (auto const& one : whole.delayed_set)
    all.added_bytes += message_bytes(one.message.value) + one.cancellation_token.size();
  for (auto const& one : whole.delayed_gone)
    all.removed_bytes += message::message_overhead_bytes + one.cancellation_token.size();
  for (auto const& one : whole.egress_records)
    all.added_bytes += message_bytes(one.value);
  for (auto const& one : whole.states) {
    all.added_bytes += state_bytes(one.name, one.value);
    all.removed_bytes += carried_bytes(carried, one.name);
  }
  return all;
}

} // namespace statefund::dispatch
