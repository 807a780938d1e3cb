#include "catalog/errc.hpp"
#include "catalog/snapshot.hpp"
#include "daemon/application.hpp"
#include "daemon/open_store.hpp"
#include "daemon/start_teller.hpp"
#include "dialogue/door_client.hpp"
#include "log/capture.hpp"
#include "support/certificates.hpp"
#include "support/event_loop.hpp"
#include "support/forwarding_store.hpp"
#include "support/scripted_server.hpp"
#include "support/service_manager.hpp"
#include "support/temporary_directory.hpp"
#include "task/gate.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

using namespace statefund;
using namespace statefund::support;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

// The daemon as main puts it together, with its sockets and a function's server, in one loop and under a moved clock.

namespace {

namespace asio = boost::asio;

// A FromFunction of the 3.x protocol that sends "hi" (of type t) to the egress ns/out:
// { 100: { 4: { 1: "ns", 2: "out", 3: { 1: "t", 2: true, 3: "hi" } } } }
std::string const sends_hi =
    std::string("\xa2\x06\x16\x22\x14\x0a\x02ns\x12\x03out\x1a\x09\x0a\x01t\x10\x01\x1a\x02hi", 25);

std::string answer_of(std::string const& body) {
  return "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

daemon::settings kept_in_memory() {
  daemon::settings chosen;
  chosen.store.kind = daemon::store_kind::memory;
  return chosen;
}

daemon::settings started_paused() {
  auto chosen = kept_in_memory();
  chosen.starting = daemon::start::paused;
  return chosen;
}

struct whole_daemon {
  explicit whole_daemon(std::string const& more = {}, daemon::settings const& given = kept_in_memory())
      : chosen(given),
        server(loop) {
    chosen.ingress.socket = directory.path("ingress.sock");
    chosen.admin.socket = directory.path("admin.sock");
    module_text = "kind: io.statefun.endpoints.v2/http\nspec:\n  functions: ns/*\n  urlPathTemplate: "
                  "http://127.0.0.1:" +
                  std::to_string(server.port()) + "/{function.name}\n" + more +
                  "---\nkind: statefund.egress.v1/queue\nspec: {id: ns/out}\n";
    start();
  }
  ~whole_daemon() {
    if (served && !is_stopped)
      loop.run(stop());
  }

  void start() {
    make();
    std::optional<result<void>> opened;
    loop.run(open(opened));
    REQUIRE(opened->has_value());
  }
  void make() {
    auto modules = load();
    REQUIRE(modules.has_value());
    REQUIRE((*modules)->errors().empty());
    auto const lost = [](error const&) { ensure(false, "no store is lost here"); };
    auto kept = daemon::open_store(chosen, lost, opens);
    REQUIRE(kept.has_value());
    served.emplace(daemon::application::parts{.chosen = chosen,
                                              .modules = std::move(*modules),
                                              .executors = {loop.executor()},
                                              .store = double_of(std::move(*kept)),
                                              .store_lost = lost,
                                              .load_modules = [this] { return load(); },
                                              .loads = loads});
    is_stopped = false;
  }
  void end() {
    loop.run(stop());
    served.reset();
  }
  void start_again() {
    end();
    start();
  }
  asio::awaitable<void> open(std::optional<result<void>>& end) { end = co_await served->open(); }
  asio::awaitable<void> stop() {
    auto const now = clock::deadline::after(0s);
    auto const left = co_await served->stop(now);
    static_cast<void>(left);
    is_stopped = true;
  }

  dialogue::answer ask(std::string_view socket, std::string_view request) {
    dialogue::door_client client(loop.executor(), directory.path(socket));
    std::optional<dialogue::answer> got;
    loop.run(keep(client, request, got));
    client.close();
    return *got;
  }
  static asio::awaitable<void> keep(dialogue::door_client& client, std::string_view request,
                                    std::optional<dialogue::answer>& into) {
    into = co_await client.ask(request);
  }

  dialogue::answer put(std::string_view id, std::string const& more_headers = {}) {
    return ask("ingress.sock", "PUT /ns/fn/" + std::string(id) + " HTTP/1.1\r\nHost: s\r\nStatefun-Type: t\r\n" +
                                   more_headers + "Content-Length: 1\r\n\r\nx");
  }
  dialogue::answer put_with_key(std::string const& key) { return put("a", "Idempotency-Key: " + key + "\r\n"); }
  std::string status() { return ask("admin.sock", "GET /v1/status HTTP/1.1\r\nHost: s\r\n\r\n").body; }

  // The module "directory"; read on the reloader's thread while the test waits.
  result<std::shared_ptr<catalog::snapshot const>> load() {
    if (directory_is_gone)
      return error{catalog::errc::directory_unreadable, "it is gone"};
    std::vector<catalog::file_text> files{{"ns.yaml", module_text, {}}};
    if (!other_text.empty())
      files.push_back({"other.yaml", other_text, {}});
    return catalog::snapshot::make(std::move(files), ++generation);
  }

  // of the next start
  daemon::settings chosen;
  store::tell_opening opens;
  std::function<void(std::int64_t)> loads = [](std::int64_t) {};
  std::function<std::unique_ptr<store::store>(std::unique_ptr<store::store>)> double_of =
      [](std::unique_ptr<store::store> kept) { return kept; };

  event_loop loop;
  dialogue::socket_directory directory;
  scripted_server server;
  std::string module_text;
  std::string other_text;
  bool directory_is_gone = false;
  std::uint64_t generation = 0;
  bool is_stopped = false;
  std::optional<daemon::application> served;
};

// On a disk that is almost full.
class cramped_store final : public forwarding_store {
 public:
  explicit cramped_store(std::unique_ptr<statefund::store::store> own) : forwarding_store(*own), own_(std::move(own)) {}

  std::optional<statefund::store::short_of_space> lacks_space() const noexcept override { return lack; }

  std::optional<statefund::store::short_of_space> lack;

 private:
  std::unique_ptr<statefund::store::store> const own_;
};

// Loads nothing until it is let go.
class held_store final : public forwarding_store {
 public:
  held_store(asio::any_io_executor const& executor, std::unique_ptr<statefund::store::store> own)
      : forwarding_store(*own),
        own_(std::move(own)),
        goes_(executor) {}

  void go() {
    is_held_ = false;
    goes_.notify_all();
  }
  asio::awaitable<result<statefund::store::recovered>> recover(std::uint32_t partition, std::string from) override {
    while (is_held_) {
      auto const never = clock::deadline::never();
      auto const end = co_await goes_.wait(never);
      static_cast<void>(end);
    }
    co_return co_await forwarding_store::recover(partition, std::move(from));
  }

 private:
  std::unique_ptr<statefund::store::store> const own_;
  task::event goes_;
  bool is_held_ = true;
};

std::vector<std::string> heard_by(service_manager& manager) {
  std::vector<std::string> all;
  while (auto report = manager.heard())
    all.push_back(*std::move(report));
  return all;
}

} // namespace

TEST_CASE("a message goes in at the ingress socket, and what the function makes of it comes out of the egress") {
  whole_daemon on;
  on.server.plays({expect_request(), send(answer_of(sends_hi)), hold()});
  auto const accepted = on.put("a");
  CHECK(accepted.status == 202);
  CHECK(accepted.headers.contains("statefun-message-id"));
  auto const records = on.ask("ingress.sock", "GET /-/egress/ns/out?wait=60s HTTP/1.1\r\nHost: s\r\n\r\n");
  CHECK(records.status == 200);
  CHECK_THAT(records.body, Contains(R"("from":"ns/fn/a")") || Contains(R"("from": "ns/fn/a")"));
  CHECK_THAT(records.body, Contains("aGk=")); // "hi"
  CHECK_THAT(on.server.requests().at(0), Contains("POST /fn HTTP/1.1"));
}

TEST_CASE("two messages for one address become one batch while the first call is out") {
  whole_daemon on;
  on.server.plays({expect_request(), stand_by(), send(answer_of("")), expect_request(), send(answer_of("")), hold()});
  CHECK(on.put("a").status == 202);
  REQUIRE(on.loop.run_until([&] { return on.server.requests().size() == 1; }));
  CHECK(on.put("a").status == 202);
  CHECK(on.put("a").status == 202);
  on.server.go_on();
  REQUIRE(on.loop.run_until([&] { return on.server.requests().size() == 2; }));
  auto const& counts = on.served->dispatcher().counts();
  REQUIRE(on.loop.run_until([&] { return counts.pending_messages_count == 0; }));
  CHECK(on.server.accepted_count() == 1);
}

TEST_CASE("each timeout is told by its name in the status, and the messages arrive once the function answers") {
  struct row {
    char const* timeouts;
    clock::steady::duration fires;
    std::string told;
  };
  auto const& [timeouts, fires, told] =
      GENERATE(row{"{call: 2s, read: 1s}", 1s, "read timeout (1 s) while waiting for the answer"},
               row{"{call: 2s}", 2s, "call timeout (2 s) while waiting for the answer"});
  whole_daemon on("  transport:\n    timeouts: " + std::string(timeouts) + "\n");
  on.server.plays({expect_request(), hold()});
  CHECK(on.put("a").status == 202);
  REQUIRE(on.loop.run_until([&] { return on.server.requests().size() == 1; }));
  on.loop.settle();
  on.loop.advance(fires);
  for (int i = 0; i < 3 && on.served->dispatcher().counts().pending_messages_count == 1; ++i) {
    on.loop.advance(1s); // attempts until the call's budget is spent
    on.loop.settle();
  }
  CHECK_THAT(on.status(), Contains(told));

  for (int i = 0; i < 8; ++i)
    on.server.plays({expect_request(), send(answer_of("")), hold()});
  REQUIRE(on.loop.run_until([&] {
    on.loop.time().advance(50ms);
    on.loop.advance(50ms);
    return on.served->dispatcher().counts().pending_messages_count == 0;
  }));
  CHECK_THAT(on.status(), !Contains(told));
}

TEST_CASE("a full mailbox answers 429 with Retry-After, other addresses go on, and it takes messages again") {
  whole_daemon on("  maxNumBatchRequests: 2\n");
  on.server.plays({expect_request(), stand_by(), send(answer_of("")), expect_request(), send(answer_of("")), hold()});
  on.server.plays({expect_request(), send(answer_of("")), hold()});
  CHECK(on.put("a").status == 202);
  REQUIRE(on.loop.run_until([&] { return on.server.requests().size() == 1; }));
  CHECK(on.put("a").status == 202);
  CHECK(on.put("a").status == 202);
  auto const full = on.put("a");
  CHECK(full.status == 429);
  CHECK(full.headers.at("retry-after") == "1");
  CHECK_THAT(full.body, Contains("SF0105"));
  CHECK(on.put("b").status == 202);
  on.loop.advance(1s); // as long as others wait for the type's first answer
  REQUIRE(on.loop.run_until([&] { return on.server.requests().size() == 2; }));
  on.server.go_on();
  REQUIRE(on.loop.run_until([&] { return on.served->dispatcher().counts().pending_messages_count == 0; }));
  on.server.plays({expect_request(), send(answer_of("")), hold()});
  CHECK(on.put("a").status == 202);
}

TEST_CASE("a function behind TLS is never called in plain HTTP, and a reload reads its TLS files again") {
  file_directory const files;
  auto const root = make_root("Test Root");
  whole_daemon on;
  auto const reload = [&] {
    CHECK(on.ask("admin.sock", "POST /-/reload HTTP/1.1\r\nHost: s\r\nContent-Length: 0\r\n\r\n").status == 200);
  };
  auto const& counts = on.served->dispatcher().counts();
  auto const all_arrive = [&] {
    return on.loop.run_until([&] {
      on.loop.time().advance(50ms);
      on.loop.advance(50ms);
      return counts.pending_messages_count == 0;
    });
  };
  on.module_text =
      "kind: io.statefun.endpoints.v2/http\nspec:\n  functions: ns/*\n  urlPathTemplate: https://127.0.0.1:" +
      std::to_string(on.server.port()) +
      "/\n  transport:\n    type: io.statefun.transports.v1/async\n    call: 1s\n    trust_cacerts: " +
      files.path("ca.pem") + "\n";
  reload();
  on.server.plays({expect_request(), send(answer_of("")), expect_request(), send(answer_of("")), expect_request(),
                   stand_by(), send(answer_of("")), hold()});
  CHECK(on.put("a").status == 202);
  on.loop.settle();
  on.loop.advance(1s);
  on.loop.settle();
  CHECK_THAT(on.status(), Contains("which cannot be read: No such file or directory (SF0040)"));
  CHECK(on.server.accepted_count() == 0);

  on.server.speaks({make_certificate({}, root), ""});
  files.write("ca.pem", root.certificate);
  reload();
  REQUIRE(all_arrive());
  CHECK(on.server.shaken().done_count == 1);
  reload(); // the same files: the connection stays
  CHECK(on.put("b").status == 202);
  REQUIRE(all_arrive());
  CHECK(on.server.shaken().done_count == 1);

  CHECK(on.put("c").status == 202);
  REQUIRE(on.loop.run_until([&] { return on.server.requests().size() == 3; }));
  files.write("ca.pem", root.certificate + make_root("Other Root").certificate);
  reload(); // the call in flight ends on the connection that it has
  on.server.go_on();
  REQUIRE(all_arrive());
  CHECK(on.server.requests().size() == 3);
  CHECK(on.server.shaken().done_count == 1);
  on.server.plays({expect_request(), send(answer_of("")), hold()});
  CHECK(on.put("d").status == 202);
  REQUIRE(all_arrive());
  CHECK(on.server.shaken().done_count == 2);
}

TEST_CASE(
    "POST /-/reload answers once every shard has it: what changed takes effect, what is alike keeps its connection") {
  whole_daemon on;
  on.server.plays({expect_request(), send(answer_of("")), expect_request(), send(answer_of("")), hold()});
  CHECK(on.put("a").status == 202);
  auto const& counts = on.served->dispatcher().counts();
  REQUIRE(on.loop.run_until([&] { return counts.pending_messages_count == 0; }));
  auto const reload = [&] {
    return on.ask("admin.sock", "POST /-/reload HTTP/1.1\r\nHost: s\r\nContent-Length: 0\r\n\r\n");
  };
  auto const alike = reload();
  CHECK(alike.status == 200);
  CHECK_THAT(alike.body, Contains(R"("generation":2)"));
  CHECK(on.put("b").status == 202);
  REQUIRE(on.loop.run_until([&] { return counts.pending_messages_count == 0; }));
  CHECK(on.server.accepted_count() == 1);

  on.module_text.replace(on.module_text.find("{function.name}"), 15, "moved");
  on.server.plays({expect_request(), send(answer_of("")), hold()});
  CHECK(reload().status == 200);
  CHECK(on.put("c").status == 202);
  REQUIRE(on.loop.run_until([&] { return counts.pending_messages_count == 0; }));
  CHECK_THAT(on.server.requests().at(2), Contains("POST /moved HTTP/1.1"));

  std::string const good = on.module_text;
  on.module_text.replace(on.module_text.find("functions"), 9, "functionz");
  auto const broken = reload();
  CHECK(broken.status == 422);
  CHECK_THAT(broken.body, Contains("SF0122") && Contains(R"("line":3)") && Contains("functionz"));
  CHECK(on.put("d").status == 404); // this directory keeps no last good version
  on.module_text = good;
  CHECK(reload().status == 200);
  on.server.plays({expect_request(), send(answer_of("")), hold()});
  CHECK(on.put("d").status == 202);
  REQUIRE(on.loop.run_until([&] { return counts.pending_messages_count == 0; }));
}

TEST_CASE("what is wrong with the modules is logged once, and so is the end of it; what is the same is not") {
  whole_daemon on;
  log::capture logged;
  auto const reload = [&] {
    return on.ask("admin.sock", "POST /-/reload HTTP/1.1\r\nHost: s\r\nContent-Length: 0\r\n\r\n").status;
  };
  CHECK(reload() == 200);
  CHECK(logged.count(number::modules_loaded) == 0);
  on.other_text = "kind: nix\n";
  CHECK(reload() == 422);
  CHECK(reload() == 422);
  CHECK(logged.count(number::module_invalid) == 1);
  CHECK(logged.count(number::modules_loaded) == 1);
  on.other_text = "# nothing\n";
  CHECK(reload() == 200);
  CHECK(logged.count(number::modules_loaded) == 2);
  on.directory_is_gone = true;
  CHECK(reload() == 422);
  CHECK(logged.count(number::reload_failed) == 1);
  on.directory_is_gone = false;
  CHECK(reload() == 200);
  CHECK(reload() == 200);
  CHECK(logged.count(number::modules_loaded) == 3);
}

TEST_CASE("a call that has failed is made again after the wait that the module says") {
  whole_daemon on("  retry: {initial: 1h, max: 1h}\n");
  on.server.plays(
      {expect_request(), send("HTTP/1.1 503 Later\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n"), hold()});
  on.server.plays({expect_request(), send(answer_of("")), hold()});
  CHECK(on.put("a").status == 202);
  REQUIRE(on.loop.run_until([&] { return on.status().find("\"last_failure\":{") != std::string::npos; }));
  on.loop.advance(29min); // waits are spread over their upper half
  on.loop.settle();
  CHECK(on.server.requests().size() == 1);
  on.loop.advance(31min);
  REQUIRE(on.loop.run_until([&] { return on.served->dispatcher().counts().pending_messages_count == 0; }));
  CHECK(on.server.requests().size() == 2);
}

TEST_CASE("as many calls of a type are out as the module says") {
  whole_daemon on("  maxConcurrentCalls: 1\n");
  on.server.plays({expect_request(), stand_by(), send(answer_of("")), expect_request(), send(answer_of("")), hold()});
  on.server.plays({expect_request(), send(answer_of("")), hold()});
  CHECK(on.put("a").status == 202);
  CHECK(on.put("b").status == 202);
  REQUIRE(on.loop.run_until([&] { return on.server.requests().size() == 1; }));
  on.loop.settle();
  CHECK(on.server.requests().size() == 1);
  on.server.go_on();
  REQUIRE(on.loop.run_until([&] { return on.served->dispatcher().counts().pending_messages_count == 0; }));
  CHECK(on.server.requests().size() == 2);
}

TEST_CASE("a daemon that is started paused accepts and calls nothing until it is resumed, and then serves") {
  whole_daemon on({}, started_paused());
  on.server.plays({expect_request(), send(answer_of(sends_hi)), hold()});
  auto const ask_admin = [&](std::string_view request) {
    return on.ask("admin.sock", std::string(request) + " HTTP/1.1\r\nHost: s\r\n\r\n");
  };
  auto const refused = on.put("a");
  CHECK(refused.status == 503);
  CHECK(refused.headers.at("retry-after") == "30");
  CHECK_THAT(refused.body, Contains("\"code\":\"SF0109\"") && Contains("paused"));
  auto const not_ready = ask_admin("GET /-/ready");
  CHECK(not_ready.status == 503);
  CHECK_THAT(not_ready.body, Contains("statefund is paused by its operator"));
  CHECK_THAT(on.status(), Contains("\"state\":\"paused\""));
  CHECK(ask_admin("GET /-/healthy").status == 200);
  CHECK(on.ask("ingress.sock", "GET /-/egress/ns/out HTTP/1.1\r\nHost: s\r\n\r\n").status == 200);
  CHECK(ask_admin("POST /v1/functions/ns/fn/pause").status == 200);

  CHECK(ask_admin("POST /v1/resume").body == "{\"changed\":true}\n");
  CHECK(ask_admin("GET /-/ready").status == 200);
  CHECK_THAT(on.status(), Contains("\"state\":\"ready\""));
  CHECK(ask_admin("POST /v1/resume").body == "{\"changed\":false}\n");
  CHECK(on.put("a").status == 202);
  on.loop.settle();
  auto const waits = ask_admin("GET /v1/addresses/ns/fn/a");
  CHECK(waits.status == 200);
  CHECK_THAT(waits.body, Contains("\"state\":\"paused\"") && Contains("\"of\":\"type\""));

  CHECK(ask_admin("POST /v1/functions/ns/fn/resume").status == 200);
  auto const records = on.ask("ingress.sock", "GET /-/egress/ns/out?wait=60s HTTP/1.1\r\nHost: s\r\n\r\n");
  CHECK_THAT(records.body, Contains("\"from\":\"ns/fn/a\""));
}

TEST_CASE("a daemon that is stopped while it is paused ends at once") {
  whole_daemon on({}, started_paused());
  on.loop.run(on.stop());
  CHECK(on.served->dispatcher().state() == dispatch::serving_state::stopping);
}

TEST_CASE("an idempotency key is known for as long as the settings say, and as many keys as they say") {
  auto chosen = kept_in_memory();
  chosen.store.idempotency_window = 2h;
  chosen.limits.idempotency_keys_max = 2;
  whole_daemon on({}, chosen);
  CHECK(on.put_with_key("1").status == 202);
  on.loop.advance(1h);
  CHECK(on.put_with_key("2").status == 202);
  auto const refused = on.put_with_key("3");
  CHECK(refused.status == 429);
  CHECK_THAT(refused.body, Contains("SF0108") && Contains("limits.idempotency_keys_max keys are inside their window"));
  CHECK(on.put("a").status == 202);
  on.loop.advance(1h - 1ms);
  CHECK(on.put_with_key("1").status == 200);
  on.loop.advance(1ms);
  CHECK(on.put_with_key("3").status == 202);
  CHECK(on.put_with_key("1").status == 429);
}

TEST_CASE("a key keeps the window that it was accepted with, whatever the settings say after a restart") {
  temporary_directory const place;
  daemon::settings chosen;
  chosen.store.path = place.path() / "state";
  chosen.store.idempotency_window = 2h;
  chosen.limits.idempotency_keys_max = 2;
  whole_daemon on({}, chosen);
  CHECK(on.put_with_key("long").status == 202);
  CHECK(on.put_with_key("too").status == 202);
  on.chosen.store.idempotency_window = 1s;
  on.chosen.limits.idempotency_keys_max = 1; // fewer than there are
  on.start_again();
  on.loop.advance(2h - 1ms);
  CHECK(on.put_with_key("long").status == 200);
  CHECK(on.put_with_key("new").status == 429);
  on.loop.advance(1ms);
  CHECK(on.put_with_key("new").status == 202);
  on.loop.advance(999ms);
  CHECK(on.put_with_key("new").status == 200);
  on.loop.advance(1ms);
  CHECK(on.put_with_key("long").status == 202);
}

TEST_CASE("a wall clock that is set while the daemon runs is told once, by how much and in which direction") {
  whole_daemon on;
  log::capture const logged;
  on.loop.advance(5s);
  on.loop.advance(10h); // time that passes is no jump
  on.loop.time().jump_wall(59s);
  on.loop.advance(5s);
  CHECK(logged.count(number::wall_clock_set) == 0);

  auto const from_ms = clock::unix_ms() + 4000;
  on.loop.time().jump_wall(2h);
  on.loop.advance(4s);
  CHECK(logged.count(number::wall_clock_set) == 0);
  on.loop.advance(1s);
  on.loop.advance(5s);
  REQUIRE(logged.count(number::wall_clock_set) == 1);
  auto const ahead = logged.events(number::wall_clock_set).at(0);
  CHECK(ahead.severity == log::level::warning);
  CHECK_THAT(ahead.sentence, Contains("was set ahead") && Contains("too early"));
  CHECK(ahead.fields.at("by_ms") == "7200000");
  CHECK(ahead.fields.at("from_unix_ms") == std::to_string(from_ms + 1000));
  CHECK(ahead.fields.at("to_unix_ms") == std::to_string(from_ms + 1000 + 7'200'000));

  on.loop.time().jump_wall(-90s);
  on.loop.advance(5s);
  on.loop.advance(5s);
  REQUIRE(logged.count(number::wall_clock_set) == 2);
  auto const back = logged.events(number::wall_clock_set).at(1);
  CHECK_THAT(back.sentence, Contains("was set back") && Contains("too late"));
  CHECK(back.fields.at("by_ms") == "90000");
}

TEST_CASE("a start that opens its store for long tells the service manager what it is doing, step by step") {
  temporary_directory const place;
  daemon::settings chosen;
  chosen.store.path = place.path() / "state";
  whole_daemon on({}, chosen);
  for (auto const* key : {"1", "2", "3"})
    CHECK(on.put_with_key(key).status == 202);
  on.end();

  log::capture const logged;
  service_manager manager;
  daemon::start_teller teller;
  CHECK(heard_by(manager) == std::vector<std::string>{"EXTEND_TIMEOUT_USEC=120000000", "STATUS=opening the store"});
  std::vector<store::opening_step> steps;
  std::vector<std::string> heard;
  on.opens = [&](store::opening_progress const& so_far) {
    if (steps.empty() || steps.back() != so_far.step)
      steps.push_back(so_far.step);
    CHECK(so_far.log_bytes <= so_far.log_bytes_total);
    on.loop.time().advance(1s);
    teller.opens(so_far);
    for (auto& report : heard_by(manager)) // a socket's queue is short, and who reports waits for room in it
      heard.push_back(std::move(report));
  };
  on.start();
  using enum store::opening_step;
  CHECK(steps == std::vector{checking_log, reading_log, replaying_log, reading_tables});
  REQUIRE(heard.size() % 2 == 0);
  std::string told;
  for (std::size_t i = 0; i < heard.size(); i += 2) {
    CHECK(heard[i] == "EXTEND_TIMEOUT_USEC=120000000");
    told += heard[i + 1] + '\n';
  }
  CHECK_THAT(told, Contains("STATUS=opening the store: checking its log, 0 of ") &&
                       Contains("STATUS=opening the store: reading its log, 0 of ") &&
                       Contains("STATUS=opening the store: replaying its log, 0 of ") &&
                       Contains("STATUS=opening the store: reading its tables, 3 rows\n"));
  auto const events = logged.events(number::store_loading);
  REQUIRE(events.size() == heard.size() / 2 / 5);
  CHECK(events.at(0).fields.at("seconds") == "5");
  CHECK(told.find(events.at(0).fields.at("doing")) != std::string::npos);
}

TEST_CASE("a start that loads for long tells it every second, in the log every five, and not once it serves") {
  service_manager manager;
  log::capture const logged;
  whole_daemon on;
  on.end();
  daemon::start_teller teller;
  held_store* held = nullptr;
  on.loads = [&teller](std::int64_t count) { teller.loads(count); };
  on.double_of = [&](std::unique_ptr<store::store> kept) {
    auto made = std::make_unique<held_store>(on.loop.executor(), std::move(kept));
    held = made.get();
    return made;
  };
  on.make();
  std::optional<result<void>> opened;
  task::gate opening(on.loop.executor());
  opening.start(on.open(opened));
  on.loop.settle();
  heard_by(manager);
  std::vector<std::string> const told{"EXTEND_TIMEOUT_USEC=120000000", "STATUS=loading what waits: 0 messages so far"};
  for (int seconds = 1; seconds <= 10; ++seconds) {
    on.loop.advance(1s);
    CHECK(heard_by(manager) == told);
    CHECK(logged.count(number::store_loading) == static_cast<std::size_t>(seconds / 5));
  }
  CHECK(logged.events(number::store_loading).at(1).fields.at("doing") == "loading what waits: 0 messages so far");
  CHECK(logged.events(number::store_loading).at(1).fields.at("seconds") == "10");
  CHECK_FALSE(opened.has_value());
  held->go();
  on.loop.advance(1s); // it is told once more as the loading ends
  REQUIRE(on.loop.run_until([&] { return opened.has_value(); }));
  CHECK(opened->has_value());
  heard_by(manager);
  on.loop.advance(10s);
  CHECK(heard_by(manager).empty());
  CHECK(on.put("a").status == 202);
}

TEST_CASE("the status says that messages are refused for want of space on the disk, as long as they are") {
  whole_daemon on;
  on.end();
  cramped_store* disk = nullptr;
  on.double_of = [&](std::unique_ptr<store::store> kept) {
    auto made = std::make_unique<cramped_store>(std::move(kept));
    disk = made.get();
    return made;
  };
  on.start();
  CHECK_THAT(on.status(), Contains(R"("store_lacks_space":"",)"));
  disk->lack = {7, 8};
  CHECK(on.put("a").status == 503);
  CHECK_THAT(on.status(), Contains(R"("store_lacks_space":"the disk has 7 bytes free, store.free_bytes_min is 8",)") &&
                              Contains(R"("state":"ready")"));
  disk->lack = {};
  CHECK_THAT(on.status(), Contains(R"("store_lacks_space":"",)"));
  CHECK(on.put("a").status == 202);
}
