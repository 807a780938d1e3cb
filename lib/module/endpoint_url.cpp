#include "module/endpoint_url.hpp"

#include "message/address.hpp"
#include "module/diagnostic.hpp"
#include "module/errc.hpp"
#include "module/number.hpp"

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>

namespace statefund::module {
namespace {

constexpr std::string_view placeholder = "{function.name}";
constexpr std::size_t socket_path_bytes_max = sizeof(sockaddr_un::sun_path) - 1;

bool is_host_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
}

std::string replaced(std::string_view text, std::string_view by) {
  std::string out;
  for (;;) {
    auto const at = text.find(placeholder);
    out += text.substr(0, at);
    if (at == std::string_view::npos)
      return out;
    out += by;
    text.remove_prefix(at + placeholder.size());
  }
}

bool is_ipv6(std::string const& text) {
  in6_addr address;
  return inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

// Reads one text; every function either fills its part of `url` or leaves a fault.
struct parser {
  std::string_view text;
  endpoint_url url;
  std::string fault;

  bool fail(std::string_view what) {
    fault = quoted(text) + std::string(what);
    return false;
  }

  bool check_characters() {
    std::string const plain = replaced(text, "name");
    for (char const c : plain) {
      auto const byte = static_cast<unsigned char>(c);
      if (c == ' ')
        return fail(" has a space in it; expected %20");
      if (byte < 0x20 || byte >= 0x7f)
        return fail(" has a control or non-ASCII character in it; expected it percent-encoded");
      if (c == '{' || c == '}')
        return fail(" has a brace that is not part of {function.name}, the only placeholder there is");
      if (c == '<' || c == '>')
        return fail(" has an angle bracket in it; expected a real name in the place of <...>");
      if (std::string_view("\"\\^`|").find(c) != std::string_view::npos)
        return fail(" has a character in it that no URL can hold; expected it percent-encoded");
      if (c == '#')
        return fail(" has a fragment; expected no '#'");
    }
    return true;
  }

  bool read_scheme(std::string_view& rest) {
    auto const colon = text.find(':');
    if (colon == std::string_view::npos || text.find('/') < colon ||
        (text.substr(colon).substr(0, 2) != ":/" && text.find("://") == std::string_view::npos))
      return fail(" has no scheme; expected one of http://, https://, http+unix:///, https+unix:///");
    std::string const name = lower_case(text.substr(0, colon));
    if (name == "http")
      url.over = scheme::http;
    else if (name == "https")
      url.over = scheme::https;
    else if (name == "http+unix")
      url.over = scheme::http_unix;
    else if (name == "https+unix")
      url.over = scheme::https_unix;
    else
      return fail(" has the unknown scheme " + quoted(name) + "; expected one of http, https, http+unix, https+unix");
    rest = text.substr(colon + 1);
    return true;
  }

  bool read_authority(std::string_view rest) {
    if (!rest.starts_with("//"))
      return fail(" has too few slashes; expected two, as in http://host:8000/path");
    rest.remove_prefix(2);
    auto const end = std::min(rest.find_first_of("/?"), rest.size());
    std::string_view authority = rest.substr(0, end);
    if (!set_target(rest.substr(end)))
      return false;
    if (authority.find('@') != std::string_view::npos)
      return fail(" has a user name in it; expected host or host:port");
    std::string_view port_text;
    bool has_port = false;
    if (authority.starts_with('[')) {
      auto const close = authority.find(']');
      url.host = authority.substr(1, close == std::string_view::npos ? close : close - 1);
      if (close == std::string_view::npos || !is_ipv6(url.host))
        return fail(" has no IPv6 address between its brackets");
      authority.remove_prefix(close + 1);
      if (!authority.empty() && authority.front() != ':')
        return fail(" has something other than a port behind its brackets");
      has_port = !authority.empty();
      port_text = has_port ? authority.substr(1) : std::string_view{};
    } else {
      auto const colon = authority.find(':');
      has_port = colon != std::string_view::npos;
      url.host = authority.substr(0, colon);
      port_text = has_port ? authority.substr(colon + 1) : std::string_view{};
      if (url.host.empty())
        return fail(" has no host; expected one, as in http://localhost:8000/path");
      if (port_text.find(':') != std::string_view::npos)
        return fail(" has more than one colon in its host; expected an IPv6 address in brackets, as in [::1]:8000");
      if (!is_host(replaced(url.host, "name")))
        return fail(" has the host " + quoted(url.host) + ", which is neither a name nor an address");
    }
    url.port = url.is_tls() ? 443 : 80;
    if (has_port) {
      auto const port =
          port_text.find_first_not_of("0123456789") == std::string_view::npos ? whole_number(port_text) : std::nullopt;
      if (!port || *port < 1 || *port > 65535)
        return fail(" has the port " + quoted(port_text) + "; expected a number from 1 to 65535");
      url.port = static_cast<std::uint16_t>(*port);
    }
    return true;
  }

  bool read_socket(std::string_view rest) {
    auto const begin = std::min(rest.find_first_not_of('/'), rest.size());
    std::string const shape = std::string(to_string(url.over)) + ":///";
    if (begin != 3)
      return fail(" has " + std::to_string(begin) + (begin == 1 ? " slash" : " slashes") +
                  " before the socket's path; expected three: " + shape + std::string(rest.substr(begin)));
    rest.remove_prefix(2);
    std::string_view const path = rest.substr(0, rest.find('?'));
    for (std::size_t at = 0; at < path.size();) {
      auto const end = std::min(path.find('/', at + 1), path.size());
      if (path.substr(at, end - at).ends_with(".sock")) {
        auto decoded = message::percent_decode(path.substr(0, end));
        if (!decoded || decoded->find('\0') != std::string::npos)
          return fail(" has a '%' in its socket's path that two hexadecimal digits of a character do not follow");
        url.socket_path = std::move(*decoded);
        if (!set_target(rest.substr(end)))
          return false;
        bool const is_final = url.socket_path.find(placeholder) == std::string::npos;
        if (is_final && url.socket_path.size() > socket_path_bytes_max)
          return fail(" has a socket's path of " + std::to_string(url.socket_path.size()) +
                      " bytes; the system takes at most " + std::to_string(socket_path_bytes_max));
        return true;
      }
      at = end;
    }
    return fail(" has no component that ends in \".sock\"; expected " + shape + "path/of/name.sock/path/of/url");
  }

  bool set_target(std::string_view path_and_query) {
    constexpr std::string_view digits = "0123456789abcdefABCDEF";
    for (auto at = path_and_query.find('%'); at != std::string_view::npos; at = path_and_query.find('%', at + 1))
      if (auto const code = path_and_query.substr(at + 1, 2);
          code.size() < 2 || code.find_first_not_of(digits) != std::string_view::npos)
        return fail(
            " has a '%' in its path that two hexadecimal digits do not follow; expected %25 for the sign itself");
    url.target = path_and_query;
    if (!url.target.starts_with('/'))
      url.target.insert(0, 1, '/');
    return true;
  }

  bool run() {
    std::string_view rest;
    if (text.empty())
      return fail(" is empty; expected a URL, as in http://host:8000/path");
    if (!check_characters() || !read_scheme(rest))
      return false;
    return url.is_unix() ? read_socket(rest) : read_authority(rest);
  }
};

} // namespace

std::string_view to_string(scheme value) noexcept {
  switch (value) {
  case scheme::http:
    return "http";
  case scheme::https:
    return "https";
  case scheme::http_unix:
    return "http+unix";
  case scheme::https_unix:
    return "https+unix";
  }
  return "unknown";
}

std::string endpoint_url::authority() const {
  if (is_unix())
    return "localhost";
  std::string out = host.find(':') == std::string::npos ? host : '[' + host + ']';
  if (port != (is_tls() ? 443 : 80))
    (out += ':') += std::to_string(port);
  return out;
}

std::string to_string(endpoint_url const& value) {
  std::string out(to_string(value.over));
  out += "://";
  out += value.is_unix() ? value.socket_path : value.authority();
  return out += value.target;
}

bool is_host(std::string_view text) {
  if (text.empty() || text.size() > 253)
    return false;
  return std::all_of(text.begin(), text.end(), is_host_character) && text.front() != '.' &&
         text.find("..") == std::string_view::npos;
}

bool endpoint_template::has_placeholder() const noexcept {
  return url.host.find(placeholder) != std::string::npos || url.socket_path.find(placeholder) != std::string::npos ||
         url.target.find(placeholder) != std::string::npos;
}

result<endpoint_url> endpoint_template::for_name(std::string_view function_name) const {
  if (!has_placeholder())
    return url;
  auto const fail = [function_name](std::string const& why) {
    return error{errc::endpoint_invalid, "the function's name " + quoted(function_name) + why};
  };
  if (function_name.empty() || function_name == "." || function_name == "..")
    return fail(" cannot stand in a path");
  std::string const encoded = message::percent_encode(function_name);
  endpoint_url out = url;
  out.host = replaced(url.host, function_name);
  out.socket_path = replaced(url.socket_path, encoded);
  out.target = replaced(url.target, encoded);
  if (out.host != url.host && !is_host(out.host))
    return fail(" cannot stand in a host's name");
  if (out.socket_path.size() > socket_path_bytes_max)
    return fail(" makes the socket's path longer than " + std::to_string(socket_path_bytes_max) + " bytes");
  return out;
}

result<endpoint_template> parse_endpoint(std::string_view text) {
  parser reading{text, {}, {}};
  if (!reading.run())
    return error{errc::endpoint_invalid, std::move(reading.fault)};
  return endpoint_template{std::move(reading.url)};
}

} // namespace statefund::module
