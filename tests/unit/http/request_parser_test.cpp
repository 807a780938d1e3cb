#include "http/errc.hpp"
#include "http/request_parser.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace statefund;

namespace {

struct outcome {
  boost::system::error_code failure;
  std::string path;
  std::string query;
  std::string body;
  bool done = false;
};

// What a request is read as, when its bytes come in these parts.
outcome read_parts(std::vector<std::string> const& parts) {
  http::request asked;
  http::request_parser parser(asked, 1024);
  outcome read;
  std::string held;
  for (std::string const& part : parts) {
    held += part;
    while (!held.empty() && !parser.done()) {
      auto const step = parser.put(held);
      if (step.has_error()) {
        read.failure = step.error().code;
        return read;
      }
      read.body += step->body;
      held.erase(0, step->consumed_bytes);
      if (step->needs_more)
        break;
    }
  }
  read.path = asked.path();
  read.query = asked.query();
  read.done = parser.done();
  return read;
}

// The same when they come in two parts, cut at `cut`.
outcome read_cut(std::string const& bytes, std::size_t cut) {
  return read_parts({bytes.substr(0, cut), bytes.substr(cut)});
}

} // namespace

TEST_CASE("a request is read the same wherever its bytes are cut") {
  std::string const with_length = "PUT /a/b%2Fc/d?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
  std::string const chunked =
      "PUT /a/b%2Fc/d?x=1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;ext=1\r\nllo\r\n0\r\nTrailer: "
      "t\r\n\r\n";
  for (std::string const& bytes : {with_length, chunked})
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      auto const read = read_cut(bytes, cut);
      INFO("cut at " << cut);
      REQUIRE_FALSE(read.failure);
      CHECK(read.path == "/a/b%2Fc/d");
      CHECK(read.query == "x=1");
      CHECK(read.body == "hello");
      CHECK(read.done);
    }
}

TEST_CASE("a chunked body is read the same when it comes byte by byte, an empty one too") {
  std::string const head = "PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (std::string const framed : {"0\r\n\r\n", "0;a\r\n\r\n", "1\r\nx\r\n0\r\n\r\n", "1\r\nx\r\n0\r\nA: b\r\n\r\n"}) {
    std::vector<std::string> parts{head};
    for (char const byte : framed)
      parts.emplace_back(1, byte);
    auto const read = read_parts(parts);
    INFO(framed);
    REQUIRE_FALSE(read.failure);
    CHECK(read.body == (framed.starts_with('1') ? "x" : ""));
    CHECK(read.done);
  }
}

TEST_CASE("what could be taken for two different requests is refused") {
  for (char const* bytes :
       {"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", "GET nowhere HTTP/1.1\r\n\r\n",
        "GET * HTTP/1.1\r\n\r\n", "GET / HTTP/2.0\r\n\r\n", "GET / HTTP/1.1\nHost: h\n\n", "hello\r\n\r\n"}) {
    INFO(bytes);
    CHECK(read_cut(bytes, 0).failure == http::errc::malformed);
  }
}

TEST_CASE("a header block above the limit is told apart from a malformed one") {
  std::string const long_one = "GET / HTTP/1.1\r\nX: " + std::string(2000, 'x') + "\r\n\r\n";
  CHECK(read_cut(long_one, 0).failure == http::errc::header_too_large);
}

TEST_CASE("the absolute form's path is found, and headers in any case") {
  http::request asked;
  http::request_parser parser(asked, 1024);
  REQUIRE(parser.put("GET http://localhost:80/a?q HTTP/1.0\r\nIDEMPOTENCY-key: k\r\nExpect: 100-continue\r\n\r\n")
              .has_value());
  CHECK(asked.path() == "/a");
  CHECK(asked.query() == "q");
  CHECK(asked.method == http::method::get);
  CHECK(asked.header("Idempotency-Key") == "k");
  CHECK(asked.header("Host") == std::nullopt);
  CHECK_FALSE(parser.keeps_alive());
  CHECK_FALSE(parser.expects_continue());
  CHECK_FALSE(parser.has_body());
}
