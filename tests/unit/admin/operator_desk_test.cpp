#include "admin/desk.hpp"
#include "http/request_parser.hpp"
#include "support/event_loop.hpp"
#include "unit/admin/fake_operations.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <vector>

namespace asio = boost::asio;
using namespace statefund;
using namespace std::chrono_literals;
using dispatch::refusal;
using nlohmann::json;

namespace {

message::address const alice{{"ns", "fn"}, "alice"};
message::function_type const fn{"ns", "fn"};

class no_sources final : public admin::sources {
 public:
  std::optional<dispatch::refusal> not_ready() override { return std::nullopt; }
  asio::awaitable<admin::status> status() override {
    admin::status one;
    one.functions.emplace_back().type = fn;
    one.functions.back().paused = message::pause{message::pause_cause::by_operator, "uid 7", 1'000};
    co_return one;
  }
  asio::awaitable<admin::metrics> metrics() override { co_return admin::metrics{}; }
  asio::awaitable<std::optional<admin::reload_report>> reload() override { co_return std::nullopt; }
  asio::awaitable<result<store::backup_report>> back_up(std::string) override {
    co_return error{store::errc::keeps_nothing, ""};
  }
};

class no_body final : public http::body {
 public:
  std::optional<std::uint64_t> length_bytes() const noexcept override { return 0; }
  asio::awaitable<result<std::string_view>> read_some(clock::deadline) override { co_return std::string_view(); }
};

// What the desk answers to a request; over the socket by uid 7, or over TCP.
struct asking {
  struct answer {
    unsigned status = 0; // 0: the connection is closed
    json body;
    std::vector<std::pair<std::string_view, std::string>> headers;
  };

  answer ask(std::string const& request, admin::actions over_tcp, std::optional<std::uint32_t> uid) {
    admin::desk desk(sources, on, over_tcp);
    answer got;
    loop.run(handle(desk, request, uid, got));
    return got;
  }
  answer ask(std::string const& request) { return ask(request, admin::actions::refused, 7); }

