// What a transport says about TLS: files, and whose certificate is expected.
//
//   trust_cacerts: /path/ca.pem
//   client_cert: /path/client.crt
//   client_key: /path/client.key
//   client_key_password: /path/file-holding-the-password
//   server_name: functions.example      statefund's own

#include "module/fields.hpp"

namespace statefund::module {
namespace {

constexpr std::string_view trust_cacerts = "trust_cacerts";
constexpr std::string_view client_cert = "client_cert";
constexpr std::string_view client_key = "client_key";
constexpr std::string_view client_key_password = "client_key_password";
constexpr std::string_view server_name = "server_name";

void expect_beside(map_reader& transport, std::string_view key, std::string_view other) {
  if (transport.has(key) && !transport.has(other))
    transport.errors().add(*transport.self().find(key),
                           quoted(key) + " stands without " + quoted(other) + "; expected that key as well");
}

} // namespace

void read_tls(map_reader& transport, tls_spec& into) {
  into.trust_cacerts = read_path(transport, trust_cacerts).value_or("");
  into.client_cert = read_path(transport, client_cert).value_or("");
  into.client_key = read_path(transport, client_key).value_or("");
  into.client_key_password = read_path(transport, client_key_password).value_or("");
  expect_beside(transport, client_cert, client_key);
  expect_beside(transport, client_key, client_cert);
  expect_beside(transport, client_key_password, client_key);
  auto const name = transport.text(server_name);
  if (name && is_host(name->text))
    into.server_name = name->text;
  else if (name)
    transport.errors().add(*name->at, quoted(server_name) + " is " + quoted(name->text) +
                                          "; expected a host's name, as in functions.example");
}

void refuse_tls(map_reader& transport, scheme endpoint) {
  for (std::string_view const key : {trust_cacerts, client_cert, client_key, client_key_password, server_name})
    transport.refuse(key, "is about TLS, and the scheme of the endpoint is " + std::string(to_string(endpoint)),
                     "write https or https+unix there, or leave the key out");
}

} // namespace statefund::module
