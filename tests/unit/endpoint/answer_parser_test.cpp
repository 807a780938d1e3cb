#include "endpoint/answer_parser.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace statefund::endpoint;

namespace {

std::string const plain = "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Type: application/octet-stream\r\n"
                          "Content-Length: 5\r\n\r\nhello";
std::string const chunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/octet-stream\r\n"
    "\r\n2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nTrailer: t\r\n\r\n";
std::string const until_end = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\nhello";

// Feeds `bytes` in pieces of `piece` bytes as a connection does; gives back what was left unread.
std::string feed(answer_parser& parser, std::string const& bytes, std::size_t piece) {
  std::string unread;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    unread += bytes.substr(at, piece);
    if (parser.state() == parse_state::incomplete)
      unread.erase(0, parser.feed(unread));
  }
  return unread;
}

} // namespace

TEST_CASE("an answer is the same in pieces of any size") {
  for (auto const& bytes :
       {plain, chunked, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\n" + plain}) {
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
      answer_parser parser;
      parser.begin(1000);
      INFO(bytes << " in pieces of " << piece);
      CHECK(feed(parser, bytes, piece).empty());
      REQUIRE(parser.state() == parse_state::complete);
      CHECK(parser.parsed().status == 200);
      CHECK(parser.parsed().body == "hello");
      CHECK(parser.parsed().content_type == "application/octet-stream");
      CHECK(parser.parsed().then == after_answer::keep_alive);
    }
  }
}

TEST_CASE("a close-delimited answer ends with the connection, and so does the connection's use") {
  answer_parser parser;
  parser.begin(1000);
  CHECK(feed(parser, until_end, 7).empty());
  CHECK(parser.state() == parse_state::incomplete);
  parser.feed_end();
  REQUIRE(parser.state() == parse_state::complete);
  CHECK(parser.parsed().body == "hello");
  CHECK(parser.parsed().then == after_answer::close);
}

TEST_CASE("an answer that is cut anywhere is malformed") {
  for (auto const& bytes : {plain, chunked})
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      answer_parser parser;
      parser.begin(1000);
      feed(parser, bytes.substr(0, size), 1000);
      INFO(bytes << " cut at " << size);
      REQUIRE(parser.state() == parse_state::incomplete);
      parser.feed_end();
      CHECK(parser.state() == parse_state::malformed);
      CHECK_FALSE(parser.fault().empty());
    }
}

TEST_CASE("what follows an answer is left unread") {
  answer_parser parser;
  parser.begin(1000);
  CHECK(feed(parser, plain + plain, 1000) == plain);
  CHECK(parser.state() == parse_state::complete);
}

TEST_CASE("a parser begins anew after each answer") {
  answer_parser parser;
  parser.begin(1000);
  feed(parser, "HTTP/1.1 500 Oops\r\nLocation: /x\r\nContent-Length: 3\r\n\r\nbad", 1000);
  CHECK(parser.parsed().status == 500);
  parser.begin(1000);
  CHECK(parser.state() == parse_state::incomplete);
  feed(parser, plain, 1000);
  CHECK(parser.parsed().status == 200);
  CHECK(parser.parsed().location.empty());
  CHECK(parser.parsed().body == "hello");
}

TEST_CASE("Connection: close and HTTP/1.0 end a connection's use") {
  for (std::string const head : {"HTTP/1.1 200 OK\r\nConnection: close\r\n", "HTTP/1.0 200 OK\r\n"}) {
    answer_parser parser;
    parser.begin(1000);
    feed(parser, head + "Content-Length: 0\r\n\r\n", 1000);
    REQUIRE(parser.state() == parse_state::complete);
    CHECK(parser.parsed().then == after_answer::close);
  }
  answer_parser parser;
  parser.begin(1000);
  feed(parser, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", 1000);
  CHECK(parser.parsed().then == after_answer::keep_alive);
}

TEST_CASE("a body at the limit is whole, one byte more is too large, however it is framed") {
  for (auto const& bytes : {plain, chunked, until_end}) {
    answer_parser fits;
    fits.begin(5);
    feed(fits, bytes, 3);
    if (fits.state() == parse_state::incomplete)
      fits.feed_end();
    REQUIRE(fits.state() == parse_state::complete);
    CHECK(fits.parsed().size == body_size::within_limit);
    answer_parser too_large;
    too_large.begin(4);
    feed(too_large, bytes, 3);
    REQUIRE(too_large.state() == parse_state::complete);
    CHECK(too_large.parsed().size == body_size::too_large);
    CHECK(too_large.parsed().status == 200);
    CHECK(too_large.parsed().body.size() <= 4);
    CHECK(too_large.parsed().then == after_answer::close);
  }
}

TEST_CASE("a promised length makes no room by itself") {
  answer_parser parser;
  parser.begin(std::uint64_t{1} << 40U);
  feed(parser, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n", 1000);
  CHECK(parser.state() == parse_state::incomplete);
  CHECK(parser.parsed().body.capacity() <= 2U << 20U);
}

TEST_CASE("a header block above the limit is malformed, with the limit in the fault") {
  auto const sized = [](std::size_t field_bytes) {
    return "HTTP/1.1 200 OK\r\nX: " + std::string(field_bytes, 'x') + "\r\nContent-Length: 0\r\n\r\n";
  };
  for (std::size_t const piece : {std::size_t{1000}, std::size_t{100000}}) {
    answer_parser parser;
    parser.begin(1000);
    feed(parser, sized(15000), piece);
    CHECK(parser.state() == parse_state::complete);
    parser.begin(1000);
    feed(parser, sized(20000), piece);
    CHECK(parser.state() == parse_state::malformed);
    CHECK(parser.fault() == "the answer's header is larger than 16384 bytes");
  }
}

TEST_CASE("what is not HTTP/1.1 is malformed") {
  for (std::string const bytes : {
           "SSH-2.0-OpenSSH_9.2\r\n",
           "HTTP/2.0 200 OK\r\n\r\n",
           "HTTP/1.1 abc OK\r\n\r\n",
           "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcdef\r\n0\r\n\r\n",
           "HTTP/1.1 101 Switching Protocols\r\n\r\n",
       }) {
    INFO(bytes);
    answer_parser parser;
    parser.begin(1000);
    feed(parser, bytes, 1000);
    CHECK(parser.state() == parse_state::malformed);
    CHECK_FALSE(parser.fault().empty());
  }
}
