#include "dialogue/ingress/fake_entrance.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <unistd.h>

namespace asio = boost::asio;
using namespace statefund;
using namespace std::chrono_literals;
using dialogue::door_client;
using dialogue::ingress_door;
using dialogue::put;
using dialogue::refusal_of;

namespace {

struct row {
  std::string request;
  unsigned status;
  std::string code;
};

asio::awaitable<void> ask_each(ingress_door& at, std::vector<row> rows) {
  for (row const& one : rows) {
    door_client client(at.loop.executor(), at.directory.path("ingress.sock"));
    auto const said = co_await client.ask(one.request);
    INFO(one.request.substr(0, 200));
    INFO(said.body);
    CHECK(said.status == one.status);
    CHECK(said.headers.at("content-type") == "application/problem+json");
    auto const problem = nlohmann::json::parse(said.body);
    CHECK(problem["code"] == one.code);
    CHECK(problem["status"] == one.status);
    CHECK_FALSE(problem["detail"].get<std::string>().empty());
  }
}

asio::awaitable<dialogue::answer> ask(ingress_door& at, std::string request) {
  door_client client(at.loop.executor(), at.directory.path("ingress.sock"));
  auto said = co_await client.ask(request);
  co_return said;
}

template <class Body>
void with(ingress_door& at, Body body) {
  at.loop.run(body(at));
}

std::string const typed = "Statefun-Type: t/x\r\n";

} // namespace

TEST_CASE("a message is accepted with its type from the first place that has one") {
  ingress_door at;
  with(at, [](ingress_door& to) -> asio::awaitable<void> {
    auto const by_header = co_await ask(to, put("/a/b/1%2F2", typed + "Content-Type: text/plain\r\n", "bytes"));
    CHECK(by_header.status == 202);
    CHECK(by_header.headers.at("statefun-message-id") == message::to_text(message::entry_key{1, 0}));
    auto const by_content_type = co_await ask(to, put("/a/b/2", "Content-Type: application/vnd.t/y; v=1\r\n", "bytes"));
    CHECK(by_content_type.status == 202);
    auto const as_text = co_await ask(to, put("/a/b/3", "Content-Type: Text/Plain; charset=UTF-8\r\n", "hi"));
    CHECK(as_text.status == 202);
    auto const delayed = co_await ask(to, put("/a/b/4", typed + "Statefun-Delay: 10s\r\nIdempotency-Key: k\r\n", ""));
    CHECK(delayed.status == 202);
  });
  auto const& got = at.entrance.ordered;
  REQUIRE(got.size() == 4);
  CHECK(got[0].target.id == "1/2");
  CHECK(got[0].value == message::typed_value{"t/x", true, "bytes"});
  CHECK(got[1].value.type_name == "t/y");
  CHECK(got[2].value == message::typed_value{"io.statefun.types/string", true, "\n\x02hi"});
  CHECK(got[3].delay == 10s);
  CHECK(got[3].idempotency_key == "k");
  CHECK(got[3].value == message::typed_value{"t/x", true, ""});
}

TEST_CASE("what is refused before dispatch is asked says what is wrong") {
  ingress::options chosen;
  chosen.message_bytes_max = 10;
  ingress_door at(chosen);
  std::string const eleven(11, 'x');
  at.loop.run(ask_each(
      at, {
              {put("/a/b/1", "", "x"), 415, "SF0104"},
              {put("/a/b/1", "Content-Type: application/json\r\n", "x"), 415, "SF0104"},
              {put("/a/b/1", "Content-Type: application/vnd.\r\n", "x"), 415, "SF0104"},
              {put("/a/b/1", "Content-Type: text/plain; charset=latin1\r\n", "x"), 415, "SF0104"},
              {put("/a/b/1", "Content-Type: text/plain\r\n", "\xff"), 400, "SF0101"},
              {put("/a/none/1", "Content-Type: text/plain\r\n", "x"), 404, "SF0102"},
              {put("/a//1", typed, "x"), 400, "SF0101"},
              {put("/a/b/%zz", typed, "x"), 400, "SF0101"},
              {put("/a/b/%ff", typed, "x"), 400, "SF0101"},
              {put("/a/b/1?wait=1", typed, "x"), 400, "SF0101"},
              {put("/a/b/1", typed + "Statefun-Delay: soon\r\n", "x"), 400, "SF0101"},
              {put("/a/b/1", typed + "Statefun-Delay: 100000h\r\n", "x"), 400, "SF0101"},
              {put("/a/b/1", typed + "Idempotency-Key: \r\n", "x"), 400, "SF0101"},
              {put("/a/b/1", typed + "Idempotency-Key: " + std::string(1025, 'k') + "\r\n", "x"), 400, "SF0101"},
              {put("/a/b", typed, "x"), 404, "SF0116"},
              {put("/a/b/c/d", typed, "x"), 404, "SF0116"},
              {put("/", typed, "x"), 404, "SF0116"},
              {put("/-/x/y", typed, "x"), 404, "SF0116"},
              {"GET /a/b/1 HTTP/1.1\r\n\r\n", 405, "SF0111"},
              {"GET /-/batch HTTP/1.1\r\n\r\n", 405, "SF0111"},
              {"POST /-/egress/a/b HTTP/1.1\r\n\r\n", 405, "SF0111"},
              {put("/a/b/1", typed, eleven), 413, "SF0103"},
              {put("/a/b/1", typed + "Expect: 100-continue\r\n", eleven), 413, "SF0103"},
              {"PUT /a/b/1 HTTP/1.1\r\nStatefun-Type: t\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n" + eleven +
                   "\r\n0\r\n\r\n",
               413, "SF0103"},
              {"nonsense\r\n\r\n", 400, "SF0101"},
          }));
  CHECK(at.entrance.ordered.empty());
  CHECK(at.door.answers_count(0, 413) == 3);
}

