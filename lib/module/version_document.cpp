// Formats "1.0" and "2.0": one document for the whole module.
//
//   version: "2.0"
//   module: {meta: {type: remote}, spec: {functions: [...], ingresses: [...], egresses: [...], routers: [...]}}
//
// An entry of these lists is `- function: {meta: ..., spec: ...}`, or, as the published documentation indents it, a
// `function:` without a value with `meta` and `spec` beside it.

#include "module/fields.hpp"
#include "module/number.hpp"

#include <array>

namespace statefund::module {
namespace {

enum class format { v1_0, v2_0 };

constexpr std::array ingress_types{
    refused_name{"statefun.kafka.io/routable-protobuf-ingress", not_in_this_version, ""},
    refused_name{"statefun.kafka.io/protobuf-ingress", not_in_this_version, ""},
    refused_name{"statefun.kinesis.io/routable-protobuf-ingress", not_ever,
                 "read the stream with a program of your own and send its records to the ingress socket"},
};
constexpr std::array egress_types{
    refused_name{"statefun.kafka.io/generic-egress", not_in_this_version, ""},
    refused_name{"statefun.kinesis.io/generic-egress", not_ever,
                 "declare the egress with type statefund.io/queue and forward its records with a program of your own"},
};
constexpr std::array router_types{
    refused_name{"org.apache.flink.statefun.sdk/protobuf-router", not_in_this_version, ""},
};
constexpr std::array function_kinds{
    refused_name{"grpc", not_ever, "serve the function over HTTP and write kind: http"},
};
constexpr std::string_view queue_type = "statefund.io/queue";
constexpr std::string_view http_kind = "http";

constexpr timeout_keys keys{"timeout", "connectTimeout", "readTimeout", "writeTimeout"};

// The map that holds `meta` and `spec`, in either indentation.
std::optional<map_reader> open_entry(node const& item, std::string_view word, error_list& errors) {
  std::string const what = "an entry of this list";
  auto outer = map_reader::open(item, what, errors);
  if (!outer)
    return std::nullopt;
  node const* const inner = item.find(word);
  if (!inner) {
    std::string const hint =
        item.entries.size() == 1 ? nearest_hint(item.entries.front().key->text, {std::string(word)}) : "";
    errors.add(item, what + " has no " + quoted(word) + "; expected that key", hint);
    return std::nullopt;
  }
  outer->accept(word);
  if (inner->kind == node_kind::null)
    return outer;
  outer->finish();
  return map_reader::open(*inner, quoted(word), errors);
}

void read_states(map_reader& spec, format as, function_spec& into);

void read_function(node const& item, format as, specs& out, error_list& errors) {
  auto entry = open_entry(item, "function", errors);
  if (!entry)
    return;
  auto meta = entry->map("meta", "a function's meta", presence::required);
  auto spec = entry->map("spec", "a function's spec", presence::required);
  entry->finish();
  function_spec made;
  made.speaks = protocol::v2;
  made.pool_ttl = std::chrono::seconds(15);
  bool is_http = true;
  bool has_type = false;
  if (meta) {
    if (auto const kind = meta->text("kind", presence::required); kind && lower_case(kind->text) != http_kind) {
      std::string const name = lower_case(kind->text);
      refuse_name({name, kind->at}, "kind", function_kinds, std::array{http_kind}, errors);
      is_http = false;
    }
    if (auto const type = meta->text("type", presence::required))
      if (auto pattern = read_function_type(*type, "type", errors)) {
        made.functions = std::move(*pattern);
        made.where = errors.place_of(*type->at);
        has_type = true;
      }
    meta->finish();
  }
  if (!spec || !is_http) // another kind has keys of its own
    return;
  read_endpoint(*spec, "endpoint", made);
  read_states(*spec, as, made);
  read_batch_max(*spec, made);
  given_timeouts given;
  read_timeouts(*spec, keys, given);
  made.timeouts = settle(given, blocking_defaults, keys, errors);
  read_failure_policy(*spec, made);
  spec->finish();
  if (has_type)
    out.functions.push_back(std::move(made));
}

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
  bool const after_write = read_word(*state, "expireMode", modes) == 1U;
  state->finish();
  if (expires.after.count() != 0)
    expires.mode = after_write ? message::expiration_mode::after_write : message::expiration_mode::after_invoke;
  if (!name)
    return std::nullopt;
  return named_state{{std::string(name->text), {}, expires}, name->at};
}

void read_states(map_reader& spec, format as, function_spec& into) {
  error_list& errors = spec.errors();
  std::vector<named_state> read;
  for (node const* const item : spec.list("states")) {
    if (as == format::v2_0 && item->kind == node_kind::scalar) {
      errors.add(*item, "a state is " + quoted(item->text) + "; expected a map, as in \"name: seen_count\"",
                 "format \"1.0\" lists names alone");
      continue;
    }
    if (as == format::v1_0 && item->kind != node_kind::scalar) {
      errors.add(*item, "a state is " + std::string(to_string(item->kind)) + "; expected its name alone",
                 "format \"2.0\" has expireAfter and expireMode");
      continue;
    }
    if (as == format::v1_0)
      read.push_back({{item->text, {}, {}}, item});
    else if (auto state = read_state(*item, errors))
      read.push_back(std::move(*state));
  }
  for (std::size_t i = 0; i < read.size(); ++i) {
    auto const& [state, at] = read[i];
    if (state.name.empty())
      errors.add(*at, "a state's name is empty; expected at least one character");
    for (std::size_t j = 0; j < i; ++j)
      if (read[j].spec.name == state.name) {
        errors.add(*at, "the state " + quoted(state.name) + " is declared already at " +
                            to_string(errors.place_of(*read[j].at)) + "; expected it once");
        break;
      }
  }
  for (auto& each : read)
    into.states.push_back(std::move(each.spec));
}

void read_egress(node const& item, specs& out, error_list& errors) {
  auto entry = open_entry(item, "egress", errors);
  if (!entry)
    return;
  auto meta = entry->map("meta", "an egress's meta", presence::required);
  auto const type = meta ? meta->text("type", presence::required) : std::nullopt;
  if (!type)
    return;
  if (type->text != queue_type)
    return refuse_name(*type, "egress type", egress_types, std::array{queue_type}, errors);
  auto const id = meta->text("id", presence::required);
  meta->finish();
  entry->accept("spec"); // a queue has nothing to say there
  if (node const* const spec = entry->self().find("spec"); spec && spec->kind != node_kind::null)
    if (auto empty = map_reader::open(*spec, "a queue's spec", errors))
      empty->finish();
  entry->finish();
  if (!id)
    return;
  if (auto read = read_egress_id(*id, "id", errors))
    out.egresses.push_back({std::move(*read), queue_egress_spec{}, errors.place_of(*id->at)});
}

// Entries of a list of which no type works.
void refuse_entries(std::vector<node const*> const& items, std::string_view word, std::span<refused_name const> types,
                    error_list& errors) {
  for (node const* const item : items)
    if (auto entry = open_entry(*item, word, errors))
      if (auto meta = entry->map("meta", quoted(word) + "'s meta", presence::required))
        if (auto const type = meta->text("type", presence::required))
          refuse_name(*type, std::string(word) + " type", types, {}, errors);
}

} // namespace

