#include "turn/conclude.hpp"

#include "error/ensure.hpp"
#include "error/planted.hpp"

#include <algorithm>
#include <chrono>
#include <limits>

namespace statefund::turn {

using message::expiration_mode;

std::string_view room_of(errc) noexcept {
  return "turn";
}

std::string_view describe(errc value) noexcept {
  switch (value) {
  case errc::state_undeclared:
    return "the function mutates a state that was not declared";
  case errc::state_type_mismatch:
    return "a state's value has another type than the one declared or stored";
  case errc::nothing_new_asked:
    return "the function asks for states, and has got all of them already";
  case errc::too_many_states:
    return "the function declares more states than limits.states_max";
  case errc::cancellation_without_token:
    return "the function cancels a delayed message without naming its cancellation token";
  case errc::delay_out_of_range:
    return "the function sends a message with a delay that is negative or above ten years";
  case errc::target_incomplete:
    return "the function sends to an address or egress with an empty part";
  case errc::states_too_large:
    return "the function's states would not fit into a request beside a message any more";
  }
  return "unknown error";
}

boost::system::error_code make_error_code(errc value) noexcept {
  return error_category::code_of(value);
}

namespace {

std::int64_t expiry_from(message::expiration const& expires, std::int64_t now_ms) {
  if (expires.mode == expiration_mode::none || expires.after.count() == 0)
    return 0;
  // A function may name a duration beyond the end of time.
  auto const after_ms = std::min(expires.after.count(), std::numeric_limits<std::int64_t>::max() - now_ms);
  return now_ms + after_ms;
}

bool types_agree(std::string const& one, std::string const& other) {
  return one.empty() || other.empty() || one == other;
}

error type_mismatch(std::string const& state, std::string const& found, std::string const& expected,
                    std::string_view where) {
  return {errc::state_type_mismatch,
          "state '" + state + "' has a value of type '" + found + "', " + std::string(where) + " '" + expected + "'"};
}

std::size_t index_of(message::state_specs const& specs, std::string const& name) {
  auto const found = std::find_if(specs.begin(), specs.end(), [&](auto const& spec) { return spec.name == name; });
  return static_cast<std::size_t>(found - specs.begin());
}

result<void> mutate_states(turn_facts const& known, std::vector<message::state_mutation>& mutations,
                           std::vector<message::state_change>& into) {
  auto const& specs = *known.states.specs;
  std::vector<bool> mutated(specs.size(), false);
  for (auto& mutation : mutations) {
    std::size_t const i = index_of(specs, mutation.name);
    if (i == specs.size())
      return error{errc::state_undeclared, "state '" + mutation.name + "'"};
    mutated[i] = true;
    if (!mutation.value) {
      into.push_back({mutation.name, std::nullopt});
      continue;
    }
    if (!types_agree(mutation.value->type_name, specs[i].type_name))
      return type_mismatch(mutation.name, mutation.value->type_name, specs[i].type_name, "declared as");
    if (auto const& stored = known.states.values[i];
        stored && !types_agree(mutation.value->type_name, stored->value.type_name))
      return type_mismatch(mutation.name, mutation.value->type_name, stored->value.type_name, "stored as");
    into.push_back({mutation.name,
                    message::stored_value{std::move(*mutation.value), expiry_from(specs[i].expires, known.now_ms)}});
  }
  for (std::size_t i = 0; i < specs.size(); ++i) {
    auto const& stored = known.states.values[i];
    if (mutated[i])
      continue;
    if (std::find(known.expired_names.begin(), known.expired_names.end(), specs[i].name) != known.expired_names.end()) {
      into.push_back({specs[i].name, std::nullopt});
    } else if (stored && specs[i].expires.mode == expiration_mode::after_invoke) {
      auto const moved = expiry_from(specs[i].expires, known.now_ms);
      auto const moved_by = std::max(moved, stored->expires_at_ms) - std::min(moved, stored->expires_at_ms);
      if (moved != 0 && moved_by > specs[i].expires.after.count() / 100)
        into.push_back({specs[i].name, message::stored_value{stored->value, moved}});
    }
  }
  return {};
}

// Of the values; what stands around them is small beside what they can grow to.
result<void> check_growth(turn_facts const& known, std::vector<message::state_change> const& changes) {
  std::int64_t growth = 0;
  for (auto const& each : changes) {
    auto const& stored = known.states.values[index_of(*known.states.specs, each.name)];
    growth += each.value ? static_cast<std::int64_t>(each.value->value.size_bytes()) : 0;
    growth -= stored ? static_cast<std::int64_t>(stored->value.size_bytes()) : 0;
  }
  if (growth > 0 && growth > known.growth_bytes_max)
    return error{errc::states_too_large, "they grow by " + std::to_string(growth) + " bytes, and there is room for " +
                                             std::to_string(std::max<std::int64_t>(0, known.growth_bytes_max))};
  return {};
}

result<void> check_target(message::address const& target) {
  if (target.type.name_space.empty() || target.type.name.empty() || target.id.empty())
    return error{errc::target_incomplete, '\'' + to_text(target) + '\''};
  return {};
}

result<void> apply_delayed(turn_facts const& known, message::invocation_result& asked, message::change& into) {
  // A token's last cancellation takes with it what was set before.
  std::unordered_map<std::string, std::size_t> cancelled_at;
  for (std::size_t i = 0; i < asked.delayed.size(); ++i)
    if (auto const* const cancel = std::get_if<message::delayed_cancel>(&asked.delayed[i]))
      cancelled_at[cancel->cancellation_token] = i;
  for (std::size_t i = 0; i < asked.delayed.size(); ++i) {
    auto& entry = asked.delayed[i];
    if (auto* const send = std::get_if<message::delayed_send>(&entry)) {
      if (send->delay_ms < 0 || send->delay_ms > message::delay_max.count())
        return error{errc::delay_out_of_range, std::to_string(send->delay_ms) + " ms to " + to_text(send->target)};
      if (auto const fit = check_target(send->target); !fit)
        return fit.error();
      auto const cancelled = cancelled_at.find(send->cancellation_token);
      if (cancelled == cancelled_at.end() || cancelled->second < i)
        into.delayed_set.push_back({known.now_ms + send->delay_ms,
                                    std::move(send->cancellation_token),
                                    {std::move(send->target), known.self, std::move(send->value)}});
      continue;
    }
    auto const& token = std::get<message::delayed_cancel>(entry).cancellation_token;
    if (token.empty())
      return error{errc::cancellation_without_token, {}};
    if (!known.delayed || cancelled_at.at(token) != i)
      continue;
    if (auto const pending = known.delayed->find(token); pending != known.delayed->end())
      for (auto const& row : pending->second)
        into.delayed_gone.push_back({row, token});
  }
  return {};
}

result<verdict> judge(turn_facts const& known, message::missing_states missing) {
  auto const& carried = *known.states.specs;
  bool const new_asked = std::any_of(missing.specs.begin(), missing.specs.end(), [&](auto const& asked) {
    return std::find(carried.begin(), carried.end(), asked) == carried.end();
  });
  if (!new_asked)
    return error{errc::nothing_new_asked,
                 missing.specs.empty() ? "it names none" : "it names '" + missing.specs.front().name + "'"};
  if (auto const learned = learn(carried, missing, known.states_max); !learned)
    return learned.error();
  return verdict(std::move(missing));
}

result<verdict> judge(turn_facts const& known, message::invocation_result asked) {
  message::change whole;
  whole.self = known.self;
  whole.consumed.reserve(known.taken.size());
  for (auto const& one : known.taken)
    whole.consumed.push_back(one.key);
  if (auto const done = mutate_states(known, asked.mutations, whole.states); !done)
    return done.error();
  if (auto const fit = check_growth(known, whole.states); !fit)
    return fit.error();
  whole.messages.reserve(asked.messages.size());
  for (auto& message : asked.messages) {
    if (auto const fit = check_target(message.target); !fit)
      return fit.error();
    whole.messages.push_back({std::move(message.target), known.self, std::move(message.value)});
  }
  if (auto const done = apply_delayed(known, asked, whole); !done)
    return done.error();
  whole.egress_records.reserve(asked.egresses.size());
  for (auto& message : asked.egresses) {
    if (message.egress.name_space.empty() || message.egress.name.empty())
      return error{errc::target_incomplete, '\'' + to_text(message.egress) + '\''};
    whole.egress_records.push_back({std::move(message.egress), std::move(message.value)});
  }
  return verdict(std::move(whole));
}

} // namespace

result<verdict> conclude(turn_facts const& known, message::reply answer) {
  ensure(known.states.specs && known.states.specs->size() == known.states.values.size(),
         "a call carries one value, or none, for each spec");
  return std::visit([&](auto& given) { return judge(known, std::move(given)); }, answer);
}

std::vector<std::string> take_out_expired(message::state_values& states, std::int64_t now_ms) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < states.values.size(); ++i)
    if (auto& value = states.values[i]; value && value->expires_at_ms != 0 && value->expires_at_ms <= now_ms) {
      value.reset();
      if (!test_only::is_planted(test_only::mistake::expired_stays))
        names.push_back((*states.specs)[i].name);
    }
  return names;
}

result<void> check_types(message::state_values const& states) {
  for (std::size_t i = 0; i < states.values.size(); ++i) {
    auto const& spec = (*states.specs)[i];
    if (states.values[i] && !types_agree(states.values[i]->value.type_name, spec.type_name))
      return type_mismatch(spec.name, states.values[i]->value.type_name, spec.type_name, "declared as");
  }
  return {};
}

result<message::state_specs> learn(message::state_specs const& known, message::missing_states const& missing,
                                   std::size_t states_max) {
  message::state_specs all = known;
  for (auto const& asked : missing.specs) {
    std::size_t const i = index_of(all, asked.name);
    if (i == all.size())
      all.push_back(asked);
    else
      all[i] = asked;
  }
  if (all.size() > states_max)
    return error{errc::too_many_states, "the limit is " + std::to_string(states_max)};
  return all;
}

} // namespace statefund::turn
