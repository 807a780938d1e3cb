#include "dialogue/statefunctl/fake_daemon.hpp"
#include "http/problem.hpp"

using namespace statefund;
using dialogue::good;
using dialogue::running_daemon;
using statefunctl::exit_code;

namespace {

http::response accepted() {
  http::response one;
  one.status = 202;
  one.headers.emplace_back("Statefun-Message-Id", "1f-0");
  return one;
}

} // namespace

TEST_CASE("send puts one message in, and says its id") {
  running_daemon at;
  at.said.answers = {accepted(), accepted(), accepted(), accepted()};
  at.said.answers[3].status = 200;
  at.said.answers[3].headers.emplace_back("Statefun-Duplicate", "true");
  CHECK(at.run({"send", "a/b/c%2Fd", "--text", "hi", "--key", "k", "--delay", "10s"}) == exit_code::done);
  CHECK(at.out.str() == "accepted, 1f-0\n");
  CHECK(at.run({"send", "a/b/c", "--type", "t", "--json", "{\"x\": 1}"}) == exit_code::done);
  at.in.str("from standard input");
  CHECK(at.run({"--json", "send", "a/b/c", "--type", "t"}) == exit_code::done);
  CHECK(at.out.str() == "{\"duplicate\":false,\"id\":\"1f-0\"}\n");
  CHECK(at.run({"send", "a/b/c", "--text", ""}) == exit_code::done);
  CHECK(at.out.str() == "accepted before, as 1f-0\n");
  CHECK(at.said.requests ==
        std::vector<std::string>{
            "PUT /a/b/c%2Fd Content-Type=text/plain; charset=utf-8 Idempotency-Key=k Statefun-Delay=10s [hi]",
            "PUT /a/b/c Statefun-Type=t [{\"x\": 1}]", "PUT /a/b/c Statefun-Type=t [from standard input]",
            "PUT /a/b/c Content-Type=text/plain; charset=utf-8"});
}

TEST_CASE("a refusal is told by its number and its sentence, and is a failure") {
  running_daemon at;
  at.said.answers = {http::problem(number::mailbox_full, "the mailbox of a/b/c is full", std::chrono::seconds(1))};
  CHECK(at.run({"send", "a/b/c", "--text", "hi"}) == exit_code::failed);
  CHECK(at.err.str() == "statefunctl: SF0105 (429): the mailbox of a/b/c is full; try again in 1 s\n");
  CHECK(at.out.str().empty());
  CHECK(at.run({"send", "a/b/c", "--text", "hi"}) == exit_code::failed);
  CHECK(at.err.str().find("closed the connection without an answer") != std::string::npos);
}

TEST_CASE("what cannot be sent is told before the daemon is asked") {
  running_daemon at;
  CHECK(at.run({"send", "a/b", "--text", "hi"}) == exit_code::usage);
  CHECK(at.err.str().find("'a/b' is no address") != std::string::npos);
  CHECK(at.run({"send", "a/b/c", "--json", "1"}) == exit_code::usage);
  CHECK(at.err.str().find("--type") != std::string::npos);
  CHECK(at.run({"send", "a/b/c", "--type", "t", "--json", "{"}) == exit_code::usage);
  CHECK(at.run({"send", "a/b/c", "--type", "t", "--file", "/no/such/file"}) == exit_code::failed);
  CHECK(at.run({"send", "a/b/c", "--text", "x", "--json", "1"}) == exit_code::usage);
  CHECK(at.run({"egress", "tail", "x"}) == exit_code::usage);
  CHECK(at.run({"egress", "tail", "e/f", "--wait", "x"}) == exit_code::usage);
  CHECK(at.said.requests.empty());
}

TEST_CASE("a tail acknowledges what it has printed with its next read, the last one too") {
  running_daemon at;
  std::string const first =
      "{\"seq\":7,\"from\":\"a/b/c\",\"type\":\"io.statefun.types/string\",\"value\":\"CgJoaQ==\"}\n"
      "{\"seq\":9,\"from\":\"a/b/d\",\"type\":\"t\"}\n";
  std::string const second = "{\"seq\":12,\"from\":\"a/b/e\",\"type\":\"t\",\"value\":\"Zm9v\"}\n";
  at.said.answers = {good(200, first), good(200, second), good(200, "")};
  CHECK(at.run({"egress", "tail", "e/f", "--count", "3"}) == exit_code::done);
  CHECK(at.out.str() == "7  a/b/c  io.statefun.types/string  hi\n"
                        "9  a/b/d  t  (no value)\n"
                        "12  a/b/e  t  foo\n");
  CHECK(at.said.requests == std::vector<std::string>{"GET /-/egress/e/f?max=3&wait=10000ms",
                                                     "GET /-/egress/e/f?max=1&wait=10000ms&after=9",
                                                     "GET /-/egress/e/f?max=1&wait=0ms&after=12"});
}

TEST_CASE("a tail that peeks acknowledges nothing, and one that waits in vain says so") {
  running_daemon at;
  at.said.answers = {good(200, "{\"seq\":7,\"from\":\"a/b/c\",\"type\":\"t\"}\n"), good(200, "")};
  CHECK(at.run({"egress", "tail", "e/f", "--peek", "-n", "1", "--json"}) == exit_code::done);
  CHECK(at.out.str() == "{\"from\":\"a/b/c\",\"seq\":7,\"type\":\"t\"}\n");
  CHECK(at.run({"egress", "tail", "e/f", "-n", "1", "--wait", "0s"}) == exit_code::failed);
  CHECK(at.err.str() == "statefunctl: only 0 of 1 records came within 0s\n");
  CHECK(at.said.requests ==
        std::vector<std::string>{"GET /-/egress/e/f?max=1&wait=10000ms&peek=true", "GET /-/egress/e/f?max=1&wait=0ms"});
}
