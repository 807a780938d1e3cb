#include "http/errc.hpp"
#include "http/problem.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace statefund;

TEST_CASE("a problem carries its number, its status and a sentence") {
  auto const answer = http::problem(number::mailbox_full, "the mailbox of a/b/c is full", std::chrono::seconds(2));
  CHECK(answer.status == 429);
  CHECK(answer.content_type == "application/problem+json");
  REQUIRE(answer.headers.size() == 1);
  CHECK(answer.headers[0] == std::pair<std::string_view, std::string>("Retry-After", "2"));
  auto const body = nlohmann::json::parse(answer.body);
  CHECK(body["code"] == "SF0105");
  CHECK(body["status"] == 429);
  CHECK(body["title"] == "Too Many Requests");
  CHECK(body["detail"] == "the mailbox of a/b/c is full");
}

TEST_CASE("what a client sent is quoted as JSON, whatever its bytes are") {
  std::string const nasty = std::string("a\"\\\n\0\x1f", 6) + "\xff\xed\xa0\x80\xc3\xa4\xf4\x90\x80\x80\xe2\x82";
  std::string text;
  http::append_json_string(text, nasty);
  auto const read = nlohmann::json::parse(text).get<std::string>();
  CHECK(read.substr(0, 6) == nasty.substr(0, 6));
  CHECK(read.find("\xc3\xa4") != std::string::npos);
}

TEST_CASE("a client that is gone gets no answer") {
  CHECK_FALSE(http::answer_to(error{http::errc::connection_lost, {}}));
  CHECK(http::answer_to(error{http::errc::client_too_slow, {}})->status == 408);
  CHECK(http::answer_to(error{http::errc::body_too_large, {}})->status == 413);
}
