#include "dialogue/ingress/fake_entrance.hpp"
#include "wire/frames.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace asio = boost::asio;
using namespace statefund;
using dialogue::batch;
using dialogue::door_client;
using dialogue::ingress_door;
using dialogue::refusal_of;

namespace {

template <class Body>
void with(ingress_door& at, Body body) {
  at.loop.run(body(at));
}

asio::awaitable<dialogue::answer> ask(ingress_door& at, std::string request) {
  door_client client(at.loop.executor(), at.directory.path("ingress.sock"));
  auto said = co_await client.ask(request);
  co_return said;
}

std::string const ndjson = "application/x-ndjson";
std::string const protobuf = "application/vnd.statefund.v1+protobuf";
std::string const good = "{\"target\":\"a/b/1\",\"type\":\"t\",\"json\":1}\n";

std::string frames(int count) {
  std::string out;
  for (int i = 0; i < count; ++i)
    wire::append_frame(out, {{{"a", "b"}, std::to_string(i)}, {"t", true, "x"}, {}, 0});
  return out;
}

} // namespace

TEST_CASE("a batch is answered with what became of each of its messages") {
  ingress_door at;
  with(at, [](ingress_door& to) -> asio::awaitable<void> {
    std::string const keyed = "{\"target\":\"a/b/1\",\"type\":\"t\",\"json\":1,\"key\":\"k\"}\n";
    std::string const conflicting = "{\"target\":\"a/b/1\",\"type\":\"t\",\"json\":2,\"key\":\"k\"}\n";
    auto const said = co_await ask(to, batch(ndjson, good + "oops\n" + keyed + keyed + conflicting));
    CHECK(said.status == 200);
    auto const body = nlohmann::json::parse(said.body);
    CHECK(body["accepted"] == 2);
    CHECK(body["duplicates"] == 1);
    REQUIRE(body["rejected"].size() == 2);
    CHECK(body["rejected"][0]["index"] == 1);
    CHECK(body["rejected"][0]["status"] == 400);
    CHECK(body["rejected"][0]["code"] == "SF0101");
    CHECK(body["rejected"][1]["index"] == 4);
    CHECK(body["rejected"][1]["status"] == 409);
    CHECK_FALSE(body.contains("stopped_at"));
  });
  CHECK(at.entrance.ordered[0].value.bytes == "1");
}

TEST_CASE("a batch in protobuf is admitted in order") {
  ingress_door at;
  with(at, [](ingress_door& to) -> asio::awaitable<void> {
    auto const said = co_await ask(to, batch(protobuf, frames(5000)));
    CHECK(said.body == "{\"accepted\":5000,\"duplicates\":0,\"rejected\":[]}\n");
  });
  REQUIRE(at.entrance.ordered.size() == 5000);
  for (std::size_t i = 0; i < 5000; ++i)
    REQUIRE(at.entrance.ordered[i].target.id == std::to_string(i));
}

TEST_CASE("a batch that a client sends with a pause anywhere is answered the same") {
  std::string const upload = good + good + good;
  std::string const request = batch(ndjson, upload);
  ingress_door at;
  for (std::size_t cut = request.size() - upload.size(); cut <= request.size(); ++cut) {
    auto const body = [](ingress_door& to, std::string const& first, std::string const& rest) -> asio::awaitable<void> {
      door_client client(to.loop.executor(), to.directory.path("ingress.sock"));
      co_await client.send(first);
      co_await support::yield();
      auto const said = co_await client.ask(rest + "GET /x HTTP/1.1\r\n\r\n");
      CHECK(said.body == "{\"accepted\":3,\"duplicates\":0,\"rejected\":[]}\n");
    };
    at.loop.run(body(at, request.substr(0, cut), request.substr(cut)));
  }
}

TEST_CASE("a full mailbox holds back the reading of the rest") {
  ingress_door at;
  at.entrance.held = true;
  with(at, [](ingress_door& to) -> asio::awaitable<void> {
    door_client client(to.loop.executor(), to.directory.path("ingress.sock"));
    co_await client.send("POST /-/batch HTTP/1.1\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: "
                         "chunked\r\n\r\n");
    std::string const chunk = "27\r\n" + good + "\r\n";
    REQUIRE(good.size() == 0x27);
    co_await client.send(chunk);
    while (to.entrance.accept_many_calls == 0)
      co_await support::yield();
    co_await client.send(chunk);
    co_await client.send(chunk);
    co_await support::yield(50);
    CHECK(to.entrance.accept_many_calls == 1);
    to.entrance.held = false;
    to.entrance.changed.notify_all();
    auto const said = co_await client.ask("0\r\n\r\n");
    CHECK(said.body == "{\"accepted\":3,\"duplicates\":0,\"rejected\":[]}\n");
  });
}

TEST_CASE("a batch is answered once all of it is durable, and not at all when the store is lost") {
  for (bool const lost : {false, true}) {
    ingress_door at;
    at.entrance.durable_number = 1;
    auto const body = [](ingress_door& to, bool is_lost) -> asio::awaitable<void> {
      door_client client(to.loop.executor(), to.directory.path("ingress.sock"));
      co_await client.send(batch(ndjson, good + good));
      while (to.entrance.durable_waiting < 1)
        co_await support::yield();
      co_await support::yield();
      CHECK(to.door.answers_count(0, 200) == 0);
      to.entrance.lost = is_lost;
      to.entrance.durable_number = 2;
      to.entrance.changed.notify_all();
      auto const said = co_await client.read();
      CHECK(said.has_value() == !is_lost);
    };
    at.loop.run(body(at, lost));
  }
}