  asio::awaitable<void> handle(admin::desk& desk, std::string request, std::optional<std::uint32_t> uid, answer& into) {
    http::request asked;
    http::request_parser parser(asked, 16'384);
    std::string const head = request + " HTTP/1.1\r\nHost: s\r\n\r\n";
    auto const read = parser.put(head);
    REQUIRE(read.has_value());
    asked.from.uid = uid;
    no_body none;
    auto const said = co_await desk.handle(asked, none);
    if (!said)
      co_return;
    into.status = said->status;
    into.body = json::parse(said->body);
    into.headers = said->headers;
  }

  support::event_loop loop;
  no_sources sources;
  support::fake_operations on;
};

} // namespace

TEST_CASE("addresses are asked for by state and type, and a wrong word is told what is expected") {
  asking at;
  auto& one = at.on.list.addresses.emplace_back();
  one.self = alice;
  one.stands = dispatch::standing::backing_off;
  one.messages_count = 3;
  one.bytes = 30;
  one.oldest_since = clock::steady::now();
  one.failures_count = 2;
  one.last_error = "the function answered 500";
  one.next_attempt = clock::steady::now() + 5s;
  at.on.list.total_count = 17;
  at.on.list.durable = false;
  at.loop.advance(1500ms);
  auto const said = at.ask("GET /v1/addresses?state=backing_off&type=ns/fn&max=5");
  CHECK(said.status == 200);
  CHECK(said.body == json{{"addresses",
                           {{{"address", "ns/fn/alice"},
                             {"state", "backing_off"},
                             {"messages_count", 3},
                             {"bytes", 30},
                             {"oldest_age_ms", 1500},
                             {"failures_count", 2},
                             {"last_error", "the function answered 500"},
                             {"next_attempt_unix_ms", clock::unix_ms() + 3500}}}},
                          {"total_count", 17},
                          {"durable", false}});
  CHECK(at.ask("GET /v1/addresses").status == 200);
  CHECK(at.on.asked == std::vector<std::string>{"addresses backing_off ns/fn 5", "addresses any any 100"});

  struct wrong {
    char const* query;
    char const* detail;
  };
  for (auto const& [query, detail] :
       {wrong{"state=asleep",
              "'asleep' is no state that is listed; expected ready, in_flight, backing_off, held, paused "
              "or unbound (an idle address has no mailbox)"},
        wrong{"state=idle",
              "'idle' is no state that is listed; expected ready, in_flight, backing_off, held, paused or "
              "unbound (an idle address has no mailbox)"},
        wrong{"max=10001", "'max' is a number from 0 to 10000"},
        wrong{"stat=ready", "the query parameter 'stat' is not known here; known: state, type, max"}}) {
    auto const refused = at.ask(std::string("GET /v1/addresses?") + query);
    CHECK(refused.status == 400);
    CHECK(refused.body["code"] == "SF0101");
    CHECK(refused.body["detail"] == detail);
  }
  CHECK(at.ask("GET /v1/addresses?type=ns")
            .body["detail"]
            .get<std::string>()
            .starts_with("'ns' is no function type <namespace>/<name>: "));
  CHECK(at.on.asked.size() == 2);
}

TEST_CASE("an address is described whole, but for values") {
  asking at;
  auto& seen = at.on.seen;
  seen.summary.self = alice;
  seen.summary.stands = dispatch::standing::paused;
  seen.summary.messages_count = 1;
  seen.summary.oldest_since = clock::steady::now();
  seen.paused = dispatch::pause_summary{{message::pause_cause::by_failure, "the function answered 400", 1'000},
                                        dispatch::paused_with::itself};
  seen.head = dispatch::message_summary{{0x1f, 2}, "t", 12, message::address{fn, "bob"}};
  seen.delayed_count = 2;
  seen.delayed_next_due_ms = 5'000;
  seen.states = {{"seen", "int", 8, 0}, {"soon", "", 1, 9'000}};
  auto const said = at.ask("GET /v1/addresses/ns/fn/alice");
  CHECK(said.status == 200);
  CHECK(said.body ==
        json{{"address", "ns/fn/alice"},
             {"state", "paused"},
             {"messages_count", 1},
             {"bytes", 0},
             {"oldest_age_ms", 0},
             {"failures_count", 0},
             {"last_error", ""},
             {"next_attempt_unix_ms", nullptr},
             {"why", ""},
             {"paused",
              {{"of", "address"}, {"by", "failure"}, {"reason", "the function answered 400"}, {"since_unix_ms", 1000}}},
             {"head", {{"message", "1f-2"}, {"type", "t"}, {"bytes", 12}, {"caller", "ns/fn/bob"}}},
             {"delayed_count", 2},
             {"delayed_next_due_unix_ms", 5000},
             {"states",
              {{{"name", "seen"}, {"type", "int"}, {"bytes", 8}, {"expires_unix_ms", nullptr}},
               {{"name", "soon"}, {"type", ""}, {"bytes", 1}, {"expires_unix_ms", 9000}}}},
             {"durable", true}});
  seen = {};
  seen.summary.self = alice;
  auto const idle = at.ask("GET /v1/addresses/ns/fn/alice").body;
  CHECK(idle["state"] == "idle");
  CHECK(idle["oldest_age_ms"].is_null());
  CHECK(idle["head"].is_null());
  CHECK(idle["paused"].is_null());

  at.on.refused = refusal{number::address_unknown, "nothing waits for ns/fn/x", std::nullopt};
  auto const unknown = at.ask("GET /v1/addresses/ns/fn/x");
  CHECK(unknown.status == 404);
  CHECK(unknown.body["code"] == "SF0124");
  auto const bad = at.ask("GET /v1/addresses/ns/fn/%zz");
  CHECK(bad.status == 400);
  CHECK(bad.body["detail"].get<std::string>().starts_with("'ns/fn/%zz' is no address <namespace>/<name>/<id>: "));
  auto const short_one = at.ask("GET /v1/addresses/ns/fn");
  CHECK(short_one.status == 400);
  CHECK(short_one.body["detail"] ==
        "an address is <namespace>/<name>/<id>, each part percent-encoded, and takes GET, or "
        "POST with /pause, /resume or /skip behind it");
}

TEST_CASE("verbs are for POST, say who asked, and answer whether anything was changed") {
  asking at;
  CHECK(at.ask("POST /v1/addresses/ns/fn/alice/pause").body == json{{"changed", true}});
  CHECK(at.ask("POST /v1/addresses/ns/fn/alice/pause?reason=a%20look").status == 200);
  at.on.changes = false;
  CHECK(at.ask("POST /v1/addresses/ns/fn/alice/resume").body == json{{"changed", false}});
  CHECK(at.ask("POST /v1/addresses/ns/fn/alice/skip?message=1f-2").status == 200);
  CHECK(at.ask("POST /v1/functions/ns/fn/pause").status == 200);
  CHECK(at.ask("POST /v1/functions/ns/fn/resume").status == 200);
  CHECK(at.ask("POST /v1/dead-letters/1f-2/replay").status == 200);
  CHECK(at.ask("POST /v1/dead-letters/1f-2/drop").status == 200);
  std::vector<std::string> const asked = {"pause ns/fn/alice uid 7",
                                          "pause ns/fn/alice uid 7: a look",
                                          "resume ns/fn/alice",
                                          "skip ns/fn/alice 1f-2",
                                          "pause type ns/fn uid 7",
                                          "resume type ns/fn",
                                          "replay 1f-2",
                                          "drop 1f-2"};
  CHECK(at.on.asked == asked);
  for (char const* const path : {"/v1/addresses/ns/fn/alice/pause", "/v1/functions/ns/fn/resume", "/v1/resume",
                                 "/v1/dead-letters/1f-2/drop", "/v1/dead-letters/replay"}) {
    auto const shown = at.ask(std::string("GET ") + path);
    CHECK(shown.status == 405);
    CHECK(shown.headers == std::vector<std::pair<std::string_view, std::string>>{{"Allow", "POST"}});
    auto const over_tcp = at.ask(std::string("POST ") + path, admin::actions::refused, std::nullopt);
    CHECK(over_tcp.status == 403);
    CHECK(over_tcp.body["code"] == "SF0123");
  }
  CHECK(at.on.asked == asked);
  CHECK(at.ask("POST /v1/addresses/ns/fn/alice").status == 405);
  CHECK(at.ask("POST /v1/addresses/ns/fn/alice/pause", admin::actions::allowed, std::nullopt).status == 200);
  CHECK(at.on.asked.back() == "pause ns/fn/alice over TCP");
}

TEST_CASE("skip names its message, and is refused where another one is the first") {
  asking at;
  auto const blind = at.ask("POST /v1/addresses/ns/fn/alice/skip");
  CHECK(blind.status == 400);
  CHECK(blind.body["detail"] == R"(skip names the message that is meant: ?message=<id>, as GET shows it under "head")");
  CHECK(at.ask("POST /v1/addresses/ns/fn/alice/skip?message=x").body["detail"] ==
        "'x' is no message's id; expected one as in 65c2f1e0b4a7d-0");
  CHECK(at.on.asked.empty());
  at.on.refused = refusal{number::message_not_at_head, "the message 1f-2 is not the first one", std::nullopt};
  auto const late = at.ask("POST /v1/addresses/ns/fn/alice/skip?message=1f-2");
  CHECK(late.status == 409);
  CHECK(late.body["code"] == "SF0229");
  at.on.is_lost = true;
  CHECK(at.ask("POST /v1/addresses/ns/fn/alice/skip?message=1f-2").status == 0);
}

TEST_CASE("dead letters are listed page by page, and a value is shown only where it is asked for") {
  asking at;
  at.on.page.letters.push_back({{{0x1f, 0}, "t", 3, std::nullopt}, alice, "the function answered 400", 7'000});
  at.on.page.next = message::entry_key{0x1f, 0};
  at.on.page.total_count = 9;
  auto const listed = at.ask("GET /v1/dead-letters?type=ns/fn&address=ns/fn/alice&after=1e-0&max=1");
  CHECK(listed.status == 200);
  json const letter{{"id", "1f-0"},      {"address", "ns/fn/alice"},
                    {"caller", nullptr}, {"type", "t"},
                    {"bytes", 3},        {"reason", "the function answered 400"},
                    {"at_unix_ms", 7000}};
  CHECK(listed.body == json{{"dead_letters", {letter}}, {"next", "1f-0"}, {"total_count", 9}, {"durable", true}});
  CHECK(at.on.asked == std::vector<std::string>{"dead letters ns/fn ns/fn/alice 1e-0 1"});

  at.on.row = {alice, {{{0x1f, 0}, std::nullopt, {"t", true, "abc"}}, "the function answered 400", 7'000}};
  CHECK(at.ask("GET /v1/dead-letters/1f-0").body == letter);
  auto with_value = letter;
  with_value["value"] = "YWJj";
  CHECK(at.ask("GET /v1/dead-letters/1f-0?value=true").body == with_value);
  CHECK(at.ask("GET /v1/dead-letters/1f").status == 400);
  at.on.refused = refusal{number::dead_letter_unknown, "there is no dead letter 1f-0", std::nullopt};
  CHECK(at.ask("GET /v1/dead-letters/1f-0").status == 404);
}

TEST_CASE("many are replayed of an address or a type, never of everything") {
  asking at;
  at.on.many = {3, 2, refusal{number::mailbox_full, "the mailbox is full", 1s}};
  CHECK(at.ask("POST /v1/dead-letters/replay?type=ns/fn").body ==
        json{{"replayed_count", 3}, {"left_count", 2}, {"stopped_by", "the mailbox is full"}});
  at.on.many = {};
  CHECK(at.ask("POST /v1/dead-letters/replay?address=ns/fn/alice").body ==
        json{{"replayed_count", 0}, {"left_count", 0}, {"stopped_by", nullptr}});
  CHECK(at.on.asked == std::vector<std::string>{"replay ns/fn any", "replay any ns/fn/alice"});
  auto const all = at.ask("POST /v1/dead-letters/replay");
  CHECK(all.status == 400);
  CHECK(all.body["detail"] == "replay says of what: ?address=<address> or ?type=<function type>");
  CHECK(at.on.asked.size() == 2);
}

TEST_CASE("functions are listed with what has paused them, and the daemon is resumed once") {
  asking at;
  auto const listed = at.ask("GET /v1/functions").body;
  CHECK(listed["functions"][0]["type"] == "ns/fn");
  CHECK(listed["functions"][0]["paused"] == json{{"by", "operator"}, {"reason", "uid 7"}, {"since_unix_ms", 1000}});
  CHECK(at.ask("POST /v1/resume").body == json{{"changed", false}});
  at.on.is_paused = true;
  CHECK(at.ask("POST /v1/resume").body == json{{"changed", true}});
}
