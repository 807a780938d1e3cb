#include "module_text.hpp"

#include <array>
#include <string>

using namespace statefund::module;

namespace {

constexpr auto ingress = "      - ingress:\n"
                         "          meta: {type: statefun.kafka.io/protobuf-ingress, id: a/in}\n"
                         "          spec: {address: 'k:1', topics: [t], messageType: p.M, descriptorSet: /d/m.desc}\n";

std::string module_of(std::string const& ingresses, std::string const& routers) {
  return "version: '2.0'\nmodule:\n  meta: {type: remote}\n  spec:\n    ingresses:\n" + ingresses + "    routers:\n" +
         routers;
}

// Its spec begins in line 11.
std::string router(std::string const& spec) {
  return "      - router:\n          meta: {type: org.apache.flink.statefun.sdk/protobuf-router}\n          spec: " +
         spec + "\n";
}

} // namespace

TEST_CASE("a router sends the messages of an ingress to addresses made of them") {
  auto const declared = read(module_of(
      ingress, router("{ingress: a/in, target: 'n/f/{{$.id}}', messageType: p.M, descriptorSet: /d/m.desc}") +
                   "      - router:\n"
                   "        meta: {type: ORG.apache.flink.statefun.sdk/protobuf-router}\n"
                   "        spec: {ingress: a/in, target: n/g/all, messageType: p.M, descriptorSet: /d/m.desc}\n"));
  REQUIRE(declared.routers.size() == 2);
  CHECK(declared.routers[0] ==
        router_spec{{"a", "in"}, *parse_address_template("n/f/{{$.id}}"), {"p.M", "/d/m.desc"}, {"m.yaml", 12, 27}});
  CHECK(declared.routers[1].target == *parse_address_template("n/g/all"));
}

TEST_CASE("routers and the ingresses whose records they look into belong together") {
  auto const whole = router("{ingress: a/other, target: n/f/x, messageType: p.M, descriptorSet: /d/m.desc}");
  CHECK(errors_of(module_of(ingress, whole)) ==
        "m.yaml:7:64: error: the ingress \"a/in\" has no router; expected one\n"
        "m.yaml:12:27: error: the ingress \"a/other\" is not declared; expected one of this file\n");
  CHECK(errors_of(module_of("      - ingress:\n"
                            "          meta: {type: statefun.kafka.io/routable-protobuf-ingress, id: a/other}\n"
                            "          spec: {address: 'k:1', topics: [{topic: t, typeUrl: n/T, targets: [n/f]}]}\n",
                            whole)) ==
        "m.yaml:12:27: error: the ingress \"a/other\" sends its records to the targets of its topics; expected one "
        "without\n");
  // What could not be read may be what is missed.
  CHECK(errors_of(module_of("      - ingress:\n"
                            "          meta: {type: statefun.kafka.io/protobuf-ingress, id: other}\n"
                            "          spec: {address: 'k:1', topics: [t], messageType: p.M, descriptorSet: /d/m}\n",
                            whole)) ==
        "m.yaml:7:64: error: \"id\" is not an ingress id: \"other\" has no '/'; expected <namespace>/<name>\n");
}

TEST_CASE("a broken router is told key by key") {
  struct row {
    char const* spec;
    char const* errors;
  };
  for (auto const& [spec, errors] : std::array{
           row{"{}", "m.yaml:12:17: error: a router's spec has no \"ingress\"; expected that key\n"
                     "m.yaml:12:17: error: a router's spec has no \"target\"; expected that key\n"
                     "m.yaml:12:17: error: a router's spec has no \"messageType\"; expected that key\n"
                     "m.yaml:12:17: error: a router's spec has no \"descriptorSet\"; expected that key\n"},
           row{"{ingress: in, target: f, messageType: '', descriptorSet: m.desc, id: x}",
               "m.yaml:12:27: error: \"ingress\" is not an ingress id: \"in\" has no '/'; expected <namespace>/<name>\n"
               "m.yaml:12:39: error: \"target\" is no address: \"f\" has fewer than two '/'; expected "
               "<namespace>/<name>/<id>, as in ns/name/{{$.field}}\n"
               "m.yaml:12:55: error: \"messageType\" is empty; expected at least one character\n"
               "m.yaml:12:74: error: \"descriptorSet\" is \"m.desc\"; expected the absolute path of a file, as in "
               "/etc/statefun/file\n"
               "m.yaml:12:82: error: \"id\" is not a key of a router's spec; expected one of ingress, target, "
               "messageType, descriptorSet\n"},
           row{"{ingress: a/in, target: [a], messageType: {}, descriptorSet: '~/m.desc'}",
               "m.yaml:12:41: error: \"target\" is a list; expected text\n"
               "m.yaml:12:59: error: \"messageType\" is a map; expected text\n"
               "m.yaml:12:78: error: \"descriptorSet\" is \"~/m.desc\", and the daemon has no home directory; expected "
               "the absolute path of a file, as in /etc/statefun/file\n"},
       }) {
    INFO(spec);
    CHECK(errors_of(module_of(ingress, router(spec))) == errors);
  }
}