TEST_CASE("a wrong method is told which is right") {
  ingress_door at;
  with(at, [](ingress_door& to) -> asio::awaitable<void> {
    auto const said = co_await ask(to, "DELETE /a/b/1 HTTP/1.1\r\n\r\n");
    CHECK(said.status == 405);
    CHECK(said.headers.at("allow") == "PUT, POST");
  });
}

TEST_CASE("what dispatch refuses has the status of its number, and Retry-After where there is one") {
  ingress_door at;
  std::vector<std::pair<number, unsigned>> const statuses = {{number::mailbox_full, 429},
                                                             {number::memory_mark_reached, 429},
                                                             {number::delayed_limit_reached, 429},
                                                             {number::keys_limit_reached, 429},
                                                             {number::not_accepting, 503},
                                                             {number::function_type_unknown, 404},
                                                             {number::key_conflict, 409},
                                                             {number::function_types_limit_reached, 429},
                                                             {number::addresses_limit_reached, 429},
                                                             {number::low_on_space, 503},
                                                             {number::sync_late, 503},
                                                             {number::unsynced_mark_reached, 503}};
  for (auto const& [why, status] : statuses) {
    at.entrance.refusals.push_back(refusal_of(why, 3s));
    auto const body = [](ingress_door& to, number expected, unsigned expected_status) -> asio::awaitable<void> {
      auto const said = co_await ask(to, put("/a/b/1", typed, "x"));
      CHECK(said.status == expected_status);
      CHECK(said.headers.at("retry-after") == "3");
      CHECK(said.body.find(to_string(expected)) != std::string::npos);
      auto const next = co_await ask(to, put("/a/b/1", typed, "x"));
      CHECK(next.status == 202); // and then it goes on
    };
    at.loop.run(body(at, why, status));
  }
}

TEST_CASE("a daemon that takes no messages refuses them before it reads them") {
  ingress_door at;
  at.entrance.closed = refusal_of(number::not_accepting, 1s);
  with(at, [](ingress_door& to) -> asio::awaitable<void> {
    auto const said = co_await ask(
        to, "PUT /a/b/1 HTTP/1.1\r\nStatefun-Type: t\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n");
    CHECK(said.status == 503);
    to.entrance.closed.reset();
    auto const next = co_await ask(to, put("/a/b/1", typed, "x"));
    CHECK(next.status == 202);
  });
}

TEST_CASE("a body is reserved before it is read, and given back") {
  ingress_door at;
  at.entrance.reserved_bytes_max = 100;
  with(at, [](ingress_door& to) -> asio::awaitable<void> {
    auto const declared = co_await ask(
        to, "PUT /a/b/1 HTTP/1.1\r\nStatefun-Type: t\r\nExpect: 100-continue\r\nContent-Length: 101\r\n\r\n");
    CHECK(declared.status == 429);
    auto const chunked = co_await ask(to, "PUT /a/b/1 HTTP/1.1\r\nStatefun-Type: t\r\nTransfer-Encoding: "
                                          "chunked\r\n\r\n65\r\n" +
                                              std::string(101, 'x') + "\r\n0\r\n\r\n");
    CHECK(chunked.status == 429);
    CHECK(to.entrance.reserved_bytes == 0);
    door_client slow(to.loop.executor(), to.directory.path("ingress.sock"));
    co_await slow.send("PUT /a/b/1 HTTP/1.1\r\nStatefun-Type: t\r\nContent-Length: 90\r\n\r\n");
    while (to.entrance.reserved_bytes == 0)
      co_await support::yield();
    auto const second = co_await ask(to, put("/a/b/2", typed, std::string(11, 'x')));
    CHECK(second.status == 429);
    slow.close();
    while (to.entrance.reserved_bytes != 0)
      co_await support::yield();
    auto const third = co_await ask(to, put("/a/b/3", typed, std::string(100, 'x')));
    CHECK(third.status == 202);
  });
}

