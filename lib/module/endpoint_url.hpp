#pragma once

#include "error/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace statefund::module {

enum class scheme {
  http,       // HTTP/1.1 over TCP
  https,      // over TLS
  http_unix,  // over a unix socket
  https_unix, // over TLS over a unix socket
};

std::string_view to_string(scheme value) noexcept;

// Where a function is called, in parts. For the unix schemes `host` is empty and `port` 0, else `socket_path` is empty.
struct endpoint_url {
  scheme over = scheme::http;
  std::string host;        // a name, an IPv4 address, or an IPv6 address without its brackets
  std::uint16_t port = 0;  // 80 or 443 unless given
  std::string socket_path; // absolute, percent-decoded, at most 107 bytes
  std::string target;      // what the request line carries: path and query, beginning with '/'

  bool is_unix() const noexcept { return over == scheme::http_unix || over == scheme::https_unix; }
  bool is_tls() const noexcept { return over == scheme::https || over == scheme::https_unix; }
  // What the Host header carries: "host", "host:8080", "[::1]:8080"; "localhost" for the unix schemes.
  std::string authority() const;

  bool operator==(endpoint_url const&) const = default;
};

std::string to_string(endpoint_url const& value);

// A host's name, or an IPv4 address.
bool is_host(std::string_view text);

// An endpoint in which `{function.name}` may stand: in the host, in the socket's path, in path and query.
struct endpoint_template {
  endpoint_url url;

  bool has_placeholder() const noexcept;
  // Every placeholder replaced by the function's name: percent-encoded in paths and query, so that no name adds a path
  // component; as it is in the host, where only letters, digits, '-', '_' and '.' are taken.
  // errc::endpoint_invalid: the name does not fit ("." and ".." fit no path), or the socket's path becomes too long.
  result<endpoint_url> for_name(std::string_view function_name) const;

  bool operator==(endpoint_template const&) const = default;
};

// Reads http://host[:port][/path][?query], the same with https, and http+unix:///path/of/name.sock[/path][?query], the
// same with https+unix: the socket's file ends at the first component that ends in ".sock".
// errc::endpoint_invalid: anything else, with the text quoted in the detail.
result<endpoint_template> parse_endpoint(std::string_view text);

} // namespace statefund::module
