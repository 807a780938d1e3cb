#include "dialogue/statefunctl/fake_daemon.hpp"
#include "http/problem.hpp"

#include <string>
#include <vector>

using namespace statefund;
using Catch::Matchers::Contains;
using dialogue::good;
using dialogue::running_daemon;
using dialogue::unix_ms_in;
using statefunctl::exit_code;

namespace {

using texts = std::vector<std::string>;

std::string const failing = R"({"address":"ns/fn/alice","state":"backing_off","messages_count":3,"bytes":36,)"
                            R"("oldest_age_ms":64000,"failures_count":5,"last_error":"the function answered 500",)"
                            R"("next_attempt_unix_ms":)";

std::string const head = R"("head":{"message":"1f-0","type":"test/json","bytes":12,"caller":null})";

} // namespace

TEST_CASE("addresses are a table, with times as ages, and a line that says what was left out") {
  running_daemon at;
  auto const two = R"({"addresses":[)" + failing + unix_ms_in(12) +
                   R"(},{"address":"ns/fn/b%2Fob","state":"unbound",)" +
                   R"("messages_count":1,"bytes":2048,"oldest_age_ms":500,"failures_count":0,"last_error":"",)" +
                   R"("next_attempt_unix_ms":null}],"total_count":17,"durable":true})" + "\n";
  at.said.answers = {good(200, two), good(200, two), good(200, R"({"addresses":[],"total_count":0,"durable":true})"),
                     good(200, R"({"addresses":[],"total_count":0,"durable":true})")};
  CHECK(at.run({"addresses"}) == exit_code::done);
  CHECK(at.out.str() ==
        "ADDRESS       STATE        MESSAGES     SIZE  OLDEST  FAILURES  NEXT CALL  LAST ERROR\n"
        "ns/fn/alice   backing off         3     36 B   1m 4s         5  in 12s     the function answered 500\n"
        "ns/fn/b%2Fob  unbound             1  2.0 KiB      0s         0  -\n"
        "\n"
        "The 2 that have waited longest, of 17; --max shows more.\n");
  CHECK(at.run({"addresses", "--state", "backing-off", "--type", "n%2Fs/fn", "--max", "2", "--json"}) ==
        exit_code::done);
  CHECK(at.out.str() == two);
  CHECK(at.run({"addresses"}) == exit_code::done);
  CHECK(at.out.str() == "Nothing waits for any address.\n");
  CHECK(at.run({"addresses", "--state", "held"}) == exit_code::done);
  CHECK(at.out.str() == "No such address.\n");
  CHECK(at.said.requests == texts{"GET /v1/addresses?max=100",
                                  "GET /v1/addresses?max=2&state=backing_off&type=n%252Fs%2Ffn",
                                  "GET /v1/addresses?max=100", "GET /v1/addresses?max=100&state=held"});
}

TEST_CASE("describe tells everything about an address that there is to tell, and nothing else") {
  running_daemon at;
  auto const paused = R"("paused":{"of":"address","by":"operator","reason":"uid 1000: a look","since_unix_ms":)" +
                      unix_ms_in(-182) + "}";
  at.said.answers = {
      good(200, failing + unix_ms_in(12) + R"(,"why":"its last call failed; it is called again after a back-off",)" +
                    R"("paused":null,)" + head + R"(,"delayed_count":2,"delayed_next_due_unix_ms":)" + unix_ms_in(30) +
                    R"(,"states":[{"name":"seen","type":"int","bytes":8,"expires_unix_ms":null},)" +
                    R"({"name":"soon","type":"io.statefun.types/string","bytes":2048,"expires_unix_ms":)" +
                    unix_ms_in(90) + R"(}],"durable":false})"),
      good(200, R"({"address":"ns/fn/alice","state":"paused","messages_count":0,"bytes":0,"oldest_age_ms":null,)" +
                    std::string(R"("failures_count":0,"last_error":"","next_attempt_unix_ms":null,"why":"",)") +
                    paused +
                    R"(,"head":null,"delayed_count":0,"delayed_next_due_unix_ms":null,"states":[],"durable":true})"),
      http::problem(number::address_unknown, "nothing waits for ns/fn/x")};
  CHECK(at.run({"describe", "ns/fn/alice"}) == exit_code::done);
  CHECK(at.out.str() == "ns/fn/alice: backing off, its last call failed; it is called again after a back-off\n"
                        "  messages       3, 36 B, the oldest for 1m 4s\n"
                        "  first message  1f-0, test/json, 12 B, from outside\n"
                        "  failed calls   5 in a row, the next call in 12s\n"
                        "  last error     the function answered 500\n"
                        "  delayed        2 messages, the next due in 30s\n"
                        "  not durable    the disk is behind: a crash may still take some of this back\n"
                        "\n"
                        "STATE  TYPE                         SIZE  EXPIRES\n"
                        "seen   int                           8 B  -\n"
                        "soon   io.statefun.types/string  2.0 KiB  in 1m 30s\n");
  CHECK(at.run({"describe", "ns/fn/alice"}) == exit_code::done);
  CHECK(at.out.str() == "ns/fn/alice: paused\n"
                        "  paused         for 3m 2s, by an operator\n"
                        "                 uid 1000: a look\n");
  CHECK(at.run({"describe", "ns/fn/x"}) == exit_code::failed);
  CHECK(at.err.str() == "statefunctl: SF0124 (404): nothing waits for ns/fn/x\n");
  CHECK(at.run({"describe", "ns/fn"}) == exit_code::usage);
  CHECK_THAT(at.err.str(), Contains("'ns/fn' is no address <namespace>/<name>/<id>: "));
  CHECK(at.said.requests.size() == 3);
}

