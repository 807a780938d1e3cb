#include "admin/door.hpp"
#include "admin/status_json.hpp"
#include "support/event_loop.hpp"
#include "task/with_deadline.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <unistd.h>

namespace asio = boost::asio;
using namespace statefund;

namespace {

class fake_sources final : public admin::sources {
 public:
  std::optional<std::string> not_ready() override { return why; }
  asio::awaitable<admin::status> status() override { co_return current; }
  asio::awaitable<admin::metrics> metrics() override { co_return admin::metrics{}; }

  std::optional<std::string> why;
  admin::status current;
};

// What a client over TCP gets for a request that closes its connection.
asio::awaitable<void> ask(std::string at, std::string request, std::string& into) {
  auto const executor = co_await asio::this_coro::executor;
  asio::ip::tcp::socket socket(executor);
  auto const port = static_cast<std::uint16_t>(std::stoul(at.substr(at.rfind(':') + 1)));
  socket.connect({asio::ip::make_address("127.0.0.1"), port});
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

asio::awaitable<void> close(admin::door& door) {
  co_await door.close();
}

} // namespace

TEST_CASE("the admin door answers what it knows, by paths, to GET and HEAD only") {
  support::event_loop loop;
  fake_sources from;
  admin::options chosen;
  chosen.socket = "/tmp/statefund-admin-" + std::to_string(::getpid()) + ".sock";
  chosen.listen = "127.0.0.1:0";
  admin::door door(loop.executor(), from, chosen);
  REQUIRE(door.open().has_value());
  auto const answer_to = [&](std::string const& request) {
    std::string said;
    loop.run(ask(door.listens_at(), request, said));
    return said;
  };
  CHECK(answer_to("GET /-/healthy").starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(answer_to("GET /-/ready").starts_with("HTTP/1.1 200 OK\r\n"));
  from.why = "the modules are being loaded";
  auto const not_ready = answer_to("GET /-/ready");
  CHECK(not_ready.starts_with("HTTP/1.1 503 "));
  CHECK(not_ready.find("the modules are being loaded") != std::string::npos);
  CHECK(answer_to("GET /metrics?x=1").find("statefun_build_info") != std::string::npos);
  CHECK(answer_to("GET /v1/status").find("\"functions\":[]") != std::string::npos);
  CHECK(answer_to("GET /v1/status?x=1").starts_with("HTTP/1.1 400 "));
  CHECK(answer_to("HEAD /-/healthy").ends_with("\r\n\r\n"));
  CHECK(answer_to("GET /nothing").starts_with("HTTP/1.1 404 "));
  auto const wrong = answer_to("POST /metrics");
  CHECK(wrong.starts_with("HTTP/1.1 405 "));
  CHECK(wrong.find("Allow: GET, HEAD\r\n") != std::string::npos);
  loop.run(close(door));
}

TEST_CASE("a status is one JSON object with everything in it") {
  admin::status one;
  one.version = "0.1.0";
  one.state = "ready";
  one.uptime = std::chrono::seconds(61);
  one.modules = {{"a.yaml", false, {"a.yaml:1:2: \"no\""}}};
  admin::function_status busy;
  busy.type = {"a", "b"};
  busy.generation = "3.x";
  busy.last_failure = admin::failure_status{"connect refused", 3, 1700};
  admin::function_status quiet;
  quiet.type = {"a", "c"};
  one.functions = {busy, quiet};
  one.egresses = {{{"e", "f"}, "queue", 2, 30, 0}};
  auto const read = nlohmann::json::parse(admin::to_json(one));
  CHECK(read["uptime_seconds"] == 61);
  CHECK(read["modules"][0]["in_force"] == false);
  CHECK(read["modules"][0]["diagnostics"][0] == "a.yaml:1:2: \"no\"");
  CHECK(read["functions"].size() == 2);
  CHECK(read["functions"][0]["type"] == "a/b");
  CHECK(read["functions"][0]["last_failure"]["attempts_count"] == 3);
  CHECK(read["functions"][0]["last_failure"]["next_attempt_unix_ms"] == 1700);
  CHECK(read["functions"][1]["last_failure"].is_null());
  CHECK(read["egresses"][0]["egress"] == "e/f");
  CHECK(read["egresses"][0]["bytes"] == 30);
}
