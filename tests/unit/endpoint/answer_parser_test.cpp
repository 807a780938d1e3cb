#include "endpoint/answer_parser.hpp"

#include "support/encode.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace statefund::endpoint;
using statefund::support::encode;
using statefund::support::encoding;

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

std::string answer_of(std::string const& status_line, std::string const& headers, std::string const& body) {
  return status_line + "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string encoded_answer(std::string const& content_encoding, std::string const& body) {
  return answer_of("HTTP/1.1 200 OK", "Content-Encoding: " + content_encoding + "\r\n", body);
}

// What is wrong with `bytes`, which are too much already without the connection's end.
std::string fault_of(std::string const& bytes, std::uint64_t body_bytes_max = 1000) {
  std::string said;
  for (std::size_t const piece : {std::size_t{1}, std::size_t{1000}, std::size_t{64} << 10U}) {
    answer_parser parser;
    parser.begin(body_bytes_max);
    feed(parser, bytes, piece);
    REQUIRE(parser.state() == parse_state::malformed);
    said = parser.fault();
    CHECK_FALSE(said.empty());
  }
  return said;
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
  CHECK(parser.parsed().ended_by == body_end::connection);
}

TEST_CASE("a close-delimited answer without a body is cut short, unless it tells of an error") {
  for (auto const& [status, expected] :
       {std::pair{"200 OK", parse_state::incomplete}, std::pair{"503 Service Unavailable", parse_state::complete}}) {
    answer_parser parser;
    parser.begin(1000);
    feed(parser, std::string("HTTP/1.1 ") + status + "\r\nContent-Type: application/octet-stream\r\n\r\n", 1000);
    REQUIRE(parser.state() == parse_state::incomplete);
    parser.feed_end();
    CHECK(parser.state() == expected);
  }
}