TEST_CASE("pause and resume take an address or a whole type, and say what became of it") {
  running_daemon at;
  at.said.answers = {good(200, R"({"changed":true})"),
                     good(200, R"({"changed":false})"),
                     good(200, R"({"changed":true})"),
                     good(200, R"({"changed":false})"),
                     good(200, R"({"changed":true})"),
                     good(200, R"({"changed":false})"),
                     good(200, R"({"changed":true})"
                               "\n")};
  CHECK(at.run({"pause", "ns/fn/alice", "--reason", "a look & more"}) == exit_code::done);
  CHECK(at.out.str() == "ns/fn/alice is paused\n");
  CHECK(at.run({"pause", "ns/fn"}) == exit_code::done);
  CHECK(at.out.str() == "ns/fn was paused before\n");
  CHECK(at.run({"resume", "ns/fn"}) == exit_code::done);
  CHECK(at.out.str() == "ns/fn is resumed\n");
  CHECK(at.run({"resume", "ns/fn/alice"}) == exit_code::done);
  CHECK(at.out.str() == "ns/fn/alice was not paused\n");
  CHECK(at.run({"resume", "--all"}) == exit_code::done);
  CHECK(at.out.str() == "statefund is resumed; what was paused by itself stays so\n");
  CHECK(at.run({"resume", "--all"}) == exit_code::done);
  CHECK(at.out.str() == "statefund was not paused\n");
  CHECK(at.run({"--json", "resume", "--all"}) == exit_code::done);
  CHECK(at.out.str() == "{\"changed\":true}\n");
  CHECK(at.said.requests == texts{"POST /v1/addresses/ns/fn/alice/pause?reason=a%20look%20%26%20more",
                                  "POST /v1/functions/ns/fn/pause", "POST /v1/functions/ns/fn/resume",
                                  "POST /v1/addresses/ns/fn/alice/resume", "POST /v1/resume", "POST /v1/resume",
                                  "POST /v1/resume"});
  CHECK(at.run({"resume"}) == exit_code::usage);
  CHECK(at.run({"resume", "ns/fn", "--all"}) == exit_code::usage);
  CHECK(at.run({"pause", "fn"}) == exit_code::usage);
  CHECK(at.err.str() ==
        "statefunctl: 'fn' is neither an address <namespace>/<name>/<id> nor a function type <namespace>/<name>\n");
  CHECK(at.said.requests.size() == 7);
}

TEST_CASE("skip never skips blindly: without an id it shows the first message, and the command that drops it") {
  running_daemon at;
  auto const seen = failing + unix_ms_in(12) + "," + head + R"(,"paused":null,"states":[],"durable":true})";
  at.said.answers = {good(200, seen), good(200, R"({"changed":true})"),
                     http::problem(number::message_not_at_head, "the message 1f-0 is not the first one"),
                     good(200, R"({"address":"ns/fn/alice","state":"idle","head":null})"), good(200, seen + "\n")};
  CHECK(at.run({"skip", "ns/fn/alice"}) == exit_code::failed);
  CHECK(at.out.str() == "ns/fn/alice: backing off\n"
                        "  first message  1f-0, test/json, 12 B, from outside\n"
                        "  failed calls   5 in a row, the next call in 12s\n"
                        "  last error     the function answered 500\n"
                        "\n"
                        "Nothing was skipped. To drop this message for good:\n"
                        "  statefunctl skip ns/fn/alice --message 1f-0\n");
  CHECK(at.run({"skip", "ns/fn/alice", "--message", "1f-0"}) == exit_code::done);
  CHECK(at.out.str() == "the message 1f-0 of ns/fn/alice is dropped\n");
  CHECK(at.run({"skip", "ns/fn/alice", "1f-0"}) == exit_code::failed);
  CHECK(at.err.str() == "statefunctl: SF0229 (409): the message 1f-0 is not the first one\n");
  CHECK(at.run({"skip", "ns/fn/alice"}) == exit_code::failed);
  CHECK(at.err.str() == "statefunctl: nothing waits for ns/fn/alice\n");
  CHECK(at.run({"skip", "ns/fn/alice", "--json"}) == exit_code::failed);
  CHECK(at.out.str() == seen + "\n");
  CHECK(at.said.requests == texts{"GET /v1/addresses/ns/fn/alice", "POST /v1/addresses/ns/fn/alice/skip?message=1f-0",
                                  "POST /v1/addresses/ns/fn/alice/skip?message=1f-0", "GET /v1/addresses/ns/fn/alice",
                                  "GET /v1/addresses/ns/fn/alice"});
}
