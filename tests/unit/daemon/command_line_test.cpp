#include "daemon/command_line.hpp"

#include <catch2/catch.hpp>

using namespace statefund::daemon;

using lines = std::vector<std::string>;

namespace {

std::vector<char const*> const every_setting_flag{
    "--modules",   "/m", "--ingress-socket", "/i", "--admin-socket=/a", "--admin-listen", "h:1", "--store", "memory",
    "--state-dir", "/s", "--shards",         "2",  "--log-level",       "debug"};

command_line parsed(std::vector<char const*> const& arguments) {
  auto read = parse_command_line(arguments);
  if (!read)
    FAIL(read.error().front());
  return *std::move(read);
}

lines errors_of(std::vector<char const*> const& arguments) {
  auto const read = parse_command_line(arguments);
  return read ? lines{} : read.error();
}

lines written(command_line const& read) {
  lines all;
  for (assignment const& each : read.assignments)
    all.push_back(each.given_by + " | " + each.path + " | " + each.value);
  return all;
}

} // namespace

TEST_CASE("without flags the daemon serves by its settings file") {
  auto const read = parsed({});
  CHECK(read.asked == action::serve);
  CHECK_FALSE(read.config);
  CHECK(read.assignments.empty());
}

TEST_CASE("every flag for a setting is an assignment, and its path is a setting") {
  auto const read = parsed(every_setting_flag);
  CHECK(written(read) == lines{"--modules | modules | /m", "--ingress-socket | ingress.socket | /i",
                               "--admin-socket | admin.socket | /a", "--admin-listen | admin.listen | h:1",
                               "--store | store.kind | memory", "--state-dir | store.path | /s",
                               "--shards | shards | 2", "--log-level | log.level | debug"});
  CHECK(combine({}, read.assignments).has_value());
}

TEST_CASE("assignments keep the order in which they are given, repeated ones too") {
  CHECK(written(parsed({"--set", "shards=1", "--shards", "2", "--set", "shards=3", "--set", "store.accept_loss=a=b",
                        "--set", "ingress.group="})) ==
        lines{"--set shards | shards | 1", "--shards | shards | 2", "--set shards | shards | 3",
              "--set store.accept_loss | store.accept_loss | a=b", "--set ingress.group | ingress.group | "});
}

TEST_CASE("what follows two dashes configures embedded modules") {
  auto const read = parsed({"--shards", "2", "--", "--greeting", "hello", "--a.b", "-1"});
  CHECK(written(read) == lines{"--shards | shards | 2", "-- --greeting | module.global-config.greeting | hello",
                               "-- --a.b | module.global-config.a.b | -1"});
  CHECK(combine({}, read.assignments)->values.global_config.at("a.b") == "-1");
  CHECK(errors_of({"--", "greeting", "hello"}) == lines{R"(--: error: "greeting"; expected --key value pairs)"});
  CHECK(errors_of({"--", "--greeting"}) ==
        lines{R"(--: error: "--greeting" has no value; expected --key value pairs)"});
  CHECK(errors_of({"--", "--a", "--b"}) == lines{R"(--: error: "--a" has no value; expected --key value pairs)"});
}

TEST_CASE("a flag says what the daemon is asked for, and only one can") {
  CHECK(parsed({"--check"}).asked == action::check);
  CHECK(parsed({"--print-config", "--shards", "2"}).asked == action::print_config);
  CHECK(parsed({"--version"}).asked == action::version);
  CHECK(parsed({"--help"}).asked == action::help);
  CHECK(parsed({"-h"}).asked == action::help);
  CHECK(parsed({"--config", "/c"}).config == "/c");
  CHECK(parsed({"--check"}).as == output::human);
  CHECK(parsed({"--json", "--check"}).as == output::json);
  CHECK(errors_of({"--json"}) == lines{"error: --json stands alone; expected --check with it"});
  CHECK(errors_of({"--json", "--print-config"}).size() == 1);
  CHECK(errors_of({"--check", "--version"}) == lines{"error: --check and --version exclude each other"});
}

TEST_CASE("flags that are unknown or incomplete are errors, all in one go") {
  CHECK(errors_of({"--modlues", "/m", "--set", "shards", "--chek"}) ==
        lines{R"(--set: error: "shards"; expected key.path=value)",
              R"(error: "--modlues" is not a flag; did you mean "--modules"?)",
              R"(error: "--chek" is not a flag; did you mean "--check"?)"});
  CHECK(errors_of({"/m"}) == lines{R"(error: "/m" stands alone; expected a flag before it)"});
  CHECK(errors_of({"--shards"}).size() == 1);
}

TEST_CASE("the help names every flag") {
  std::string const help = help_text();
  for (char const* const flag :
       {"--config FILE", "--modules DIR", "--ingress-socket PATH", "--admin-socket PATH", "--admin-listen HOST:PORT",
        "--store memory|rocksdb", "--state-dir DIR", "--shards N", "--log-level LEVEL", "--set KEY.PATH=VALUE",
        "--check", "--json", "--print-config", "--version", "--help", "-- --key value"}) {
    CAPTURE(flag);
    CHECK_THAT(help, Catch::Contains(flag));
  }
}
