#include "module/endpoint_url.hpp"
#include "module/errc.hpp"

#include <catch2/catch.hpp>

#include <array>

using namespace statefund::module;

TEST_CASE("an endpoint is read into its parts") {
  struct row {
    char const* text;
    endpoint_url parts;
    char const* authority;
  };
  for (auto const& [text, parts, authority] : std::array{
           row{"http://host:8000/statefun", {scheme::http, "host", 8000, "", "/statefun"}, "host:8000"},
           row{"http://host", {scheme::http, "host", 80, "", "/"}, "host"},
           row{"https://host/", {scheme::https, "host", 443, "", "/"}, "host"},
           row{"https://host:80/", {scheme::https, "host", 80, "", "/"}, "host:80"},
           row{"HTTP://Host.example:65535/A?b=c&d",
               {scheme::http, "Host.example", 65535, "", "/A?b=c&d"},
               "Host.example:65535"},
           row{"http://host?x=1", {scheme::http, "host", 80, "", "/?x=1"}, "host"},
           row{"http://10.0.0.1:1", {scheme::http, "10.0.0.1", 1, "", "/"}, "10.0.0.1:1"},
           row{"http://[::1]:8000/f", {scheme::http, "::1", 8000, "", "/f"}, "[::1]:8000"},
           row{"http://[2001:db8::1]", {scheme::http, "2001:db8::1", 80, "", "/"}, "[2001:db8::1]"},
           row{"http+unix:///uds.sock/path/of/url",
               {scheme::http_unix, "", 0, "/uds.sock", "/path/of/url"},
               "localhost"},
           row{"http+unix:///a/b/name.sock/serve/x.sock",
               {scheme::http_unix, "", 0, "/a/b/name.sock", "/serve/x.sock"},
               "localhost"},
           row{"http+unix:///run/f.sock", {scheme::http_unix, "", 0, "/run/f.sock", "/"}, "localhost"},
           row{"http+unix:///run/f.sock?x=/y.sock",
               {scheme::http_unix, "", 0, "/run/f.sock", "/?x=/y.sock"},
               "localhost"},
           row{"https+unix:///a%20b/f.sock/%20", {scheme::https_unix, "", 0, "/a b/f.sock", "/%20"}, "localhost"},
       }) {
    INFO(text);
    auto const read = parse_endpoint(text);
    REQUIRE(read.has_value());
    CHECK(read->url == parts);
    CHECK(read->url.authority() == authority);
    CHECK_FALSE(read->has_placeholder());
    auto const again = parse_endpoint(to_string(read->url));
    if (parts.socket_path.find(' ') == std::string::npos) {
      REQUIRE(again.has_value());
      CHECK(again->url == parts);
    }
  }
}