TEST_CASE("an answer waits until its message is durable") {
  ingress_door at;
  at.entrance.durable_number = 0;
  with(at, [](ingress_door& to) -> asio::awaitable<void> {
    door_client client(to.loop.executor(), to.directory.path("ingress.sock"));
    co_await client.send(put("/a/b/1", typed + "Idempotency-Key: k\r\n", "x"));
    while (to.entrance.durable_waiting < 1)
      co_await support::yield();
    // A duplicate waits for the first.
    door_client again(to.loop.executor(), to.directory.path("ingress.sock"));
    co_await again.send(put("/a/b/1", typed + "Idempotency-Key: k\r\n", "x"));
    while (to.entrance.durable_waiting < 2)
      co_await support::yield();
    // The same key for other bytes was never ordered, so its refusal need not wait.
    auto const conflict = co_await ask(to, put("/a/b/1", typed + "Idempotency-Key: k\r\n", "y"));
    CHECK(conflict.status == 409);
    CHECK(to.door.answers_count(0, 202) == 0);
    CHECK(to.door.answers_count(0, 200) == 0);
    to.entrance.durable_number = 1;
    to.entrance.changed.notify_all();
    auto const first = co_await client.read();
    auto const second = co_await again.read();
    CHECK(first->status == 202);
    CHECK(second->status == 200);
    CHECK(second->headers.at("statefun-duplicate") == "true");
    CHECK(second->headers.at("statefun-message-id") == first->headers.at("statefun-message-id"));
  });
}

TEST_CASE("when the store is lost after ordering, the connection is closed and nothing is said") {
  ingress_door at;
  at.entrance.durable_number = 0;
  with(at, [](ingress_door& to) -> asio::awaitable<void> {
    door_client client(to.loop.executor(), to.directory.path("ingress.sock"));
    co_await client.send(put("/a/b/1", typed, "x"));
    while (to.entrance.durable_waiting < 1)
      co_await support::yield();
    to.entrance.lost = true;
    to.entrance.changed.notify_all();
    bool const closed = co_await client.is_closed();
    CHECK(closed);
  });
}

TEST_CASE("a slow client is answered 408 and its bytes are given back") {
  ingress_door at;
  with(at, [](ingress_door& to) -> asio::awaitable<void> {
    door_client client(to.loop.executor(), to.directory.path("ingress.sock"));
    co_await client.send("PUT /a/b/1 HTTP/1.1\r\nStatefun-Type: t\r\nContent-Length: 1000\r\n\r\n");
    // A byte every nine seconds is not too slow for one read, but for the body.
    for (int i = 0; i < 6; ++i) {
      co_await support::yield();
      co_await support::advance(to.loop, 9s);
      co_await client.send("x");
    }
    co_await support::yield();
    co_await support::advance(to.loop, 6s);
    auto const said = co_await client.read();
    REQUIRE(said);
    CHECK(said->status == 408);
    CHECK(to.entrance.reserved_bytes == 0);
  });
}

TEST_CASE("only the users that are allowed are let in") {
  ingress::options chosen;
  chosen.allow_uids = {::getuid() + 1};
  ingress_door refusing(chosen);
  refusing.loop.run(ask_each(
      refusing, {{put("/a/b/1", typed, "x"), 403, "SF0110"}, {"GET /-/egress/a/b HTTP/1.1\r\n\r\n", 403, "SF0110"}}));
}

TEST_CASE("this user is let in when it is on the list") {
  ingress::options chosen;
  chosen.allow_uids = {::getuid() + 1, ::getuid()};
  ingress_door at(chosen);
  with(at, [](ingress_door& to) -> asio::awaitable<void> {
    auto const said = co_await ask(to, put("/a/b/1", typed, "x"));
    CHECK(said.status == 202);
  });
}
