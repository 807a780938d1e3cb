#include "dialogue/ingress/fake_entrance.hpp"
#include "task/gate.hpp"
#include "wire/frames.hpp"

#include <catch2/catch.hpp>

namespace asio = boost::asio;
using namespace statefund;
using namespace std::chrono_literals;
using dialogue::door_client;
using dialogue::ingress_door;
using dialogue::refusal_of;

namespace {

template <class Body>
void with(ingress_door& at, Body body) {
  at.loop.run(body(at));
}

asio::awaitable<dialogue::answer> get(ingress_door& at, std::string path, std::string headers = {}) {
  door_client client(at.loop.executor(), at.directory.path("ingress.sock"));
  auto said = co_await client.ask("GET " + path + " HTTP/1.1\r\n" + headers + "\r\n");
  co_return said;
}

store::egress_page two_records() {
  return {{{7, {{"a", "b"}, "x/y"}, {"t", true, "foo"}}, {9, {{"a", "b"}, "2"}, {"t", false, ""}}}, 9};
}

asio::awaitable<void> close(ingress_door& at) {
  co_await at.door.close();
  at.closed = true;
}

} // namespace

TEST_CASE("records are given as lines, or as frames to who accepts them") {
  ingress_door at;
  at.entrance.page = two_records();
  with(at, [](ingress_door& to) -> asio::awaitable<void> {
    auto const lines = co_await get(to, "/-/egress/e/f");
    CHECK(lines.headers.at("content-type") == "application/x-ndjson");
    CHECK(lines.body == "{\"seq\":7,\"from\":\"a/b/x%2Fy\",\"type\":\"t\",\"value\":\"Zm9v\"}\n"
                        "{\"seq\":9,\"from\":\"a/b/2\",\"type\":\"t\"}\n");
    auto const frames = co_await get(to, "/-/egress/e/f", "Accept: application/vnd.statefund.v1+protobuf\r\n");
    auto const first = wire::next_frame(frames.body, 1000);
    REQUIRE(first.has_value());
    REQUIRE(first->has_value());
    auto const record = wire::decode_egress_record((*first)->body);
    REQUIRE(record.has_value());
    CHECK(record->sequence == 7);
    CHECK(record->from.id == "x/y");
    CHECK(record->value.bytes == "foo");
  });
  auto const& asked = at.entrance.egress_requests.at(0);
  CHECK(asked.egress == message::egress_id{"e", "f"});
  CHECK_FALSE(asked.after);
  CHECK(asked.records_max == 100);
  CHECK_FALSE(asked.peek);
}

TEST_CASE("what a reader acknowledges reaches dispatch once, however long it waits") {
  ingress_door at;
  with(at, [](ingress_door& to) -> asio::awaitable<void> {
    door_client client(to.loop.executor(), to.directory.path("ingress.sock"));
    co_await client.send("GET /-/egress/e/f?after=18446744073709551615&max=5&wait=5s HTTP/1.1\r\n\r\n");
    while (to.entrance.egress_requests.empty())
      co_await support::yield();
    co_await support::advance(to.loop, 3s);
    while (to.entrance.egress_requests.size() < 2)
      co_await support::yield();
    to.entrance.page = two_records();
    to.entrance.changed.notify_all();
    auto const said = co_await client.read();
    REQUIRE(said);
    CHECK(said->status == 200);
    CHECK_FALSE(said->body.empty());
  });
  auto const& asked = at.entrance.egress_requests;
  CHECK(asked[0].after == UINT64_MAX);
  CHECK(asked[0].records_max == 5);
  CHECK_FALSE(asked[0].peek);
  CHECK(asked[1].after == UINT64_MAX);
  CHECK(asked[1].peek);
}

TEST_CASE("an empty answer is held back for as long as was asked, and no longer") {
  ingress_door at;
  with(at, [](ingress_door& to) -> asio::awaitable<void> {
    auto const at_once = co_await get(to, "/-/egress/e/f");
    CHECK(at_once.body.empty());
    door_client client(to.loop.executor(), to.directory.path("ingress.sock"));
    co_await client.send("GET /-/egress/e/f?wait=2s HTTP/1.1\r\n\r\n");
    while (to.entrance.egress_requests.size() < 2)
      co_await support::yield();
    co_await support::advance(to.loop, 1s);
    co_await support::yield();
    CHECK(to.door.answers_count(0, 200) == 1);
    co_await support::advance(to.loop, 1s);
    auto const said = co_await client.read();
    REQUIRE(said);
    CHECK(said->body.empty());
  });
}

TEST_CASE("a reader that waits is answered when the daemon stops") {
  ingress_door at;
  with(at, [](ingress_door& to) -> asio::awaitable<void> {
    door_client client(to.loop.executor(), to.directory.path("ingress.sock"));
    co_await client.send("GET /-/egress/e/f?wait=60s HTTP/1.1\r\n\r\n");
    while (to.entrance.egress_requests.empty())
      co_await support::yield();
    task::gate closing(to.loop.executor());
    closing.start(close(to));
    co_await support::yield();
    co_await support::advance(to.loop, 1s);
    auto const said = co_await client.read();
    REQUIRE(said);
    CHECK(said->status == 200);
    co_await closing.close();
  });
}

TEST_CASE("a read that cannot be answered says why") {
  ingress_door at;
  with(at, [](ingress_door& to) -> asio::awaitable<void> {
    for (char const* path :
         {"/-/egress/e", "/-/egress/e/f/g", "/-/egress/e/", "/-/egress/e/f?after=-1", "/-/egress/e/f?max=0",
          "/-/egress/e/f?max=1000000", "/-/egress/e/f?wait=61s", "/-/egress/e/f?wait=long", "/-/egress/e/f?peek=yes",
          "/-/egress/e/f?aftr=1", "/-/egress/e/f?max=1&max=1"}) {
      INFO(path);
      auto const said = co_await get(to, path);
      CHECK(said.status == 400);
    }
    CHECK(to.entrance.egress_requests.empty());
    to.entrance.egress_refusal = refusal_of(number::sequence_ahead);
    auto const ahead = co_await get(to, "/-/egress/e/f?after=9");
    CHECK(ahead.status == 409);
    to.entrance.egress_refusal = refusal_of(number::egress_unknown);
    auto const unknown = co_await get(to, "/-/egress/e/f");
    CHECK(unknown.status == 404);
  });
}
