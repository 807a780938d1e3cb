#pragma once

#include "module/fields.hpp"
#include "module/reader.hpp"
#include "module/spec.hpp"

#include <optional>
#include <span>
#include <string_view>
#include <variant>

namespace statefund::module {

// Private to the room: what a document or an entry of a list declares, apart from what its format wraps around it, and
// the readers of all that there is. What differs between the generations stands in a reader's name.

struct component {
  node const* at; // its kind or type
  map_reader spec;
  std::optional<map_reader> meta; // of an entry; a document has none, and its id in the spec
};

// Reads the spec to its end, and what meta holds beside the kind or type. Adds what it has read even beside errors: the
// file is refused whole anyway.
using component_reader = void (*)(component& from, specs& out);

// A name that a component is known by.
struct component_type {
  std::string_view name;
  component_reader read;
  presence spec = presence::required; // in an entry
  // Where it belongs to another format, that and what to write. It is read all the same: all errors in one go.
  std::string_view misplaced = {};
  std::string_view instead = {};
};

// Finds the known one of this name; else adds an error that says why it is refused, or that it is unknown. `what`
// stands before the name: "kind".
component_type const* choose(text_at const& name, std::string_view what, std::span<component_type const> known,
                             std::span<refused_name const> refused, error_list& errors);

void read_function_v1_0(component& from, specs& out);
void read_function_v2_0(component& from, specs& out);

void read_endpoint_v3_0(component& from, specs& out);
void read_endpoint_v1(component& from, specs& out);
void read_endpoint_v2(component& from, specs& out);

void read_kafka_ingress(component& from, specs& out);          // format "3.0" and later
void read_kafka_routable_ingress(component& from, specs& out); // formats "1.0" and "2.0"
void read_kafka_protobuf_ingress(component& from, specs& out); // the same, with routers
void read_kafka_egress(component& from, specs& out);

void read_router(component& from, specs& out);
// What is wrong between the routers and the ingresses of a file.
diagnostics check_routers(specs const& read);

void read_playground_ingress(component& from, specs& out);
void read_playground_egress(component& from, specs& out);

void read_queue_egress(component& from, specs& out);

// The end of such a reader: reads the id, and adds what it stands for to `out`.
void declare_ingress(component& from, decltype(ingress_spec::way) way, specs& out);
void declare_egress(component& from, decltype(egress_spec::way) way, specs& out);

// The formats.
void read_version_document(node const& root, specs& out, error_list& errors);
void read_kind_document(node const& root, specs& out, error_list& errors);

} // namespace statefund::module