TEST_CASE("an answer that is cut anywhere stays incomplete") {
  for (auto const& bytes : {plain, chunked})
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      answer_parser parser;
      parser.begin(1000);
      feed(parser, bytes.substr(0, size), 1000);
      INFO(bytes << " cut at " << size);
      REQUIRE(parser.state() == parse_state::incomplete);
      parser.feed_end();
      CHECK(parser.state() == parse_state::incomplete);
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
    CHECK(fits.parsed().state == body_state::whole);
    answer_parser too_large;
    too_large.begin(4);
    feed(too_large, bytes, 3);
    REQUIRE(too_large.state() == parse_state::complete);
    CHECK(too_large.parsed().state == body_state::too_large);
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

TEST_CASE("the heads of 1xx answers count too, so there is an end to them") {
  std::string const early = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
  std::string many;
  while (many.size() + early.size() + plain.size() <= header_bytes_max)
    many += early;
  for (std::size_t const piece : {std::size_t{1}, std::size_t{1000}, std::size_t{64} << 10U}) {
    answer_parser parser;
    parser.begin(1000);
    feed(parser, many + plain, piece);
    CHECK(parser.state() == parse_state::complete);
    CHECK(parser.parsed().status == 200);
  }
  CHECK(fault_of(many + early + early + early + plain) == "the answer's header is larger than 16384 bytes");
}

TEST_CASE("a header that comes line by line is bounded like one that comes at once") {
  std::string const line = "Name: value\r\n";
  std::string lines;
  while (lines.size() <= header_bytes_max)
    lines += line;
  answer_parser parser;
  parser.begin(1000);
  feed(parser, lines.replace(0, 0, "HTTP/1.1 200 OK\r\nA: bcdef\r\n"), line.size());
  REQUIRE(parser.state() == parse_state::malformed);
  CHECK(parser.fault() == "the answer's header is larger than 16384 bytes");
}

TEST_CASE("extensions and trailers of chunks are bounded together, however they come") {
  std::string const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string const too_large = "the answer's chunk extensions and trailers are larger than 16384 bytes";
  std::string const long_extension = "1;a=" + std::string(9000, 'x') + "\r\nx\r\n";
  CHECK(fault_of(head + long_extension + long_extension) == too_large);
  CHECK(fault_of(head + "1;a=" + std::string(20'000, 'x')) == too_large);
  CHECK(fault_of(head + "1\r\nx\r\n0\r\nA: " + std::string(20'000, 'x')) == too_large);
  CHECK(fault_of(head + std::string(20'000, '0') + "1\r\n") == too_large);
  std::string body;
  for (int i = 0; i < 20'000; ++i) // a byte a chunk is slow, and no fault
    body += "1\r\nx\r\n";
  answer_parser parser;
  parser.begin(20'000);
  feed(parser, head + body + "0\r\nT: " + std::string(5000, 't') + "\r\n\r\n", 64U << 10U);
  REQUIRE(parser.state() == parse_state::complete);
  CHECK(parser.parsed().body.size() == 20'000);
}

TEST_CASE("a trailer changes nothing of the answer") {
  answer_parser parser;
  parser.begin(1000);
  feed(parser,
       "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
       "Content-Type: application/octet-stream\r\nContent-Encoding: gzip\r\nLocation: /\r\nRetry-After: 1\r\n\r\n",
       1000);
  REQUIRE(parser.state() == parse_state::complete);
  CHECK(parser.parsed().content_type == "a/b");
  CHECK(parser.parsed().content_encoding.empty());
  CHECK(parser.parsed().location.empty());
  CHECK(parser.parsed().retry_after.empty());
}

TEST_CASE("204, 304 and a length of 0 have no body, whatever they say of it") {
  for (std::string const head : {"HTTP/1.1 204 No Content\r\n\r\n",
                                 "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\n\r\n",
                                 "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
                                 "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Encoding: gzip\r\n\r\n"}) {
    INFO(head);
    answer_parser parser;
    parser.begin(1000);
    CHECK(feed(parser, head + "hello", 1000) == "hello");
    REQUIRE(parser.state() == parse_state::complete);
    CHECK(parser.parsed().body.empty());
    CHECK(parser.parsed().state == body_state::whole);
    CHECK(parser.parsed().then == after_answer::keep_alive);
  }
}

TEST_CASE("an encoded body is decoded, however it is framed") {
  auto const body = encode(encoding::gzip, "hello");
  auto const head = [](std::string const& framing) {
    return "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n" + framing + "\r\n";
  };
  std::string chunks;
  for (char const byte : body)
    chunks += "1\r\n" + std::string(1, byte) + "\r\n";
  for (auto const& bytes : {encoded_answer("gzip", body), encoded_answer("identity, X-GZIP", body),
                            encoded_answer("deflate", encode(encoding::zlib, "hello")),
                            encoded_answer("deflate", encode(encoding::raw_deflate, "hello")),
                            head("Transfer-Encoding: chunked\r\n") + chunks + "0\r\n\r\n", head("") + body,
                            encoded_answer("identity", "hello")})
    for (std::size_t const piece : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
      answer_parser parser;
      parser.begin(1000);
      CHECK(feed(parser, bytes, piece).empty());
      if (parser.state() == parse_state::incomplete)
        parser.feed_end();
      REQUIRE(parser.state() == parse_state::complete);
      CHECK(parser.parsed().state == body_state::whole);
      CHECK(parser.parsed().body == "hello");
    }
}

TEST_CASE("a body is bounded as it is sent and as it is decoded") {
  auto const answer_to = [](std::string const& bytes, std::uint64_t body_bytes_max) {
    answer_parser parser;
    parser.begin(body_bytes_max);
    feed(parser, bytes, 1000);
    REQUIRE(parser.state() == parse_state::complete);
    return parser.parsed();
  };
  auto const bomb = encoded_answer("gzip", encode(encoding::gzip, std::string(1U << 20U, '\0')));
  CHECK(answer_to(bomb, 1U << 20U).state == body_state::whole);
  auto const stopped = answer_to(bomb, 10'000);
  CHECK(stopped.state == body_state::too_large);
  CHECK(stopped.body.size() <= 10'000);
  CHECK(stopped.then == after_answer::close);
  // A gzip header's file name may be of any length, and makes nothing.
  std::string const name_without_end = std::string("\x1f\x8b\x08\x08\0\0\0\0\0\3", 10) + std::string(5000, 'n');
  CHECK(answer_to(encoded_answer("gzip", name_without_end), 1000).state == body_state::too_large);
  CHECK(answer_to("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + name_without_end, 1000).state ==
        body_state::too_large);
}

TEST_CASE("an encoded body that is broken, cut short or goes on is malformed, and so is one that nobody can read") {
  auto const body = encode(encoding::gzip, "hello");
  CHECK(fault_of(encoded_answer("gzip", "hello, hello, hello")) == "the answer's gzip body is broken");
  CHECK(fault_of(encoded_answer("gzip", body + "more")) == "the answer's gzip body is broken");
  CHECK(fault_of(encoded_answer("gzip", body + body)) == "the answer's gzip body is broken");
  CHECK(fault_of(encoded_answer("gzip", body.substr(0, body.size() - 1))) == "the answer's gzip body is cut short");
  CHECK(fault_of("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") ==
        "the answer's gzip body is cut short");
  CHECK(fault_of(encoded_answer("br", body)) == "the answer is encoded as \"br\", which is neither gzip nor deflate,");
  CHECK(fault_of(answer_of("HTTP/1.1 200 OK", "Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n", body)) ==
        "the answer is encoded as \"gzip, gzip\", which is neither gzip nor deflate,");
  answer_parser parser;
  parser.begin(1000);
  feed(parser, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + body.substr(0, body.size() - 1), 1000);
  parser.feed_end();
  CHECK(parser.state() == parse_state::malformed);
  CHECK(parser.fault() == "the answer's gzip body is cut short");
}

TEST_CASE("a body that cannot be decoded does not hide what a status says") {
  auto const body = encode(encoding::gzip, std::string("trace") + std::string(1000, 'x'));
  struct {
    std::string headers;
    std::string body;
    std::string decoded;
  } const all[] = {{"Content-Encoding: br\r\n", "binary", ""},
                   {"Content-Encoding: gzip\r\n", body.substr(0, body.size() - 1), "trace" + std::string(1000, 'x')},
                   {"Content-Encoding: gzip\r\n", "binary", ""}};
  for (auto const& one : all) {
    answer_parser parser;
    parser.begin(10'000);
    feed(parser, answer_of("HTTP/1.1 500 Oops", one.headers, one.body), 1000);
    REQUIRE(parser.state() == parse_state::complete);
    CHECK(parser.parsed().status == 500);
    CHECK(parser.parsed().state == body_state::undecodable);
    CHECK(parser.parsed().body == one.decoded);
    CHECK(parser.parsed().then == after_answer::keep_alive);
  }
}

TEST_CASE("of an answer other than 2xx as much is read as a stack trace has, whatever it says of its length") {
  std::string const trace = "trace" + std::string(error_body_bytes_max, 'x');
  std::string const chunks = "10005\r\n" + trace + "\r\n0\r\n\r\n";
  struct {
    std::string headers;
    std::string body;
    std::string decoded;
  } const all[] = {
      {"", trace, trace.substr(0, error_body_bytes_max)},
      {"Content-Length: " + std::to_string(trace.size()) + "\r\n", trace, trace.substr(0, error_body_bytes_max)},
      {"Transfer-Encoding: chunked\r\n", chunks, trace.substr(0, error_body_bytes_max)},
      {"Content-Encoding: gzip\r\n", encode(encoding::gzip, trace), trace.substr(0, error_body_bytes_max)},
      {"Content-Encoding: br\r\n", trace, ""}};
  for (auto const& one : all)
    for (std::size_t const piece : {std::size_t{100}, std::size_t{64} << 10U}) {
      answer_parser parser;
      parser.begin(1U << 20U);
      feed(parser, "HTTP/1.1 500 Oops\r\n" + one.headers + "\r\n" + one.body, piece);
      REQUIRE(parser.state() == parse_state::complete);
      CHECK(parser.parsed().status == 500);
      CHECK(parser.parsed().body == one.decoded);
      CHECK(parser.parsed().then == after_answer::close);
    }
}

TEST_CASE("an answer whose end could be taken for another one's beginning is malformed") {
  std::string const both = "the answer has a Transfer-Encoding and a Content-Length, or a second Transfer-Encoding";
  std::string const ok = "HTTP/1.1 200 OK\r\n";
  CHECK(fault_of(ok + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n") == both);
  CHECK(fault_of(ok + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n") == both);
  CHECK(fault_of(ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n") == both);
  CHECK(fault_of(ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n") ==
        "the answer has Content-Lengths that differ");
  CHECK(fault_of(ok + "Content-Length: 1, 2\r\n\r\n") == "the answer has Content-Lengths that differ");
  CHECK(fault_of(ok + "Transfer-Encoding: gzip, chunked\r\n\r\n") ==
        "the answer's Transfer-Encoding is \"gzip, chunked\" instead of chunked");
  CHECK(fault_of(ok + "Transfer-Encoding: identity\r\nContent-Length: 1\r\n\r\n") ==
        "the answer's Transfer-Encoding is \"identity\" instead of chunked");
  CHECK(fault_of(ok + "Transfer-Encoding: xchunked\r\n\r\n") ==
        "the answer's Transfer-Encoding is \"xchunked\" instead of chunked");
  answer_parser parser;
  parser.begin(1000);
  feed(parser, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 1000);
  REQUIRE(parser.state() == parse_state::complete);
  CHECK(parser.parsed().then == after_answer::close);
}

TEST_CASE("what is not HTTP/1.1 is told by its beginning, as soon as that is there") {
  answer_parser parser;
  parser.begin(1000);
  feed(parser, "SSH-2.0-OpenSSH_9.2\r\n", 1000);
  REQUIRE(parser.state() == parse_state::malformed);
  CHECK(parser.fault() == R"(the answer is not HTTP/1.1, it begins with "SSH-2.0-OpenSSH_9.2\r\n")");
  CHECK(fault_of("HTTP/2.0 200 OK\r\n\r\n").starts_with("the answer is not HTTP/1.1, it begins with \"HTTP/2"));
  CHECK(fault_of("hello").starts_with("the answer is not HTTP/1.1, it begins with \"h"));
  parser.begin(1000);
  feed(parser, std::string("\x15\x03\x01\x00\x02\x02\x46", 7), 7);
  CHECK(parser.fault() == "the answer is not HTTP/1.1 but TLS: is the endpoint's scheme to be https?");
  CHECK(fault_of("HTTP/1.1 200 OK\r\nno colon\r\n\r\n") == "the answer is not HTTP/1.1: bad field");
}

TEST_CASE("what is not HTTP/1.1 is malformed") {
  for (std::string const bytes : {
           "HTTP/1.1 abc OK\r\n\r\n",
           "HTTP/1.1 099 OK\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcdef\r\n0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n",
           "HTTP/1.1 101 Switching Protocols\r\n\r\n",
       }) {
    INFO(bytes);
    fault_of(bytes);
  }
}
