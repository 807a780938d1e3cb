// Formats "1.0", "2.0" and "3.0": one document for the whole module.
//
//   version: "2.0"
//   module: {meta: {type: remote}, spec: {functions: [...], ingresses: [...], egresses: [...], routers: [...]}}
//
// "3.0" has `endpoints` in the place of `functions`, and no routers. An entry of these lists is
// `- function: {meta: ..., spec: ...}`, or, as the published documentation indents it, a `function:` without a value
// with `meta` and `spec` beside it.

#include "module/component.hpp"
#include "module/number.hpp"

#include <algorithm>
#include <array>

namespace statefund::module {
namespace {

// What a list of the module holds: components by the names that they have in lower case.
struct section {
  std::string_view list;
  std::string_view word; // the key of an entry
  std::string_view a_word;
  std::string_view type_key; // in meta
  std::span<component_type const> known;
  std::span<refused_name const> refused;
};

constexpr std::string_view kinesis_ingress = "read the stream with a program of your own and send its records to the "
                                             "ingress socket";
constexpr std::string_view kinesis_egress = "declare the egress with type statefund.io/queue and forward its records "
                                            "with a program of your own";
constexpr std::string_view in_older_formats = "belongs to formats \"1.0\" and \"2.0\"";
constexpr std::string_view in_format_3_0 = "belongs to format \"3.0\"";

constexpr std::array functions_v1_0{component_type{"http", read_function_v1_0}};
constexpr std::array functions_v2_0{component_type{"http", read_function_v2_0}};
constexpr std::array endpoints_v3_0{component_type{"http", read_endpoint_v3_0}};
constexpr std::array refused_functions{
    refused_name{"grpc", not_ever, "serve the function over HTTP and write kind: http"},
};

constexpr std::array ingresses{
    component_type{"statefun.kafka.io/routable-protobuf-ingress", read_kafka_routable_ingress},
    component_type{"statefun.kafka.io/protobuf-ingress", read_kafka_protobuf_ingress},
    component_type{"io.statefun.kafka/ingress", read_kafka_ingress, presence::required, in_format_3_0,
                   "write statefun.kafka.io/routable-protobuf-ingress"},
};
constexpr std::array ingresses_v3_0{
    component_type{"io.statefun.kafka/ingress", read_kafka_ingress},
    component_type{"statefun.kafka.io/routable-protobuf-ingress", read_kafka_routable_ingress, presence::required,
                   in_older_formats, "write io.statefun.kafka/ingress"},
    component_type{"statefun.kafka.io/protobuf-ingress", read_kafka_protobuf_ingress, presence::required,
                   in_older_formats, "write io.statefun.kafka/ingress"},
};
constexpr std::array refused_ingresses{
    refused_name{"statefun.kinesis.io/routable-protobuf-ingress", not_ever, kinesis_ingress},
    refused_name{"io.statefun.kinesis/ingress", not_ever, kinesis_ingress},
};

constexpr std::array egresses{
    component_type{"statefun.kafka.io/generic-egress", read_kafka_egress},
    component_type{"statefund.io/queue", read_queue_egress, presence::optional},
    component_type{"io.statefun.kafka/egress", read_kafka_egress, presence::required, in_format_3_0,
                   "write statefun.kafka.io/generic-egress"},
};
constexpr std::array egresses_v3_0{
    component_type{"io.statefun.kafka/egress", read_kafka_egress},
    component_type{"statefund.io/queue", read_queue_egress, presence::optional},
    component_type{"statefun.kafka.io/generic-egress", read_kafka_egress, presence::required, in_older_formats,
                   "write io.statefun.kafka/egress"},
};
constexpr std::array refused_egresses{
    refused_name{"statefun.kinesis.io/generic-egress", not_ever, kinesis_egress},
    refused_name{"io.statefun.kinesis/egress", not_ever, kinesis_egress},
};

constexpr std::array routers{component_type{"org.apache.flink.statefun.sdk/protobuf-router", read_router}};

constexpr std::array format_1_0{
    section{"functions", "function", "a function", "kind", functions_v1_0, refused_functions},
    section{"ingresses", "ingress", "an ingress", "type", ingresses, refused_ingresses},
    section{"egresses", "egress", "an egress", "type", egresses, refused_egresses},
    section{"routers", "router", "a router", "type", routers, {}},
};
constexpr std::array format_2_0{
    section{"functions", "function", "a function", "kind", functions_v2_0, refused_functions},
    format_1_0[1],
    format_1_0[2],
    format_1_0[3],
};
constexpr std::array format_3_0{
    section{"endpoints", "endpoint", "an endpoint", "kind", endpoints_v3_0, refused_functions},
    section{"ingresses", "ingress", "an ingress", "type", ingresses_v3_0, refused_ingresses},
    section{"egresses", "egress", "an egress", "type", egresses_v3_0, refused_egresses},
};

struct format {
  std::string_view version;
  std::span<section const> sections;
};

constexpr std::array formats{format{"1.0", format_1_0}, format{"2.0", format_2_0}, format{"3.0", format_3_0}};

// The map that holds `meta` and `spec`, in either indentation.
std::optional<map_reader> open_entry(node const& item, std::string_view word, error_list& errors) {
  std::string const what = "an entry of this list";
  auto outer = map_reader::open(item, what, errors);
  if (!outer)
    return std::nullopt;
  node const* const inner = item.find(word);
  if (!inner) {
    bool const is_slip = item.entries.size() == 1 && nearest_of(item.entries.front().key->text, {std::string(word)});
    errors.add(item, what + " has no " + quoted(word) + "; expected that key",
               is_slip ? "did you mean " + quoted(word) + '?' : "");
    return std::nullopt;
  }
  outer->accept(word);
  if (inner->kind == node_kind::null)
    return outer;
  outer->finish();
  return map_reader::open(*inner, quoted(word), errors);
}

// Finds how an entry is read by what its meta says; without a word it is what it can only be.
component_type const* type_of(section const& in, std::optional<text_at> const& type, error_list& errors) {
  if (!type)
    return in.known.size() == 1 ? &in.known.front() : nullptr;
  std::string const what = in.type_key == "kind" ? "kind" : std::string(in.word) + " type";
  std::string const name = lower_case(type->text);
  return choose({name, type->at}, what, in.known, in.refused, errors);
}

void read_entry(section const& in, node const& item, specs& out, error_list& errors) {
  std::string const a_word(in.a_word);
  auto entry = open_entry(item, in.word, errors);
  if (!entry)
    return;
  auto meta = entry->map("meta", a_word + "'s meta", presence::required);
  auto const type = meta ? meta->text(in.type_key, presence::required) : std::nullopt;
  auto const* const known = meta ? type_of(in, type, errors) : nullptr;
  if (!known) {
    entry->accept("spec"); // what it may hold is not known
    return entry->finish();
  }
  node nothing;
  nothing.kind = node_kind::map;
  std::optional<map_reader> spec;
  node const* const given = entry->self().find("spec");
  if (known->spec == presence::optional && (!given || given->kind == node_kind::null)) {
    entry->accept("spec");
    spec.emplace(nothing, a_word + "'s spec", errors);
  } else {
    spec = entry->map("spec", a_word + "'s spec", presence::required);
  }
  entry->finish();
  if (!spec)
    return;
  component made{type ? type->at : &item, std::move(*spec), std::move(*meta)};
  known->read(made, out);
  made.meta->finish();
}

} // namespace

void read_version_document(node const& root, specs& out, error_list& errors) {
  map_reader document(root, "the document", errors);
  auto const version = document.text("version", presence::required);
  if (!version)
    return;
  auto const as =
      std::find_if(formats.begin(), formats.end(), [&](format const& each) { return each.version == version->text; });
  if (as == formats.end())
    return errors.add(*version->at,
                      "format " + quoted(version->text) + " is unknown; expected \"1.0\", \"2.0\" or \"3.0\"");

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
  for (section const& each : as->sections)
    for (node const* const item : spec->list(each.list))
      read_entry(each, *item, out, errors);
  spec->finish();
  if (errors.empty()) // else what is missed may be what is broken
    errors.add(check_routers(out));
}

} // namespace statefund::module
