#include "admin/door.hpp"
#include "admin/status_json.hpp"
#include "log/capture.hpp"
#include "support/event_loop.hpp"
#include "task/with_deadline.hpp"
#include "unit/admin/fake_operations.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <unistd.h>

namespace asio = boost::asio;
using namespace statefund;

namespace {

class fake_sources final : public admin::sources {
 public:
  std::optional<dispatch::refusal> not_ready() override { return why; }
  asio::awaitable<admin::status> status() override { co_return current; }
  asio::awaitable<admin::metrics> metrics() override { co_return admin::metrics{}; }

  asio::awaitable<std::optional<admin::reload_report>> reload() override {
    ++reloads_count;
    co_return reloaded;
  }
  asio::awaitable<result<store::backup_report>> back_up(std::string directory) override {
    backups.push_back(directory);
    co_return backed_up;
  }

  std::optional<dispatch::refusal> why;
  admin::status current;
  std::optional<admin::reload_report> reloaded;
  int reloads_count = 0;
  std::vector<std::string> backups;
  result<store::backup_report> backed_up = store::backup_report{};
};

// What a client gets for a request that closes its connection: at 127.0.0.1:<port>, or at a socket's path.
asio::awaitable<void> ask(std::string at, std::string request, std::string& into) {
  auto const executor = co_await asio::this_coro::executor;
  asio::generic::stream_protocol::socket socket(executor);
  if (at.starts_with('/'))
    socket.connect(asio::local::stream_protocol::endpoint(at));
  else
    socket.connect(asio::ip::tcp::endpoint(asio::ip::make_address("127.0.0.1"),
                                           static_cast<std::uint16_t>(std::stoul(at.substr(at.rfind(':') + 1)))));
  request += " HTTP/1.0\r\n\r\n";
  auto write = socket.async_write_some(asio::buffer(request), asio::deferred);
  auto const sent = co_await task::with_deadline(std::move(write), clock::deadline::never());
  REQUIRE(sent.has_value());
  std::array<char, 4096> some;
  for (;;) {
    auto read = socket.async_read_some(asio::buffer(some), asio::deferred);
    auto const count = co_await task::with_deadline(std::move(read), clock::deadline::never());
    if (count.has_error())
      co_return;
    into.append(some.data(), *count);
  }
}

// Over TCP it only shows, unless it is told otherwise.
struct open_door {
  explicit open_door(admin::actions over_tcp = admin::actions::refused)
      : door(loop.executor(), from, on, listens(over_tcp)) {
    REQUIRE(door.open().has_value());
  }
  ~open_door() { loop.run(door.close()); }
  std::string at_socket(std::string const& request) { return answer(socket, request); }
  std::string over_tcp(std::string const& request) { return answer(door.listens_at(), request); }

  fake_sources from;

 private:
  admin::options listens(admin::actions over_tcp) const {
    admin::options chosen;
    chosen.socket = socket;
    chosen.listen = "127.0.0.1:0";
    chosen.actions = over_tcp;
    return chosen;
  }
  std::string answer(std::string const& at, std::string const& request) {
    std::string said;
    loop.run(ask(at, request, said));
    return said;
  }

  std::string const socket = "/tmp/statefund-admin-" + std::to_string(::getpid()) + ".sock";
  support::event_loop loop;
  support::fake_operations on;
  admin::door door;
};

nlohmann::json body_of(std::string const& said) {
  return nlohmann::json::parse(said.substr(said.find("\r\n\r\n") + 4));
}

} // namespace

