#include "endpoint/answer.hpp"

#include <catch2/catch.hpp>

using namespace statefund::endpoint;

TEST_CASE("what somebody else sent stands on one line, with its control bytes to be seen") {
  CHECK(quoted("Not Found") == "\"Not Found\"");
  CHECK(quoted("") == "\"\"");
  CHECK(quoted("a\nb\r\n\tc") == R"("a\nb\r\n\tc")");
  CHECK(quoted(std::string_view("\x1b[31m\0\x7f", 7)) == R"("\x1b[31m\x00\x7f")");
}

TEST_CASE("UTF-8 is left as it is, and what is none is shown byte by byte") {
  CHECK(quoted("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80") ==
        "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\"");
  CHECK(quoted("\xff\xc3(\xe2\x82") == R"("\xff\xc3(\xe2\x82")");
  CHECK(quoted("\xed\xa0\x80") == R"("\xed\xa0\x80")"); // a surrogate
  CHECK(quoted("\xc2\x9b"
               "31m") == R"("\xc2\x9b31m")"); // a control character of two bytes
}

TEST_CASE("a long text is cut, but no character in two") {
  CHECK(quoted(std::string(200, 'x')) == '"' + std::string(200, 'x') + '"');
  CHECK(quoted(std::string(201, 'x')) == '"' + std::string(200, 'x') + "...\"");
  CHECK(quoted(std::string(199, 'x') + "\xe2\x82\xac!") == '"' + std::string(199, 'x') + "...\"");
  CHECK(quoted(std::string(300, '\x80')).starts_with("\"\\x80\\x80"));
}

TEST_CASE("a long body is shown by its beginning and its end, where a stack trace names the error") {
  std::string const whole(1024, 'x');
  CHECK(quoted_body(whole) == '"' + whole + '"');
  auto const traceback = "Traceback:" + std::string(10'000, '.') + "\nValueError: no such thing";
  auto const shown = quoted_body(traceback);
  CHECK(shown.starts_with("\"Traceback:......"));
  CHECK(shown.find("..... ... .....") != std::string::npos);
  CHECK(shown.ends_with(R"(....\nValueError: no such thing")"));
  CHECK(shown.size() == 256 + 5 + 768 + 1 + 2);
  auto const euros = quoted_body("\xe2\x82\xac" + std::string(252, 'x') + "\xe2\x82\xac" + std::string(800, 'y') +
                                 "\xe2\x82\xac" + std::string(766, 'z'));
  CHECK(euros == "\"\xe2\x82\xac" + std::string(252, 'x') + " ... " + std::string(766, 'z') + '"');
}

TEST_CASE("a line of a log stays bounded whatever is sent") {
  CHECK(quoted(std::string(100'000, '\0')).size() < 1000);
  CHECK(quoted_body(std::string(100'000, '\0')).size() < 5000);
}
