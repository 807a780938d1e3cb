// The playground's ports.
//
//   ingress: {port: 8090}
//   egress: {port: 8091, topics: [greetings]}

#include "module/component.hpp"

namespace statefund::module {
namespace {

std::uint16_t read_port(map_reader& spec) {
  return static_cast<std::uint16_t>(read_number(spec, "port", 1, 65535, presence::required).value_or(0));
}

} // namespace

void read_playground_ingress(component& from, specs& out) {
  playground_ingress_spec const made{read_port(from.spec)};
  from.spec.finish();
  out.ingresses.push_back(
      {{std::string(playground_namespace), "ingress"}, made, from.spec.errors().place_of(*from.at)});
}

void read_playground_egress(component& from, specs& out) {
  error_list& errors = from.spec.errors();
  playground_egress_spec made{read_port(from.spec), {}};
  for (auto const& topic : read_texts(from.spec, "topics", "topic"))
    made.topics.emplace_back(topic.text);
  from.spec.finish();
  out.egresses.push_back({{std::string(playground_namespace), "egress"}, std::move(made), errors.place_of(*from.at)});
}

} // namespace statefund::module
