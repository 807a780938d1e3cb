#include "dialogue/statefunctl/fake_daemon.hpp"

#include <sstream>
#include <string>
#include <vector>

using namespace statefund;
using Catch::Matchers::Contains;
using dialogue::running_daemon;
using statefunctl::exit_code;

TEST_CASE("a daemon that is not there is told by its socket; a mistyped verb by the nearest") {
  dialogue::socket_directory directory;
  std::string const socket = directory.path("none");
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  char const* const status[] = {"statefunctl", "--admin-socket", socket.c_str(), "status"};
  CHECK(statefunctl::run(4, status, in, out, err) == exit_code::failed);
  CHECK(err.str().find(socket) != std::string::npos);
  CHECK(err.str().find("is statefund running") != std::string::npos);
  err.str("");
  char const* const mistyped[] = {"statefunctl", "stauts"};
  CHECK(statefunctl::run(2, mistyped, in, out, err) == exit_code::usage);
  CHECK(err.str() == "statefunctl: 'stauts' is no verb; did you mean 'status'?\n");
  char const* const help[] = {"statefunctl", "--help"};
  CHECK(statefunctl::run(2, help, in, out, err) == exit_code::done);
  CHECK(out.str().find("egress") != std::string::npos);
}

TEST_CASE("a command line that cannot be used is told with its verb, and what it could have been") {
  running_daemon at;
  auto const told = [&](std::vector<std::string> const& words) {
    CHECK(at.run(words) == exit_code::usage);
    CHECK(at.out.str().empty());
    return at.err.str();
  };
  CHECK(told({}) == "statefunctl: a verb is missing; see statefunctl --help\n");
  CHECK(told({"status", "--foo"}) == "statefunctl status: '--foo' is not expected; see statefunctl status --help\n");
  CHECK(told({"pause", "ns/fn", "--reson", "x"}) == "statefunctl pause: '--reson' is not expected, perhaps "
                                                    "'--reason'; see statefunctl pause --help\n");
  CHECK(
      told({"--admin-sock", "/run/x.sock", "status"}) ==
      "statefunctl status: '--admin-sock' is not expected, perhaps '--admin-socket'; see statefunctl status --help\n");
  CHECK(told({"--json", "stauts"}) == "statefunctl: 'stauts' is no verb; did you mean 'status'?\n");
  CHECK(told({"--foo"}) == "statefunctl: '--foo' is not expected; see statefunctl --help\n");
  CHECK(told({"pause", "ns/fn", "--reason"}) ==
        "statefunctl pause: --reason: 1 required TEXT missing; see statefunctl pause --help\n");
  CHECK(told({"describe"}) == "statefunctl describe: address is required; see statefunctl describe --help\n");
  CHECK(told({"dead-letters", "lst"}) == "statefunctl dead-letters: expected list, show, replay or drop; see "
                                         "statefunctl dead-letters --help\n");
  CHECK(told({"dead-letters", "list", "--max", "x"}) ==
        "statefunctl dead-letters list: Could not convert: --max = x; see statefunctl dead-letters list --help\n");
  CHECK(told({"egress"}) == "statefunctl egress: expected tail; see statefunctl egress --help\n");
  CHECK(at.said.requests.empty());
}

TEST_CASE("help names every verb, and a verb's help its words") {
  running_daemon at;
  CHECK(at.run({"--help"}) == exit_code::done);
  for (char const* const verb : {"functions", "addresses", "describe", "pause", "resume", "skip", "dead-letters"})
    CHECK_THAT(at.out.str(), Contains(verb));
  CHECK(at.run({"skip", "--help"}) == exit_code::done);
  CHECK_THAT(at.out.str(), Contains("--message"));
  CHECK(at.run({"dead-letters", "replay", "--help"}) == exit_code::done);
  CHECK_THAT(at.out.str(), Contains("later messages may have passed them"));
}