TEST_CASE("the admin door answers what it knows, by paths, to GET and HEAD only") {
  open_door at;
  auto const answer_to = [&](std::string const& request) { return at.over_tcp(request); };
  CHECK(answer_to("GET /-/healthy").starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(answer_to("GET /-/ready").starts_with("HTTP/1.1 200 OK\r\n"));
  at.from.why = {number::low_on_space, "17 bytes free", std::chrono::seconds(10)};
  auto const not_ready = answer_to("GET /-/ready");
  CHECK(not_ready.starts_with("HTTP/1.1 503 "));
  CHECK(not_ready.find("SF0307") != std::string::npos);
  CHECK(not_ready.find("17 bytes free") != std::string::npos);
  CHECK(not_ready.find("Retry-After: 10\r\n") != std::string::npos);
  CHECK(answer_to("GET /metrics?x=1").find("statefun_build_info") != std::string::npos);
  CHECK(answer_to("GET /v1/status").find("\"functions\":[]") != std::string::npos);
  CHECK(answer_to("GET /v1/status?x=1").starts_with("HTTP/1.1 400 "));
  CHECK(answer_to("HEAD /-/healthy").ends_with("\r\n\r\n"));
  CHECK(answer_to("GET /nothing").starts_with("HTTP/1.1 404 "));
  auto const wrong = answer_to("POST /metrics");
  CHECK(wrong.starts_with("HTTP/1.1 405 "));
  CHECK(wrong.find("Allow: GET, HEAD\r\n") != std::string::npos);
}

TEST_CASE("a reload is asked for by POST at the socket, and over TCP only where actions are allowed") {
  auto const over_tcp = GENERATE(admin::actions::refused, admin::actions::allowed);
  open_door at(over_tcp);
  auto& from = at.from;
  from.reloaded = admin::reload_report{7, 3, 12, {}, {}};
  auto const done = at.at_socket("POST /-/reload");
  CHECK(done.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(body_of(done) == nlohmann::json{{"generation", 7}, {"files_count", 3}, {"functions_count", 12}});
  CHECK(at.at_socket("GET /-/reload").starts_with("HTTP/1.1 405 "));
  CHECK(at.at_socket("GET /-/reload").find("Allow: POST\r\n") != std::string::npos);
  CHECK(from.reloads_count == 1);

  from.reloaded->diagnostics = {{"a.yaml", 3, 5, "no such key", "did you mean that?"}};
  auto const refused = at.at_socket("POST /-/reload");
  CHECK(refused.starts_with("HTTP/1.1 422 Unprocessable Content\r\n"));
  auto const problem = body_of(refused);
  CHECK(problem["code"] == "SF0122");
  CHECK(problem["generation"] == 7);
  CHECK(problem["diagnostics"][0]["line"] == 3);
  from.reloaded->failure = "there is no such module directory";
  CHECK(body_of(at.at_socket("POST /-/reload"))["detail"] ==
        "there is no such module directory; what was in force stays");
  from.reloaded.reset();
  CHECK(at.at_socket("POST /-/reload").starts_with("HTTP/1.1 503 "));

  int const before = from.reloads_count;
  auto const seen = at.over_tcp("POST /-/reload");
  CHECK(seen.starts_with(over_tcp == admin::actions::refused ? "HTTP/1.1 403 " : "HTTP/1.1 503 "));
  CHECK(from.reloads_count == before + (over_tcp == admin::actions::allowed ? 1 : 0));
}

TEST_CASE("a backup is asked for by POST at the socket, with a path on the daemon's machine") {
  open_door at;
  auto& from = at.from;
  log::capture logged;
  from.backed_up = store::backup_report{1791234567890123, 4096, std::chrono::milliseconds(210)};
  auto const done = at.at_socket("POST /v1/backup?directory=%2Fsrv%2Fa%20b");
  CHECK(done.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(body_of(done) ==
        nlohmann::json{{"directory", "/srv/a b"}, {"number", 1791234567890123}, {"bytes", 4096}, {"took_ms", 210}});
  CHECK(from.backups == std::vector<std::string>{"/srv/a b"});
  CHECK(logged.count(number::backup_made) == 1);

  SECTION("a path that is none, and a door that only shows, ask nobody") {
    for (auto const* query : {"", "?directory=", "?directory=srv", "?directory=./srv"}) {
      auto const relative = at.at_socket(std::string("POST /v1/backup") + query);
      CHECK(relative.starts_with("HTTP/1.1 400 "));
      CHECK(body_of(relative)["detail"] ==
            "a backup says where to: ?directory=<absolute path of a new directory on the daemon's machine>");
    }
    CHECK(at.at_socket("POST /v1/backup?into=/srv").starts_with("HTTP/1.1 400 "));
    CHECK(at.at_socket("GET /v1/backup?directory=/srv").starts_with("HTTP/1.1 405 "));
    CHECK(body_of(at.over_tcp("POST /v1/backup?directory=/srv"))["code"] == "SF0123");
    CHECK(from.backups.size() == 1);
  }
  SECTION("why there is none is said by number") {
    struct expected {
      store::errc why;
      char const* status;
      char const* code;
      int logged;
    };
    for (auto const& [why, status, code, logged_count] :
         {expected{store::errc::keeps_nothing, "409 Conflict", "SF0311", 0},
          expected{store::errc::backup_refused, "409 Conflict", "SF0312", 0},
          expected{store::errc::backup_under_way, "409 Conflict", "SF0313", 0},
          expected{store::errc::backup_failed, "500 Internal Server Error", "SF0314", 1}}) {
      from.backed_up = error{why, "so it is"};
      auto const refused = at.at_socket("POST /v1/backup?directory=/srv");
      CHECK(refused.starts_with(std::string("HTTP/1.1 ") + status + "\r\n"));
      CHECK(body_of(refused)["code"] == code);
      CHECK(body_of(refused)["detail"] == "so it is");
      CHECK(logged.count(number::backup_failed) == static_cast<std::size_t>(logged_count));
    }
  }
}

TEST_CASE("a status is one JSON object with everything in it") {
  admin::status one;
  one.version = "0.1.0";
  one.state = "ready";
  one.uptime = std::chrono::seconds(61);
  one.modules = {{"a.yaml", "refused", {{"a.yaml", 1, 2, "\"no\"", "yes"}}}};
  one.declared_not_running = {{"the router", "a.yaml:9:1", "it does not run"}};
  admin::function_status busy;
  busy.type = {"a", "b"};
  busy.generation = "3.x";
  busy.last_failure = admin::failure_status{"connect refused", 3, 1700};
  admin::function_status quiet;
  quiet.type = {"a", "c"};
  one.functions = {busy, quiet};
  one.egresses = {{{"e", "f"}, "queue", 2, 30, 0}};
  one.held = {{"memory", 3}};
  auto const read = nlohmann::json::parse(admin::to_json(one));
  CHECK(read["uptime_seconds"] == 61);
  CHECK(read["modules"][0]["state"] == "refused");
  CHECK(read["modules"][0]["diagnostics"][0]["line"] == 1);
  CHECK(read["modules"][0]["diagnostics"][0]["message"] == "\"no\"");
  CHECK(read["modules"][0]["diagnostics"][0]["hint"] == "yes");
  CHECK(read["declared_not_running"][0]["where"] == "a.yaml:9:1");
  CHECK(read["functions"].size() == 2);
  CHECK(read["functions"][0]["type"] == "a/b");
  CHECK(read["functions"][0]["last_failure"]["attempts_count"] == 3);
  CHECK(read["functions"][0]["last_failure"]["next_attempt_unix_ms"] == 1700);
  CHECK(read["functions"][1]["last_failure"].is_null());
  CHECK(read["egresses"][0]["egress"] == "e/f");
  CHECK(read["egresses"][0]["bytes"] == 30);
  CHECK(read["held"][0]["waits_for"] == "memory");
  CHECK(read["held"][0]["addresses_count"] == 3);
}