TEST_CASE("what is no endpoint is refused with its text and the shape that is expected") {
  struct row {
    char const* text;
    char const* detail;
  };
  for (
      auto const& [text, detail] : std::array{
          row{"", R"("" is empty; expected a URL, as in http://host:8000/path)"},
          row{"host:8000/x",
              R"("host:8000/x" has no scheme; expected one of http://, https://, http+unix:///, https+unix:///)"},
          row{"localhost",
              R"("localhost" has no scheme; expected one of http://, https://, http+unix:///, https+unix:///)"},
          row{"/run/f.sock",
              R"("/run/f.sock" has no scheme; expected one of http://, https://, http+unix:///, https+unix:///)"},
          row{"ftp://host/",
              R"("ftp://host/" has the unknown scheme "ftp"; expected one of http, https, http+unix, https+unix)"},
          row{"unix:///run/f.sock",
              R"("unix:///run/f.sock" has the unknown scheme "unix"; expected one of http, https, http+unix, https+unix)"},
          row{"http:/host/", R"("http:/host/" has too few slashes; expected two, as in http://host:8000/path)"},
          row{"http:///path", R"("http:///path" has no host; expected one, as in http://localhost:8000/path)"},
          row{"http://:80/", R"("http://:80/" has no host; expected one, as in http://localhost:8000/path)"},
          row{"http://me@host/", R"("http://me@host/" has a user name in it; expected host or host:port)"},
          row{"http://host:/", R"("http://host:/" has the port ""; expected a number from 1 to 65535)"},
          row{"http://host:0/", R"("http://host:0/" has the port "0"; expected a number from 1 to 65535)"},
          row{"http://host:65536/", R"("http://host:65536/" has the port "65536"; expected a number from 1 to 65535)"},
          row{"http://host:80a/", R"("http://host:80a/" has the port "80a"; expected a number from 1 to 65535)"},
          row{"http://::1/", R"("http://::1/" has no host; expected one, as in http://localhost:8000/path)"},
          row{"http://fe80::1/",
              R"("http://fe80::1/" has more than one colon in its host; expected an IPv6 address in brackets, as in [::1]:8000)"},
          row{"http://[::g]/", R"("http://[::g]/" has no IPv6 address between its brackets)"},
          row{"http://[::1/", R"("http://[::1/" has no IPv6 address between its brackets)"},
          row{"http://[::1]x/", R"("http://[::1]x/" has something other than a port behind its brackets)"},
          row{"http://ho$t/", R"("http://ho$t/" has the host "ho$t", which is neither a name nor an address)"},
          row{"http://a..b/", R"("http://a..b/" has the host "a..b", which is neither a name nor an address)"},
          row{"http://<host-name>/statefun",
              R"("http://<host-name>/statefun" has an angle bracket in it; expected a real name in the place of <...>)"},
          row{"http://host/a b", R"("http://host/a b" has a space in it; expected %20)"},
          row{"http://host/\u00fc",
              "\"http://host/\u00fc\" has a control or non-ASCII character in it; expected it percent-encoded"},
          row{"http://host/#x", R"("http://host/#x" has a fragment; expected no '#')"},
          row{"http://host/a|b",
              R"("http://host/a|b" has a character in it that no URL can hold; expected it percent-encoded)"},
          row{"http://host/{name}",
              R"("http://host/{name}" has a brace that is not part of {function.name}, the only placeholder there is)"},
          row{"http+unix://run/x.sock",
              R"("http+unix://run/x.sock" has 2 slashes before the socket's path; expected three: http+unix:///run/x.sock)"},
          row{"http+unix:/run/x.sock",
              R"("http+unix:/run/x.sock" has 1 slash before the socket's path; expected three: http+unix:///run/x.sock)"},
          row{"https+unix:////x.sock",
              R"("https+unix:////x.sock" has 4 slashes before the socket's path; expected three: https+unix:///x.sock)"},
          row{"http+unix:///run/x/y",
              R"("http+unix:///run/x/y" has no component that ends in ".sock"; expected http+unix:///path/of/name.sock/path/of/url)"},
          row{"http+unix:///run/x?a.sock",
              R"("http+unix:///run/x?a.sock" has no component that ends in ".sock"; expected http+unix:///path/of/name.sock/path/of/url)"},
          row{"http://host/a%2",
              R"("http://host/a%2" has a '%' in its path that two hexadecimal digits do not follow; expected %25 for the sign itself)"},
          row{"http://host?100%",
              R"("http://host?100%" has a '%' in its path that two hexadecimal digits do not follow; expected %25 for the sign itself)"},
          row{"http+unix:///x.sock/%zz",
              R"("http+unix:///x.sock/%zz" has a '%' in its path that two hexadecimal digits do not follow; expected %25 for the sign itself)"},
          row{"http+unix:///a%2/x.sock",
              R"("http+unix:///a%2/x.sock" has a '%' in its socket's path that two hexadecimal digits of a character do not follow)"},
          row{"http+unix:///a%00/x.sock",
              R"("http+unix:///a%00/x.sock" has a '%' in its socket's path that two hexadecimal digits of a character do not follow)"},
      }) {
    INFO(text);
    auto const read = parse_endpoint(text);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code == errc::endpoint_invalid);
    CHECK(read.error().detail == detail);
  }
}

TEST_CASE("a socket's path is no longer than the system takes") {
  std::string const fits = '/' + std::string(101, 'x') + ".sock";
  REQUIRE(parse_endpoint("http+unix://" + fits).has_value());
  auto const read = parse_endpoint("http+unix:///x" + fits.substr(1));
  REQUIRE_FALSE(read.has_value());
  CHECK(read.error().detail.ends_with("has a socket's path of 108 bytes; the system takes at most 107"));
}

TEST_CASE("every placeholder becomes the function's name, percent-encoded in paths and queries") {
  auto const read = parse_endpoint("http://host:8080/{function.name}/x?f={function.name}");
  REQUIRE(read.has_value());
  CHECK(read->has_placeholder());
  CHECK(to_string(*read->for_name("greeter")) == "http://host:8080/greeter/x?f=greeter");
  CHECK(to_string(*read->for_name("a/b ?#%")) == "http://host:8080/a%2Fb%20%3F%23%25/x?f=a%2Fb%20%3F%23%25");
  CHECK(to_string(*read->for_name("\u00fc")) == "http://host:8080/%C3%BC/x?f=%C3%BC");

  auto const host = parse_endpoint("http://{function.name}.functions.svc:8000/");
  REQUIRE(host.has_value());
  CHECK(to_string(*host->for_name("greeter")) == "http://greeter.functions.svc:8000/");

  auto const socket = parse_endpoint("http+unix:///run/fn/{function.name}.sock/serve");
  REQUIRE(socket.has_value());
  CHECK(socket->for_name("greeter")->socket_path == "/run/fn/greeter.sock");
  CHECK(socket->for_name("../etc/x")->socket_path == "/run/fn/..%2Fetc%2Fx.sock");
}

TEST_CASE("a name that does not fit where the placeholder stands is refused") {
  auto const path = *parse_endpoint("http://host/{function.name}");
  for (auto const* name : {"", ".", ".."}) {
    auto const url = path.for_name(name);
    REQUIRE_FALSE(url.has_value());
    CHECK(url.error().code == errc::endpoint_invalid);
  }
  auto const host = *parse_endpoint("http://{function.name}.svc/");
  for (auto const* name : {"a/b", "a b", "a:1", "x@y", ".a"})
    CHECK_FALSE(host.for_name(name).has_value());
  CHECK(host.for_name("a/b").error().detail == "the function's name \"a/b\" cannot stand in a host's name");
  auto const socket = *parse_endpoint("http+unix:///run/{function.name}.sock");
  REQUIRE(socket.for_name(std::string(97, 'x')).has_value());
  CHECK_FALSE(socket.for_name(std::string(98, 'x')).has_value());
  CHECK(parse_endpoint("http://host/")->for_name("..").has_value()); // nothing to replace
}
