#include "log/rendering.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

using namespace statefund;
using namespace statefund::log;
using namespace std::string_literals;

namespace {

// 2026-01-02T03:04:05.678Z
constexpr auto noon = std::chrono::system_clock::time_point(std::chrono::milliseconds(1'767'323'045'678));

std::string text_with(std::string_view value) {
  field const facts[] = {{"path", value}};
  return text_of({noon, level::warning, "egress", number::egress_held, "addresses stand still", facts});
}

std::string json_with(field fact) {
  field const facts[] = {fact};
  return json_of({noon, level::warning, "egress", number::egress_held, "addresses stand still", facts});
}

} // namespace

TEST_CASE("a text line is the number, the sentence and the fields in order") {
  field const facts[] = {{"address", "a/b/c"}, {"attempt", 3}, {"share", 0.5}, {"durable", true}};
  CHECK(text_of({noon, level::info, "dispatch", number::call_failed, "a call failed", facts}) ==
        "SF0201 a call failed address=a/b/c attempt=3 share=0.5 durable=true");
}

TEST_CASE("a debug line names its room instead of a number") {
  CHECK(text_of({noon, level::debug, "dispatch", {}, "took a batch", {}}) == "dispatch: took a batch");
}

TEST_CASE("text values are quoted only where they could be misread") {
  CHECK(text_with("a/b:c,d") == "SF0206 addresses stand still path=a/b:c,d");
  CHECK(text_with("") == R"(SF0206 addresses stand still path="")");
  CHECK(text_with("two words") == R"(SF0206 addresses stand still path="two words")");
  CHECK(text_with("x=y") == R"(SF0206 addresses stand still path="x=y")");
  CHECK(text_with(R"(say "a\b")") == R"(SF0206 addresses stand still path="say \"a\\b\"")");
  CHECK(text_with("gr\u00fc\u00dfe") == "SF0206 addresses stand still path=gr\u00fc\u00dfe");
}

TEST_CASE("no value can forge a line, steer a terminal or reorder the text") {
  CHECK(text_with("a\r\n2026-01-01 error\t\x1b[2J\x7f") ==
        R"(SF0206 addresses stand still path="a\r\n2026-01-01 error\t\u{1b}[2J\u{7f}")");
  CHECK(text_with("\u009b31m\u2028\u202e") == R"(SF0206 addresses stand still path="\u{9b}31m\u{2028}\u{202e}")");
  CHECK(text_with("nul\0nul"s) == R"(SF0206 addresses stand still path="nul\u{0}nul")");
  CHECK(text_of({noon, level::debug, "dispatch", {}, "two\nlines", {}}) == R"(dispatch: two\nlines)");
}

TEST_CASE("bytes that are not UTF-8 are shown as such") {
  for (std::string const& bad : {"\xff"s, "\xc0\xaf"s, "\xe2\x82"s, "\xed\xa0\x80"s, "\xf4\x90\x80\x80"s, "\x80"s}) {
    CAPTURE(bad.size());
    std::string shown;
    for (char const byte : bad) {
      char form[5];
      std::snprintf(form, sizeof form, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(byte)));
      shown += form;
    }
    CHECK(text_with(bad) == "SF0206 addresses stand still path=\"" + shown + "\"");
  }
}

TEST_CASE("a JSON line holds everything, typed") {
  field const facts[] = {{"address", "a/b/c"}, {"attempt", 3}, {"share", 0.5}, {"durable", true}};
  auto const line = json_of({noon, level::error, "dispatch", number::call_failed, "a call failed", facts});
  CHECK(line == R"({"time":"2026-01-02T03:04:05.678Z","level":"error","number":"SF0201","room":"dispatch",)"
                R"("message":"a call failed","fields":{"address":"a/b/c","attempt":3,"share":0.5,"durable":true}})");
  CHECK_NOTHROW(nlohmann::json::parse(line));
}

TEST_CASE("a JSON debug line has no number") {
  auto const parsed = nlohmann::json::parse(json_of({noon, level::debug, "dispatch", {}, "took a batch", {}}));
  CHECK_FALSE(parsed.contains("number"));
  CHECK(parsed["fields"].empty());
}

TEST_CASE("any text survives JSON, and bytes that are not UTF-8 become replacement characters") {
  for (std::string const& text : {"\n\r\t\"\\\x01\x1f\x7f"s, "nul\0nul"s, "\u009b\u2028\u202e\U0001f600"s})
    CHECK(nlohmann::json::parse(json_with({"path", text}))["fields"]["path"] == text);
  CHECK(nlohmann::json::parse(json_with({"path", "a\xff\xc3"}))["fields"]["path"] == "a\ufffd\ufffd");
  for (int byte = 0; byte < 256; ++byte) {
    std::string const text{static_cast<char>(byte), 'x'};
    auto const line = json_with({"path", text});
    CHECK_NOTHROW(nlohmann::json::parse(line));
    CHECK(line.find('\n') == std::string::npos);
  }
}

TEST_CASE("a number that is not finite is null in JSON") {
  CHECK(nlohmann::json::parse(json_with({"share", std::numeric_limits<double>::infinity()}))["fields"]["share"] ==
        nullptr);
}

TEST_CASE("a journal entry has priority, number, message id, room and the raw fields") {
  field const facts[] = {{"function_type", "a/b"}, {"why", "no route\nPRIORITY=0"}};
  auto const entry = journal_fields_of({noon, level::warning, "dispatch", number::call_failed, "a call failed", facts});
  CHECK(entry == std::vector<std::string>{
                     R"(MESSAGE=SF0201 a call failed function_type=a/b why="no route\nPRIORITY=0")",
                     "PRIORITY=4",
                     "SYSLOG_IDENTIFIER=statefund",
                     "STATEFUND_ROOM=dispatch",
                     "MESSAGE_ID=7d1c3f0e5b2a4c6f9e8d0a4b3c2d00c9",
                     "STATEFUND_NUMBER=SF0201",
                     "STATEFUND_FUNCTION_TYPE=a/b",
                     "STATEFUND_WHY=no route\nPRIORITY=0",
                 });
}

TEST_CASE("levels become the journal's priorities") {
  auto const priority = [](level severity) {
    return journal_fields_of({noon, severity, "dispatch", {}, "said", {}}).at(1);
  };
  CHECK(priority(level::debug) == "PRIORITY=7");
  CHECK(priority(level::info) == "PRIORITY=6");
  CHECK(priority(level::warning) == "PRIORITY=4");
  CHECK(priority(level::error) == "PRIORITY=3");
}

TEST_CASE("the journal is known by the device and inode of its stream") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  struct stat found {};
  REQUIRE(fstat(ends[1], &found) == 0);
  auto const stream = std::to_string(found.st_dev) + ":" + std::to_string(found.st_ino);
  CHECK(is_journal(ends[1], stream.c_str()));
  CHECK_FALSE(is_journal(ends[1], nullptr));
  CHECK_FALSE(is_journal(ends[1], ""));
  CHECK_FALSE(is_journal(ends[1], (stream + "1").c_str()));
  CHECK_FALSE(is_journal(ends[1], (stream + " ").c_str()));
  CHECK_FALSE(is_journal(STDERR_FILENO, stream.c_str()));
  close(ends[0]);
  close(ends[1]);
}
