// Functions of formats "1.0" and "2.0", a type each.
//
//   endpoint: http://host/statefun
//   states: [name]                                                  "1.0"
//   states: [{name: n, expireAfter: 5min, expireMode: after-invoke}]   "2.0"
//   maxNumBatchRequests: n
//   timeout, connectTimeout, readTimeout, writeTimeout: 10s
//
// and the failure policy.

#include "module/component.hpp"
#include "module/fields.hpp"

#include <array>

namespace statefund::module {
namespace {

enum class state_list { of_names, of_maps };

constexpr timeout_keys keys{"timeout", "connectTimeout", "readTimeout", "writeTimeout"};

struct named_state {
  message::state_spec spec;
  node const* at;
};

std::optional<named_state> read_state(node const& item, error_list& errors) {
  auto state = map_reader::open(item, "a state", errors);
  if (!state)
    return std::nullopt;
  auto const name = state->text("name", presence::required);
  message::expiration expires;
  if (node const* const at = state->find("expireAfter"))
    if (auto const after = read_duration(*at, "expireAfter", errors)) {
      expires.after = std::chrono::duration_cast<std::chrono::milliseconds>(*after);
      if (expires.after != *after)
        errors.add(*at, "\"expireAfter\" is " + quoted(at->text) + "; expected whole milliseconds");
    }
  constexpr std::array<std::string_view, 2> modes{"after-invoke", "after-write"};
  auto const mode = state->text("expireMode");
  bool const after_write = mode && read_word(*mode, "expireMode", modes, errors) == 1U;
  state->finish();
  if (expires.after.count() != 0)
    expires.mode = after_write ? message::expiration_mode::after_write : message::expiration_mode::after_invoke;
  if (!name)
    return std::nullopt;
  return named_state{{std::string(name->text), {}, expires}, name->at};
}

void read_states(map_reader& spec, state_list as, function_spec& into) {
  error_list& errors = spec.errors();
  std::vector<named_state> read;
  for (node const* const item : spec.list("states")) {
    if (as == state_list::of_maps && item->kind == node_kind::scalar) {
      errors.add(*item, "a state is " + quoted(item->text) + "; expected a map, as in \"name: seen_count\"",
                 "format \"1.0\" lists names alone");
      continue;
    }
    if (as == state_list::of_names && item->kind != node_kind::scalar) {
      errors.add(*item, "a state is " + std::string(to_string(item->kind)) + "; expected its name alone",
                 "format \"2.0\" has expireAfter and expireMode");
      continue;
    }
    if (as == state_list::of_names)
      read.push_back({{item->text, {}, {}}, item});
    else if (auto state = read_state(*item, errors))
      read.push_back(std::move(*state));
  }
  unique_names names("the state", errors);
  for (auto const& [state, at] : read) {
    if (state.name.empty())
      errors.add(*at, "a state's name is empty; expected at least one character");
    names.add(state.name, *at);
  }
  for (auto& each : read)
    into.states.push_back(std::move(each.spec));
}

void read_function(component& from, state_list as, specs& out) {
  map_reader& spec = from.spec;
  function_spec made;
  made.speaks = protocol::v2;
  if (auto const found = from.meta->text("type", presence::required))
    if (auto type = read_function_type(*found, "type", spec.errors())) {
      made.functions = {std::move(type->name_space), std::move(type->name)};
      made.where = spec.errors().place_of(*found->at);
    }
  read_endpoint(spec, "endpoint", made);
  read_states(spec, as, made);
  read_batch_max(spec, made);
  given_timeouts given;
  read_timeouts(spec, keys, given);
  made.timeouts = settle(given, blocking_defaults, keys, spec.errors());
  read_failure_policy(spec, made);
  spec.finish();
  if (!made.functions.name_space.empty())
    out.functions.push_back(std::move(made));
}

} // namespace

void read_function_v1_0(component& from, specs& out) {
  read_function(from, state_list::of_names, out);
}

void read_function_v2_0(component& from, specs& out) {
  read_function(from, state_list::of_maps, out);
}

} // namespace statefund::module
