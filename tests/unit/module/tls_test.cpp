// Endpoints behind TLS: schemes, files, and the name that a certificate must have.
#include "module_text.hpp"

#include <array>
#include <string>

using namespace statefund::module;

namespace {

std::string endpoint_v2(std::string const& url, std::string const& transport) {
  return "kind: io.statefun.endpoints.v2/http\nspec:\n  functions: ns/f\n  urlPathTemplate: " + url +
         "\n  transport: " + transport + "\n";
}

} // namespace

TEST_CASE("an endpoint is behind https in every format, and trusts what the system trusts") {
  auto const old = read("version: '1.0'\n"
                        "module:\n"
                        "  meta: {type: remote}\n"
                        "  spec:\n"
                        "    functions:\n"
                        "      - function:\n"
                        "          meta: {kind: http, type: a/b}\n"
                        "          spec: {endpoint: 'https://host/statefun'}\n"
                        "      - function:\n"
                        "          meta: {kind: http, type: a/c}\n"
                        "          spec: {endpoint: 'https+unix:///run/f.sock'}\n");
  CHECK(to_string(old.functions.at(0).endpoint.url) == "https://host/statefun");
  CHECK(old.functions.at(0).endpoint.url.port == 443);
  CHECK(old.functions.at(0).tls == tls_spec{});
  CHECK(old.functions.at(1).endpoint.url.socket_path == "/run/f.sock");
  CHECK(old.functions.at(1).tls == tls_spec{"", "", "", "", "localhost"});
  for (auto const* kind : {"io.statefun.endpoints.v1/http", "io.statefun.endpoints.v2/http"}) {
    INFO(kind);
    auto const specs = read("kind: " + std::string(kind) + "\nspec: {functions: a/*, urlPathTemplate: 'https://h'}\n");
    CHECK(specs.functions.at(0).endpoint.url.over == scheme::https);
    CHECK(specs.functions.at(0).tls == tls_spec{});
  }
}

TEST_CASE("a transport names the files of TLS and the name of the server") {
  auto const all =
      read(endpoint_v2("https://host", "{trust_cacerts: /t/ca.pem, client_cert: /t/c.crt, client_key: /t/c.key, "
                                       "client_key_password: /t/p, server_name: functions.example}"));
  CHECK(all.functions.at(0).tls == tls_spec{"/t/ca.pem", "/t/c.crt", "/t/c.key", "/t/p", "functions.example"});
  auto const unix = read(endpoint_v2("https+unix:///run/f.sock", "{trust_cacerts: /t/ca.pem}"));
  CHECK(unix.functions.at(0).tls == tls_spec{"/t/ca.pem", "", "", "", "localhost"});
  auto const named = read(endpoint_v2("https+unix:///run/f.sock", "{server_name: f.example}"));
  CHECK(named.functions.at(0).tls.server_name == "f.example");
  CHECK(read(endpoint_v2("http://host", "{}")).functions.at(0).tls == tls_spec{});
}

TEST_CASE("what is wrong about TLS is told key by key") {
  struct row {
    char const* url;
    char const* transport;
    char const* errors;
  };
  for (
      auto const& [url, transport, errors] : std::array{
          row{"https://h", "{trust_cacerts: 'classpath:ca.pem'}",
              "m.yaml:5:30: error: \"trust_cacerts\" is \"classpath:ca.pem\", and statefund has no class path; "
              "expected "
              "the absolute path of a file, as in /etc/statefun/file\n"},
          row{"https://h", "{client_cert: ~/c.crt, client_key: ~/c.key}",
              "m.yaml:5:28: error: \"client_cert\" is \"~/c.crt\", and the daemon has no home directory; expected the "
              "absolute path of a file, as in /etc/statefun/file\n"
              "m.yaml:5:49: error: \"client_key\" is \"~/c.key\", and the daemon has no home directory; expected the "
              "absolute path of a file, as in /etc/statefun/file\n"},
          row{"https://h", "{trust_cacerts: certs/ca.pem}",
              "m.yaml:5:30: error: \"trust_cacerts\" is \"certs/ca.pem\"; expected the absolute path of a file, as in "
              "/etc/statefun/file\n"},
          row{"https://h", "{trust_cacerts: ''}",
              "m.yaml:5:30: error: \"trust_cacerts\" is \"\"; expected the absolute path of a file, as in "
              "/etc/statefun/file\n"},
          row{"https://h", "{trust_cacerts: \"/a\\0b\"}",
              "m.yaml:5:30: error: \"trust_cacerts\" is \"/a\\x00b\", which has a control character in it; expected "
              "the absolute path of a file, as in /etc/statefun/file\n"},
          row{"https://h", "{trust_cacerts: [/ca.pem]}",
              "m.yaml:5:30: error: \"trust_cacerts\" is a list; expected text\n"},
          row{"https://h", "{client_cert: /c.crt}",
              "m.yaml:5:28: error: \"client_cert\" stands without \"client_key\"; expected that key as well\n"},
          row{"https://h", "{client_key: /c.key}",
              "m.yaml:5:27: error: \"client_key\" stands without \"client_cert\"; expected that key as well\n"},
          row{"https://h", "{client_key_password: /p}",
              "m.yaml:5:36: error: \"client_key_password\" stands without \"client_key\"; expected that key as "
              "well\n"},
          row{"https://h", "{server_name: 'https://h'}",
              "m.yaml:5:28: error: \"server_name\" is \"https://h\"; expected a host's name, as in "
              "functions.example\n"},
          row{"https://h", "{server_name: '{function.name}.svc'}",
              "m.yaml:5:28: error: \"server_name\" is \"{function.name}.svc\"; expected a host's name, as in "
              "functions.example\n"},
          row{"http://h", "{trust_cacerts: /ca.pem, server_name: h}",
              "m.yaml:5:15: error: \"trust_cacerts\" is about TLS, and the scheme of the endpoint is http; write https "
              "or https+unix there, or leave the key out\n"
              "m.yaml:5:39: error: \"server_name\" is about TLS, and the scheme of the endpoint is http; write https "
              "or https+unix there, or leave the key out\n"},
          row{"http+unix:///run/f.sock", "{client_cert: c.crt}",
              "m.yaml:5:15: error: \"client_cert\" is about TLS, and the scheme of the endpoint is http+unix; write "
              "https or https+unix there, or leave the key out\n"},
          row{"ftp://h", "{client_cert: /c.crt, client_key: /c.key}",
              "m.yaml:4:20: error: \"urlPathTemplate\" is not an endpoint: \"ftp://h\" has the unknown scheme \"ftp\"; "
              "expected one of http, https, http+unix, https+unix\n"},
      }) {
    INFO(url << ' ' << transport);
    CHECK(errors_of(endpoint_v2(url, transport)) == errors);
  }
}

TEST_CASE("formats without a transport have no keys of TLS") {
  CHECK(errors_of("kind: io.statefun.endpoints.v1/http\n"
                  "spec: {functions: a/b, urlPathTemplate: 'https://h', trust_cacerts: /ca.pem}\n") ==
        "m.yaml:2:54: error: \"trust_cacerts\" is not a key of the spec of io.statefun.endpoints.v1/http; expected one "
        "of functions, urlPathTemplate, maxNumBatchRequests, timeouts, retry, onFailure, maxConcurrentCalls, "
        "callWhen\n");
}
