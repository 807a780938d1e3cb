#include "http/base64.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace statefund::http;

TEST_CASE("base64 has the forms of RFC 4648") {
  std::pair<std::string, std::string> const known[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (auto const& [bytes, text] : known) {
    std::string encoded;
    append_base64(encoded, bytes);
    CHECK(encoded == text);
    CHECK(base64_decode(text) == bytes);
  }
}

TEST_CASE("any bytes come back") {
  std::mt19937 random(7);
  for (std::size_t size = 0; size < 200; ++size) {
    std::string bytes(size, '\0');
    for (char& one : bytes)
      one = static_cast<char>(random());
    std::string encoded;
    append_base64(encoded, bytes);
    CHECK(base64_decode(encoded) == bytes);
  }
}

TEST_CASE("what is nearly base64 is refused") {
  for (char const* text :
       {"Z", "Zg", "Zg=", "Zg===", "Z===", "====", "Zh==", "Zm9=", "Zm8=Zm8=", "Zm 9", "Zm9v\n", "Zm-_"})
    CHECK_FALSE(base64_decode(text));
}
