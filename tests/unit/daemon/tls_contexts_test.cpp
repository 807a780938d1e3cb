#include "daemon/tls_contexts.hpp"

#include "clock/clock.hpp"
#include "support/certificates.hpp"

#include <catch2/catch.hpp>

#include <filesystem>

using namespace statefund;
using namespace statefund::daemon;
using namespace statefund::support;

namespace {

struct desk {
  clock::moved_clock time;
  file_directory files;
  identity root = make_root("Test Root");
  identity client = make_certificate({"client", {}}, root);

  desk() {
    files.write("ca.pem", root.certificate);
    files.write("c.crt", client.certificate);
    files.write("c.key", client.key);
  }

  std::string function(std::string const& name, std::string const& url, std::string const& transport) const {
    return "---\nkind: io.statefun.endpoints.v2/http\nspec:\n  functions: ns/" + name + "\n  urlPathTemplate: " + url +
           "\n  transport: {" + transport + "}\n";
  }
  std::string trust() const { return "trust_cacerts: " + files.path("ca.pem"); }
  std::string own() const { return ", client_cert: " + files.path("c.crt") + ", client_key: " + files.path("c.key"); }

  // Four functions: two behind TLS with the same files, one with more of them, one without.
  std::shared_ptr<catalog::snapshot const> modules() const {
    auto made = catalog::snapshot::make(
        {{"m.yaml",
          function("a", "https://a.example", trust()) + function("b", "https+unix:///run/b.sock", trust()) +
              function("c", "https://c.example", trust() + own() + ", server_name: other.example") +
              function("d", "http://d.example", ""),
          {}}},
        1);
    REQUIRE(made->errors().empty());
    return made;
  }
};

module::function_spec const& spec_of(catalog::snapshot const& modules, char const* name) {
  auto const* const found = modules.find(message::function_type{"ns", name});
  REQUIRE(found != nullptr);
  return *found;
}

std::string told(tls_contexts const& read, desk const& on) {
  std::string all;
  for (auto const& [where, problem] : read.findings()) {
    all += to_string(where) + (problem.severity == endpoint::tls_severity::error ? ": error: " : ": warning: ") +
           problem.text + '\n';
  }
  auto const directory = on.files.path("");
  for (auto at = all.find(directory); at != std::string::npos; at = all.find(directory))
    all.erase(at, directory.size());
  return all;
}

endpoint::tls_options options_of(tls_contexts const& read, catalog::snapshot const& modules, char const* name) {
  auto const& spec = spec_of(modules, name);
  return read.options_of(spec, *spec.endpoint.for_name(name));
}

} // namespace

TEST_CASE("functions with the same TLS files share a context, and each expects a name of its own") {
  desk const on;
  auto const modules = on.modules();
  auto const read = tls_contexts::load(*modules, nullptr);
  CHECK(told(*read, on) == "");
  auto const a = options_of(*read, *modules, "a");
  auto const b = options_of(*read, *modules, "b");
  auto const c = options_of(*read, *modules, "c");
  CHECK(a.context != nullptr);
  CHECK(a.context == b.context);
  CHECK(a.context != c.context);
  CHECK(a.server_name == "a.example");
  CHECK(b.server_name == "localhost");
  CHECK(c.server_name == "other.example");
  CHECK(read->context_of(spec_of(*modules, "a").tls) == a.context);
  CHECK(read->context_of(spec_of(*modules, "d").tls) == nullptr);
}

TEST_CASE("what is wrong with TLS files is told at the place of every function that has them") {
  desk const on;
  auto const modules = on.modules();
  std::filesystem::remove(on.files.path("ca.pem"));
  std::filesystem::remove(on.files.path("c.key"));
  auto const read = tls_contexts::load(*modules, nullptr);
  std::string const trust = "error: \"trust_cacerts\" is \"ca.pem\", which cannot be read: No such file or directory\n";
  CHECK(told(*read, on) ==
        "m.yaml:4:14: " + trust + "m.yaml:10:14: " + trust + "m.yaml:16:14: " + trust +
            "m.yaml:16:14: error: \"client_key\" is \"c.key\", which cannot be read: No such file or "
            "directory\n");
  auto const a = options_of(*read, *modules, "a");
  CHECK(a.context == nullptr);
  CHECK(a.fault == "\"trust_cacerts\" is \"" + on.files.path("ca.pem") +
                       "\", which cannot be read: No such file or directory (SF0040)");
}

TEST_CASE("files that say the same when they are read again keep their context, others get a new one") {
  desk const on;
  auto const modules = on.modules();
  auto const before = tls_contexts::load(*modules, nullptr);
  auto const again = on.modules();
  auto const unchanged = tls_contexts::load(*again, before.get());
  CHECK(options_of(*unchanged, *again, "a").context == options_of(*before, *modules, "a").context);
  CHECK(options_of(*unchanged, *again, "c").context == options_of(*before, *modules, "c").context);
  auto const client = make_certificate({"client", {}}, on.root);
  on.files.write("c.crt", client.certificate);
  on.files.write("c.key", client.key);
  auto const changed = tls_contexts::load(*again, unchanged.get());
  CHECK(options_of(*changed, *again, "a").context == options_of(*before, *modules, "a").context);
  CHECK(options_of(*changed, *again, "c").context != nullptr);
  CHECK(options_of(*changed, *again, "c").context != options_of(*before, *modules, "c").context);
}

TEST_CASE("files that cannot be used any more keep their context, which is told, until they can") {
  desk const on;
  auto const modules = on.modules();
  auto const before = tls_contexts::load(*modules, nullptr);
  on.files.write("c.key", "half a ke");
  auto const broken = tls_contexts::load(*modules, before.get());
  CHECK(told(*broken, on) ==
        "m.yaml:16:14: error: \"client_key\" is \"c.key\", which holds no private key; expected PEM (PKCS#8), which "
        "begins with -----BEGIN PRIVATE KEY-----\n");
  auto const kept = options_of(*broken, *modules, "c").context;
  CHECK(kept == options_of(*before, *modules, "c").context);
  auto const still_broken = tls_contexts::load(*modules, broken.get());
  CHECK(options_of(*still_broken, *modules, "c").context == kept);
  on.files.write("c.key", on.client.key);
  auto const mended = tls_contexts::load(*modules, still_broken.get());
  CHECK(told(*mended, on) == "");
  CHECK(options_of(*mended, *modules, "c").context == kept);
}
