#include "dialogue/statefunctl/fake_daemon.hpp"

#include <string>

using namespace statefund;
using dialogue::good;
using dialogue::running_daemon;
using statefunctl::exit_code;

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
                        "  store memory, 2 shards, 3 delayed, 1.5 KiB of 256.0 MiB buffered, 1 client\n"
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

TEST_CASE("status says what may be lost, and that messages are refused for want of space") {
  running_daemon at;
  at.said.answers = {good(200, R"({"version":"0.1.0","state":"ready","store_kind":"rocksdb","store_may_lose":"a second",
    "store_lacks_space":"the disk has 7 bytes free, store.free_bytes_min is 8"})")};
  CHECK(at.run({"status"}) == exit_code::done);
  CHECK_THAT(at.out.str(),
             Catch::Contains("\n"
                             "  may be lost: a second\n"
                             "  the disk has 7 bytes free, store.free_bytes_min is 8: messages are refused (SF0307)\n"
                             "\n"));
}

TEST_CASE("functions are a table, in which a type that is paused as a whole says so") {
  running_daemon at;
  at.said.answers = {
      good(200, R"({"functions":[{"type":"ns/fn","endpoint":"http://x/","backlog_count":7,"addresses_count":2,)"
                R"("calls_in_flight_count":1,"addresses_in_backoff_count":0,"addresses_held_count":0,)"
                R"("addresses_paused_count":1,"paused":null},)"
                R"({"type":"ns/gone","endpoint":"","backlog_count":1,"addresses_count":1,"paused":{"by":"operator",)"
                R"("reason":"uid 7","since_unix_ms":1}}]})"),
      good(200, R"({"functions":[]})")};
  CHECK(at.run({"functions"}) == exit_code::done);
  CHECK(at.out.str() == "FUNCTION  BACKLOG  ADDRESSES  IN FLIGHT  BACKED OFF  HELD  PAUSED  ENDPOINT\n"
                        "ns/fn           7          2          1           0     0  1       http://x/\n"
                        "ns/gone         1          1          0           0     0  all     no module declares it\n");
  CHECK(at.run({"functions"}) == exit_code::done);
  CHECK(at.out.str() == "No functions: no module declares one.\n");
}
