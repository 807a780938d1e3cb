#include "module/component.hpp"

#include <algorithm>
#include <vector>

namespace statefund::module {
namespace {

std::optional<text_at> find_id(component& from) {
  return (from.meta ? *from.meta : from.spec).text("id", presence::required);
}

} // namespace

component_type const* choose(text_at const& name, std::string_view what, std::span<component_type const> known,
                             std::span<refused_name const> refused, error_list& errors) {
  auto const found =
      std::find_if(known.begin(), known.end(), [&](component_type const& each) { return each.name == name.text; });
  if (found == known.end()) {
    std::vector<std::string_view> working;
    for (auto const& each : known)
      if (each.misplaced.empty())
        working.push_back(each.name);
    refuse_name(name, what, refused, working, errors);
    return nullptr;
  }
  if (!found->misplaced.empty())
    errors.add(*name.at, std::string(what) + ' ' + quoted(name.text) + ' ' + std::string(found->misplaced),
               std::string(found->instead));
  return &*found;
}

void declare_ingress(component& from, decltype(ingress_spec::way) way, specs& out) {
  if (auto const found = find_id(from))
    if (auto id = read_ingress_id(*found, "id", from.spec.errors()))
      out.ingresses.push_back({std::move(*id), std::move(way), from.spec.errors().place_of(*found->at)});
  from.spec.finish();
}

void declare_egress(component& from, decltype(egress_spec::way) way, specs& out) {
  if (auto const found = find_id(from))
    if (auto id = read_egress_id(*found, "id", from.spec.errors()))
      out.egresses.push_back({std::move(*id), std::move(way), from.spec.errors().place_of(*found->at)});
  from.spec.finish();
}

void read_queue_egress(component& from, specs& out) {
  declare_egress(from, queue_egress_spec{}, out);
}

} // namespace statefund::module
