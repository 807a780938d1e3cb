// Documents of `kind` and `spec`, one thing each.

#include "module/component.hpp"

#include <array>

namespace statefund::module {
namespace {

constexpr std::array kinds{
    component_type{"io.statefun.endpoints.v1/http", read_endpoint_v1},
    component_type{"io.statefun.endpoints.v2/http", read_endpoint_v2},
    component_type{"io.statefun.kafka.v1/ingress", read_kafka_ingress},
    component_type{"io.statefun.kafka.v1/egress", read_kafka_egress},
    component_type{"io.statefun.playground.v1/ingress", read_playground_ingress},
    component_type{"io.statefun.playground.v1/egress", read_playground_egress},
    component_type{"statefund.egress.v1/queue", read_queue_egress},
};
constexpr std::array refused_kinds{
    refused_name{"io.statefun.kinesis.v1/ingress", not_ever,
                 "read the stream with a program of your own and send its records to the ingress socket"},
    refused_name{"io.statefun.kinesis.v1/egress", not_ever,
                 "declare the egress with kind: statefund.egress.v1/queue and forward its records with a program of "
                 "your own"},
};

} // namespace

void read_kind_document(node const& root, specs& out, error_list& errors) {
  if (root.find("apiVersion"))
    return errors.add(root, "the document is a Kubernetes manifest, which is no module file",
                      "put what stands under its data into a file of its own");
  if (!root.find("kind"))
    return errors.add(root, "the document has neither \"kind\" nor \"version\"; expected one of them");
  map_reader document(root, "the document", errors);
  auto const kind = document.text("kind");
  auto const* const known = kind ? choose(*kind, "kind", kinds, refused_kinds, errors) : nullptr;
  if (!known)
    return;
  auto spec = document.map("spec", "the spec of " + std::string(kind->text), presence::required);
  document.finish();
  if (!spec)
    return;
  component made{kind->at, std::move(*spec), std::nullopt};
  known->read(made, out);
}

} // namespace statefund::module