void read_version_document(node const& root, specs& out, error_list& errors) {
  map_reader document(root, "the document", errors);
  auto const version = document.text("version", presence::required);
  if (!version)
    return;
  if (version->text == "3.0")
    return errors.add(*version->at, "format \"3.0\" " + std::string(not_in_this_version),
                      "write each endpoint as a document of its own, with kind: io.statefun.endpoints.v1/http");
  if (version->text != "1.0" && version->text != "2.0")
    return errors.add(*version->at, "format " + quoted(version->text) + " is unknown; expected \"1.0\" or \"2.0\"");
  format const as = version->text == "1.0" ? format::v1_0 : format::v2_0;

  auto module = document.map("module", "\"module\"", presence::required);
  document.finish();
  if (!module)
    return;
  if (auto meta = module->map("meta", "the module's meta", presence::required)) {
    auto const type = meta->text("type", presence::required);
    meta->finish();
    if (type && lower_case(type->text) == "embedded")
      return errors.add(*type->at, "module type \"embedded\" " + std::string(not_in_this_version));
    if (type && lower_case(type->text) != "remote")
      errors.add(*type->at, "module type " + quoted(type->text) + " is unknown; expected remote");
  }
  auto spec = module->map("spec", "the module's spec", presence::required);
  module->finish();
  if (!spec)
    return;
  for (node const* const item : spec->list("functions"))
    read_function(*item, as, out, errors);
  for (node const* const item : spec->list("egresses"))
    read_egress(*item, out, errors);
  refuse_entries(spec->list("ingresses"), "ingress", ingress_types, errors);
  refuse_entries(spec->list("routers"), "router", router_types, errors);
  spec->finish();
}

} // namespace statefund::module