TEST_CASE("a body that breaks is refused while nothing is ordered; afterwards the connection is closed") {
  ingress_door at;
  with(at, [](ingress_door& to) -> asio::awaitable<void> {
    std::string const head =
        "POST /-/batch HTTP/1.1\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n";
    auto const refused = co_await ask(to, head + "nonsense\r\n");
    CHECK(refused.status == 400);
    door_client client(to.loop.executor(), to.directory.path("ingress.sock"));
    co_await client.send(head + "27\r\n" + good + "\r\nnonsense\r\n");
    auto const said = co_await client.read();
    CHECK_FALSE(said);
    CHECK(to.entrance.ordered.size() == 1); // what was admitted stays
    auto const next = co_await ask(to, batch(ndjson, good));
    CHECK(next.status == 200);
  });
}

TEST_CASE("messages that dispatch refuses are rejected at their index, and the others stay") {
  ingress_door at;
  at.entrance.refusals = {refusal_of(number::mailbox_full), refusal_of(number::rejected_before)};
  with(at, [](ingress_door& to) -> asio::awaitable<void> {
    auto const said = co_await ask(to, batch(protobuf, frames(4)));
    auto const body = nlohmann::json::parse(said.body);
    CHECK(body["accepted"] == 2);
    CHECK(body["rejected"][0]["code"] == "SF0105");
    CHECK(body["rejected"][1]["code"] == "SF0119");
    CHECK(body["rejected"][1]["status"] == 429);
  });
}

TEST_CASE("reading stops at a frame that is none, and after ten thousand rejections, and says where") {
  ingress_door at;
  with(at, [](ingress_door& to) -> asio::awaitable<void> {
    auto const framing = co_await ask(to, batch(protobuf, frames(2) + std::string(11, '\xff') + frames(2)));
    auto const framing_body = nlohmann::json::parse(framing.body);
    CHECK(framing_body["accepted"] == 2);
    CHECK(framing_body["rejected"].size() == 1);
    CHECK(framing_body["stopped_at"] == 3);
    std::string bad;
    for (int i = 0; i < 10'005; ++i)
      bad += "x\n";
    auto const many = co_await ask(to, batch(ndjson, bad));
    auto const many_body = nlohmann::json::parse(many.body);
    CHECK(many_body["rejected"].size() == 10'000);
    CHECK(many_body["stopped_at"] == 10'000);
  });
}

TEST_CASE("reading stops after so many bytes of why messages were refused, and says where") {
  ingress_door at;
  with(at, [](ingress_door& to) -> asio::awaitable<void> {
    constexpr std::size_t count = 9000;
    std::string const why(1024, 'w');
    to.entrance.refusals.assign(count, {number::mailbox_full, why, {}});
    std::string upload;
    for (std::size_t i = 0; i < count; ++i)
      upload += good;
    auto const said = co_await ask(to, batch(ndjson, upload));
    auto const body = nlohmann::json::parse(said.body);
    CHECK(body["rejected"].size() * why.size() >= ingress::rejections_bytes_max);
    CHECK(body["rejected"].size() < count);
    CHECK(body["stopped_at"] == body["rejected"].size());
  });
}

TEST_CASE("an upload that the memory mark stops says where, and what came before stays") {
  ingress_door at;
  with(at, [](ingress_door& to) -> asio::awaitable<void> {
    door_client client(to.loop.executor(), to.directory.path("ingress.sock"));
    co_await client.send("POST /-/batch HTTP/1.1\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: "
                         "chunked\r\n\r\n27\r\n" +
                         good + "\r\n");
    while (to.entrance.ordered.empty())
      co_await support::yield();
    to.entrance.reserved_bytes_max = to.entrance.reserved_bytes;
    auto const said = co_await client.ask("4e\r\n" + good + good + "\r\n0\r\n\r\n");
    auto const body = nlohmann::json::parse(said.body);
    CHECK(body["accepted"] == 1);
    CHECK(body["rejected"][0]["index"] == 1);
    CHECK(body["rejected"][0]["code"] == "SF0106");
    CHECK(body["stopped_at"] == 2);
    to.entrance.reserved_bytes_max = 1;
    auto const refused = co_await ask(to, batch(ndjson, good));
    CHECK(refused.status == 429);
  });
}

TEST_CASE("a batch of no known format is refused with the formats there are") {
  ingress_door at;
  with(at, [](ingress_door& to) -> asio::awaitable<void> {
    auto const said = co_await ask(to, batch("application/json", good));
    CHECK(said.status == 415);
    CHECK(said.body.find("application/x-ndjson") != std::string::npos);
    auto const empty = co_await ask(to, batch(ndjson, ""));
    CHECK(empty.body == "{\"accepted\":0,\"duplicates\":0,\"rejected\":[]}\n");
  });
}
