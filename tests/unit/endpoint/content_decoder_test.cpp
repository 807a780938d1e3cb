#include "endpoint/content_decoder.hpp"
#include "support/encode.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>

using namespace statefund::endpoint;
using statefund::support::encode;
using statefund::support::encoding;

namespace {

constexpr std::uint64_t plenty = 1U << 20U;

content_coding coding_for(encoding as) {
  return as == encoding::gzip ? content_coding::gzip : content_coding::deflate;
}

struct decoded {
  decoding state = decoding::incomplete;
  std::string bytes;
};

// In pieces of `piece` bytes, until it fails.
decoded decode(content_coding coding, std::string const& encoded, std::size_t piece = 1000,
               std::uint64_t bytes_max = plenty) {
  content_decoder decoder(coding);
  decoded got;
  for (std::size_t at = 0; at < encoded.size(); at += piece) {
    got.state = decoder.feed(std::string_view(encoded).substr(at, piece), got.bytes, bytes_max);
    if (got.state == decoding::broken || got.state == decoding::too_large)
      break;
  }
  REQUIRE(decoder.state() == got.state);
  return got;
}

std::string noise(std::size_t bytes) {
  std::minstd_rand random(1);
  std::string made(bytes, '\0');
  for (char& each : made)
    each = static_cast<char>(random() >> 8U);
  return made;
}

} // namespace

TEST_CASE("a Content-Encoding of one known coding is read, whatever its case and however often identity stands there") {
  CHECK(coding_of("") == content_coding::identity);
  CHECK(coding_of("identity") == content_coding::identity);
  CHECK(coding_of("gzip") == content_coding::gzip);
  CHECK(coding_of("X-GZip") == content_coding::gzip);
  CHECK(coding_of(" identity ,\tgzip, ") == content_coding::gzip);
  CHECK(coding_of("Deflate") == content_coding::deflate);
  CHECK(coding_of("br") == content_coding::unknown);
  CHECK(coding_of("gzip, br") == content_coding::unknown);
  CHECK(coding_of("gzip, gzip") == content_coding::unknown);
  CHECK(coding_of("gzip;q=1") == content_coding::unknown);
}

TEST_CASE("what was encoded comes out again, in pieces of any size") {
  for (auto const as : {encoding::gzip, encoding::zlib, encoding::raw_deflate})
    for (auto const& plain : {std::string(), std::string("x"), std::string(3000, 'x') + noise(100)}) {
      auto const encoded = encode(as, plain);
      for (std::size_t piece = 1; piece <= encoded.size(); ++piece) {
        auto const got = decode(coding_for(as), encoded, piece);
        REQUIRE(got.state == decoding::complete);
        REQUIRE(got.bytes == plain);
      }
    }
}

TEST_CASE("a body much larger than what is decoded at once comes whole") {
  for (auto const& plain : {noise(300'000), std::string(300'000, 'x')})
    for (auto const as : {encoding::gzip, encoding::zlib, encoding::raw_deflate}) {
      auto const got = decode(coding_for(as), encode(as, plain), 64U << 10U);
      CHECK(got.state == decoding::complete);
      CHECK(got.bytes == plain);
    }
}

TEST_CASE("a stream that is cut anywhere is incomplete") {
  for (auto const as : {encoding::gzip, encoding::zlib, encoding::raw_deflate}) {
    auto const encoded = encode(as, "a text of some length, of some length");
    for (std::size_t size = 0; size < encoded.size(); ++size)
      CHECK(decode(coding_for(as), encoded.substr(0, size)).state == decoding::incomplete);
  }
}

TEST_CASE("a byte behind the stream's end breaks it") {
  for (auto const as : {encoding::gzip, encoding::zlib, encoding::raw_deflate}) {
    auto const encoded = encode(as, "a text");
    for (std::size_t const piece : {std::size_t{1}, std::size_t{1000}}) {
      CHECK(decode(coding_for(as), encoded + '\0', piece).state == decoding::broken);
      CHECK(decode(coding_for(as), encoded + encoded, piece).state == decoding::broken);
    }
  }
}

TEST_CASE("a byte that differs is seen, unless it is one that means nothing") {
  auto const plain = noise(200);
  for (auto const as : {encoding::gzip, encoding::zlib}) {
    auto const encoded = encode(as, plain);
    std::size_t const first = as == encoding::gzip ? 10 : 2; // a gzip header's time and system may be anything
    for (std::size_t at = first; at < encoded.size(); ++at) {
      auto other = encoded;
      other[at] = static_cast<char>(other[at] ^ 0x10);
      auto const got = decode(coding_for(as), other);
      CHECK((got.state != decoding::complete || got.bytes == plain));
    }
  }
  CHECK(decode(content_coding::gzip, plain).state == decoding::broken);
  CHECK(decode(content_coding::gzip, encode(encoding::zlib, plain)).state == decoding::broken);
}

TEST_CASE("a bomb is an error at the limit, and nothing above the limit is ever made") {
  auto const bomb = encode(encoding::gzip, std::string(100U << 20U, '\0'));
  REQUIRE(bomb.size() < 200U << 10U);
  for (std::size_t const piece : {std::size_t{100}, std::size_t{64} << 10U}) {
    auto const got = decode(content_coding::gzip, bomb, piece, 100'000);
    CHECK(got.state == decoding::too_large);
    CHECK(got.bytes.size() == 100'000);
    CHECK(got.bytes.capacity() < 300'000);
  }
}

TEST_CASE("a body at the limit is whole, one byte more is too large") {
  auto const encoded = encode(encoding::zlib, std::string(1000, 'x'));
  CHECK(decode(content_coding::deflate, encoded, 7, 1000).state == decoding::complete);
  CHECK(decode(content_coding::deflate, encoded, 7, 999).state == decoding::too_large);
  CHECK(decode(content_coding::deflate, encode(encoding::zlib, ""), 7, 0).state == decoding::complete);
}

TEST_CASE("a preset dictionary is broken: there is none") {
  std::string with_dictionary = encode(encoding::zlib, "a text");
  with_dictionary[1] = '\x20'; // FDICT; the two bytes are a multiple of 31
  CHECK(decode(content_coding::deflate, with_dictionary).state == decoding::broken);
}
