// Routers of formats "1.0" and "2.0": where the messages of an ingress go.
//
//   ingress: ns/name
//   target: ns/name/{{$.field}}
//   messageType: package.Message
//   descriptorSet: /path/messages.desc

#include "module/component.hpp"

#include <algorithm>

namespace statefund::module {

void read_router(component& from, specs& out) {
  map_reader& spec = from.spec;
  error_list& errors = spec.errors();
  router_spec made;
  auto const ingress = spec.text("ingress", presence::required);
  auto id = ingress ? read_ingress_id(*ingress, "ingress", errors) : std::nullopt;
  if (auto const target = spec.text("target", presence::required)) {
    if (auto read = parse_address_template(target->text))
      made.target = std::move(*read);
    else
      errors.add(*target->at, "\"target\" is no address: " + read.error().detail);
  }
  made.schema = read_schema(spec);
  spec.finish();
  if (!id)
    return;
  made.ingress = std::move(*id);
  made.where = errors.place_of(*ingress->at);
  out.routers.push_back(std::move(made));
}

diagnostics check_routers(specs const& read) {
  diagnostics found;
  auto const is_routed = [](ingress_spec const& one) {
    auto const* const kafka = std::get_if<kafka_ingress_spec>(&one.way);
    return kafka && kafka->routed;
  };
  for (auto const& router : read.routers) {
    auto const ingress = std::find_if(read.ingresses.begin(), read.ingresses.end(),
                                      [&](ingress_spec const& each) { return each.id == router.ingress; });
    std::string const named = "the ingress " + quoted(to_text(router.ingress));
    if (ingress == read.ingresses.end())
      found.push_back({router.where, named + " is not declared; expected one of this file", {}});
    else if (!is_routed(*ingress))
      found.push_back(
          {router.where, named + " sends its records to the targets of its topics; expected one without", {}});
  }
  for (auto const& ingress : read.ingresses)
    if (is_routed(ingress) && std::none_of(read.routers.begin(), read.routers.end(),
                                           [&](router_spec const& each) { return each.ingress == ingress.id; }))
      found.push_back(
          {ingress.where, "the ingress " + quoted(to_text(ingress.id)) + " has no router; expected one", {}});
  return found;
}

} // namespace statefund::module
