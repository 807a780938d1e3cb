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
  CHECK(at.run({"send", "a/b", "--text", "hi"}) == exit_code::failed);
  CHECK(at.err.str().find("'a/b' is no address") != std::string::npos);
  CHECK(at.run({"send", "a/b/c", "--json", "1"}) == exit_code::failed);
  CHECK(at.err.str().find("--type") != std::string::npos);
  CHECK(at.run({"send", "a/b/c", "--type", "t", "--json", "{"}) == exit_code::failed);
  CHECK(at.run({"send", "a/b/c", "--type", "t", "--file", "/no/such/file"}) == exit_code::failed);
  CHECK(at.run({"send", "a/b/c", "--text", "x", "--json", "1"}) == exit_code::usage);
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

TEST_CASE("status is printed in columns, or as the daemon gave it") {
  running_daemon at;
  std::string const body = R"({"version":"0.1.0","state":"ready","uptime_seconds":61,"shards_count":2,
    "store_kind":"memory","buffered_bytes":1536,"buffered_bytes_max":268435456,"delayed_pending_count":3,
    "ingress_connections_count":1,"modules_generation":1,
    "modules":[{"file":"a.yaml","state":"loaded","diagnostics":[]},
               {"file":"b.yaml","state":"refused","diagnostics":[{"file":"b.yaml","line":1,"column":2,
                "message":"no such kind","hint":"write another"}]},
               {"file":"c.yaml","state":"kept","diagnostics":[{"file":"c.yaml","line":0,"column":0,
                "message":"the file cannot be opened","hint":""}]}],
    "declared_not_running":[{"what":"the router of x/y","where":"a.yaml:3:4","why":"not in this version"}],
    "functions":[{"type":"a/b","generation":"3.x","endpoint":"http://x/","backlog_count":1200,
                  "last_failure":{"error":"connection refused","attempts_count":3,"next_attempt_unix_ms":null}}],
    "egresses":[{"egress":"e/f","kind":"queue","records_count":2,"bytes":30}]})";
  at.said.answers = {good(200, body), good(200, body)};
  CHECK(at.run({"status"}) == exit_code::done);
  CHECK(at.out.str() == "statefund 0.1.0, ready, up 1m 1s\n"
                        "  store memory, 2 shards, 3 delayed, 1.5 KiB of 256.0 MiB buffered, 1 clients\n"
                        "\n"
                        "FUNCTION  PROTOCOL  BACKLOG  IN FLIGHT  BACKED OFF  HELD  PAUSED  ENDPOINT\n"
                        "a/b            3.x     1200          0           0     0       0  http://x/\n"
                        "\n"
                        "Failing\n"
                        "  a/b: connection refused (3 in a row)\n"
                        "\n"
                        "EGRESS  KIND   RECORDS  SIZE\n"
                        "e/f     queue        2  30 B\n"
                        "\n"
                        "Declared, and not running in this version\n"
                        "  the router of x/y, a.yaml:3:4: not in this version\n"
                        "\n"
                        "Modules: 3 files, generation 1\n"
                        "  b.yaml: refused\n"
                        "    b.yaml:1:2: no such kind; write another\n"
                        "  c.yaml: its last good version is in force\n"
                        "    c.yaml: the file cannot be opened\n");
  CHECK(at.run({"status", "--json"}) == exit_code::done);
  CHECK(at.out.str() == body);
}

TEST_CASE("reload says which generation is in force, or which files have errors") {
  running_daemon at;
  std::string const body = R"({"generation":7,"files_count":3,"functions_count":12})";
  at.said.answers = {good(200, body), good(200, body)};
  CHECK(at.run({"reload"}) == exit_code::done);
  CHECK(at.out.str() == "generation 7 is in force: 12 functions from 3 module files\n");
  CHECK(at.run({"--json", "reload"}) == exit_code::done);
  CHECK(at.out.str() == body);
  CHECK(at.said.requests == std::vector<std::string>{"POST /-/reload", "POST /-/reload"});

  at.said.answers = {good(422, R"({"status":422,"code":"SF0122","detail":"some files have errors","generation":8,
    "diagnostics":[{"file":"b.yaml","line":1,"column":2,"message":"no such kind","hint":""}]})")};
  CHECK(at.run({"reload"}) == exit_code::failed);
  CHECK(at.err.str() == "b.yaml:1:2: no such kind\nstatefunctl: SF0122 (422): some files have errors\n");
}

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
