#include "dialogue/statefunctl/fake_daemon.hpp"
#include "http/problem.hpp"

#include <string>
#include <vector>

using namespace statefund;
using dialogue::good;
using dialogue::running_daemon;
using dialogue::unix_ms_in;
using statefunctl::exit_code;
using texts = std::vector<std::string>;

TEST_CASE("dead letters are listed, shown, replayed and dropped") {
  running_daemon at;
  auto const letter = R"({"id":"1f-0","address":"ns/fn/alice","caller":"ns/fn/bob","type":"t","bytes":3,)"
                      R"("reason":"the function answered 400","at_unix_ms":)" +
                      unix_ms_in(-3600);
  at.said.answers = {good(200, R"({"dead_letters":[)" + letter + R"(}],"next":"1f-0","total_count":9,"durable":true})"),
                     good(200, R"({"dead_letters":[],"next":null,"total_count":9,"durable":true})"),
                     good(200, letter + R"(,"value":"YWJj"})"),
                     good(200, R"({"changed":true})"),
                     good(200, R"({"changed":true})"),
                     good(200, R"({"replayed_count":1,"left_count":0,"stopped_by":null})"),
                     good(200, R"({"replayed_count":3,"left_count":2,"stopped_by":"the mailbox is full"})"),
                     http::problem(number::dead_letter_unknown, "there is no dead letter 1f-0")};
  CHECK(at.run({"dead-letters", "list", "--max", "1"}) == exit_code::done);
  CHECK(at.out.str() == "  ID  ADDRESS        AGE  TYPE  SIZE  REASON\n"
                        "1f-0  ns/fn/alice  1h 0m  t      3 B  the function answered 400\n"
                        "\n"
                        "There are more, 9 in all; --max shows more.\n");
  CHECK(at.run({"dead-letters", "list", "--address", "ns/fn/alice"}) == exit_code::done);
  CHECK(at.out.str() == "No dead letters.\n");
  CHECK(at.run({"dead-letters", "show", "1f-0"}) == exit_code::done);
  CHECK(at.out.str() == "1f-0 to ns/fn/alice, from ns/fn/bob\n"
                        "  set aside  1h 0m ago\n"
                        "  reason     the function answered 400\n"
                        "  type       t\n"
                        "  size       3 B\n"
                        "  value      abc\n");
  CHECK(at.run({"dead-letters", "replay", "1f-0"}) == exit_code::done);
  CHECK(at.out.str() == "the dead letter 1f-0 is the last message of its address\n");
  CHECK(at.run({"dead-letters", "drop", "1f-0"}) == exit_code::done);
  CHECK(at.out.str() == "the dead letter 1f-0 is dropped\n");
  CHECK(at.run({"dead-letters", "replay", "--type", "ns/fn"}) == exit_code::done);
  CHECK(at.out.str() == "1 dead letter replayed\n");
  CHECK(at.run({"dead-letters", "replay", "--address", "ns/fn/alice"}) == exit_code::failed);
  CHECK(at.out.str() == "3 dead letters replayed, 2 left: the mailbox is full\n");
  CHECK(at.run({"dead-letters", "drop", "1f-0"}) == exit_code::failed);
  CHECK(at.err.str() == "statefunctl: SF0230 (404): there is no dead letter 1f-0\n");
  CHECK(at.said.requests == texts{"GET /v1/dead-letters?max=1", "GET /v1/dead-letters?address=ns%2Ffn%2Falice&max=100",
                                  "GET /v1/dead-letters/1f-0?value=true", "POST /v1/dead-letters/1f-0/replay",
                                  "POST /v1/dead-letters/1f-0/drop", "POST /v1/dead-letters/replay?type=ns%2Ffn",
                                  "POST /v1/dead-letters/replay?address=ns%2Ffn%2Falice",
                                  "POST /v1/dead-letters/1f-0/drop"});
  CHECK(at.run({"dead-letters", "replay"}) == exit_code::usage);
  CHECK(at.run({"dead-letters", "replay", "1f-0", "--type", "ns/fn"}) == exit_code::usage);
  CHECK(at.err.str() == "statefunctl: replay takes one of: a dead letter's id, --address, --type\n");
  CHECK(at.run({"dead-letters"}) == exit_code::usage);
  CHECK(at.said.requests.size() == 8);
}
