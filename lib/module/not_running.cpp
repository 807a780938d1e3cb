#include "module/not_running.hpp"

#include <algorithm>

namespace statefund::module {
namespace {

not_running of(ingress_spec const& one) {
  if (auto const* const playground = std::get_if<playground_ingress_spec>(&one.way))
    return {"the playground ingress on port " + std::to_string(playground->port), one.where,
            "no playground port is opened in this version"};
  return {"the Kafka ingress " + to_text(one.id), one.where, "Kafka is not read in this version"};
}

not_running of(egress_spec const& one) {
  if (auto const* const playground = std::get_if<playground_egress_spec>(&one.way))
    return {"the playground egress on port " + std::to_string(playground->port), one.where,
            "no playground port is opened in this version; its records are kept as a queue"};
  return {"the Kafka egress " + one.id.name_space + '/' + one.id.name, one.where,
          "Kafka is not written in this version; its records are kept as a queue"};
}

} // namespace

std::vector<not_running> not_running_of(specs const& declared) {
  std::vector<not_running> found;
  for (auto const& each : declared.ingresses)
    found.push_back(of(each));
  for (auto const& each : declared.egresses)
    if (each.kind() != egress_kind::queue)
      found.push_back(of(each));
  for (auto const& each : declared.routers)
    found.push_back(
        {"the router of the ingress " + to_text(each.ingress), each.where, "Kafka is not read in this version"});
  std::stable_sort(found.begin(), found.end(), [](not_running const& left, not_running const& right) {
    return std::pair(left.where.line, left.where.column) < std::pair(right.where.line, right.where.column);
  });
  return found;
}

} // namespace statefund::module
