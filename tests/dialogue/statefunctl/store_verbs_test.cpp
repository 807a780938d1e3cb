#include "dialogue/statefunctl/fake_daemon.hpp"
#include "http/problem.hpp"
#include "store/rocks_store.hpp"
#include "support/temporary_directory.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>

using namespace statefund;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;
using dialogue::good;
using dialogue::running_daemon;
using nlohmann::json;
using statefunctl::exit_code;

namespace {

// A data directory with one message in it. Its number.
std::uint64_t fill(std::filesystem::path const& directory) {
  store::rocks_store_options chosen;
  chosen.database.directory = directory;
  auto const opened = store::rocks_store::open(chosen, [](error const& why) { FAIL(why.to_string()); });
  REQUIRE(opened.has_value());
  message::change whole;
  whole.self = {{"ns", "fn"}, "alice"};
  whole.messages = {{whole.self, std::nullopt, {"t", true, "v"}}};
  return (*opened)->commit(whole).number();
}

} // namespace

TEST_CASE("store check prints what there is, and that nothing is wrong") {
  running_daemon at;
  support::temporary_directory const place;
  auto const directory = (place.path() / "state").string();
  auto const number = std::to_string(fill(directory));
  CHECK(at.run({"store", "check", directory}) == exit_code::done);
  CHECK_THAT(at.out.str(), StartsWith(directory + ": format 1, 256 partitions, changes up to " + number +
                                      ", durable up to " + number +
                                      "\n\n"
                                      "TABLE          ROWS  SIZE  EXPIRED\n"
                                      "default           2"));
  CHECK_THAT(at.out.str(), Contains("\nmailbox           1  36 B        0\n"));
  CHECK_THAT(at.out.str(), EndsWith("\n\nAll of it can be read, and nothing is wrong.\n"));
  CHECK(at.run({"store", "check", directory, "--json"}) == exit_code::done);
  auto const told = json::parse(at.out.str());
  CHECK(told["ok"] == true);
  CHECK(told["directory"] == directory);
  CHECK(told["format_version"] == 1);
  CHECK(told["partition_count"] == 256);
  CHECK(std::to_string(told["last_number"].get<std::uint64_t>()) == number);
  CHECK(told["promised"] == told["last_number"]);
  CHECK(told["findings"] == json::array());
  CHECK(told["findings_count"] == 0);
  CHECK(told["tables"].size() == 11);
  CHECK(told["tables"][1] == json{{"name", "mailbox"}, {"rows_count", 1}, {"bytes", 36}, {"expired_count", 0}});
  CHECK(at.said.requests.empty());
}

TEST_CASE("store check names each finding, and exits with 1") {
  running_daemon at;
  support::temporary_directory const place;
  auto const directory = (place.path() / "state").string();
  auto const number = std::to_string(fill(directory));
  CHECK(std::filesystem::remove(place.path() / "state" / "promise"));
  auto const what = directory + "/promise is missing or damaged, so nothing says whether the changes up to number " +
                    number + " are all";
  CHECK(at.run({"store", "check", directory}) == exit_code::failed);
  CHECK_THAT(at.out.str(), Contains(", durable up to (unknown)\n"));
  CHECK_THAT(at.out.str(), EndsWith("\npromise: " + what + "\n1 finding.\n"));
  CHECK(at.run({"store", "check", directory, "--json"}) == exit_code::failed);
  auto const told = json::parse(at.out.str());
  CHECK(told["ok"] == false);
  CHECK(told["promised"].is_null());
  CHECK(told["findings"] == json::array({{{"table", "promise"}, {"key", ""}, {"what", what}}}));
}

TEST_CASE("store check says why it cannot read a directory") {
  running_daemon at;
  support::temporary_directory const place;
  auto const directory = (place.path() / "none").string();
  CHECK(at.run({"store", "check", directory}) == exit_code::failed);
  CHECK(at.out.str().empty());
  CHECK_THAT(at.err.str(), StartsWith("statefunctl: ") && Contains(directory + ": No such file or directory"));
  CHECK(at.run({"--json", "store", "check", directory}) == exit_code::failed);
  CHECK(json::parse(at.out.str())["ok"] == false);
  CHECK_THAT(json::parse(at.out.str()).value("error", ""), Contains("No such file or directory"));
  CHECK(at.run({"store", "check"}) == exit_code::usage);
  CHECK(at.run({"store"}) == exit_code::usage);
  CHECK(at.run({"store", "chek", directory}) == exit_code::usage);
}

TEST_CASE("backup asks the daemon for a copy, and says what is in it") {
  running_daemon at;
  auto const made = R"({"directory":"/srv/a & b","number":1791234567890123,"bytes":2048,"took_ms":1250})"
                    "\n";
  at.said.answers = {good(200, made), good(200, made),
                     http::problem(number::backup_directory_unusable, "/srv/x is there already")};
  CHECK(at.run({"backup", "/srv/a & b"}) == exit_code::done);
  CHECK(at.out.str() == "/srv/a & b: changes up to 1791234567890123, 2.0 KiB, in 1.25 s\n");
  CHECK(at.run({"backup", "/srv/a & b", "--json"}) == exit_code::done);
  CHECK(at.out.str() == made);
  CHECK(at.run({"backup", "/srv/x"}) == exit_code::failed);
  CHECK_THAT(at.err.str(), Contains("SF0312 (409): /srv/x is there already"));
  CHECK(at.said.requests == std::vector<std::string>{"POST /v1/backup?directory=%2Fsrv%2Fa%20%26%20b",
                                                     "POST /v1/backup?directory=%2Fsrv%2Fa%20%26%20b",
                                                     "POST /v1/backup?directory=%2Fsrv%2Fx"});
}

TEST_CASE("backup wants a path on the daemon's machine, and asks for none that is relative") {
  running_daemon at;
  CHECK(at.run({"backup", "here"}) == exit_code::usage);
  CHECK_THAT(at.err.str(), Contains("'here' is no absolute path; the backup is made by the daemon, on its machine"));
  CHECK(at.run({"backup"}) == exit_code::usage);
  CHECK(at.said.requests.empty());
}
