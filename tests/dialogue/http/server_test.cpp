#include "clock/deadline.hpp"
#include "dialogue/door_client.hpp"
#include "http/errc.hpp"
#include "http/problem.hpp"
#include "http/server.hpp"
#include "support/event_loop.hpp"
#include "task/event.hpp"
#include "task/gate.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/use_future.hpp>

#include <catch2/catch.hpp>

#include <sys/resource.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

namespace asio = boost::asio;
using namespace statefund;
using namespace std::chrono_literals;
using dialogue::answer;
using dialogue::door_client;

namespace {

// Answers with what it was asked and sent. "/unread" reads nothing, "/limited" takes 8 bytes, "/wait" waits until told,
// "/close" has no answer.
class echo final : public http::handler {
 public:
  explicit echo(asio::any_io_executor const& executor) : told(executor) {}

  asio::awaitable<std::optional<http::response>> handle(http::request const& asked, http::body& sent) override {
    ++handled;
    http::response said;
    if (asked.path() == "/close")
      co_return std::nullopt;
    if (asked.path() == "/wait")
      co_await told.wait(clock::deadline::never());
    said.body = std::string(asked.method_text()) + " " + std::string(asked.path());
    if (asked.path() == "/unread")
      co_return said;
    if (asked.path() == "/limited" && sent.length_bytes().value_or(0) > 8)
      co_return http::problem(number::message_too_large, "at most 8 bytes");
    for (;;) {
      auto const piece = co_await sent.read_some();
      if (piece.has_error())
        co_return http::answer_to(piece.error());
      if (piece->empty())
        break;
      said.body += said.body.find(':') == std::string::npos ? ": " : "";
      said.body += *piece;
    }
    co_return said;
  }
  void answered(unsigned status) noexcept override { last_status = status; }

  task::event told;
  int handled = 0;
  unsigned last_status = 0;
};

struct door {
  explicit door(http::limits bounds = {})
      : answers(loop.executor()),
        server({http::place{loop.executor(), &answers}}, bounds, [this](error const& e) { failures.push_back(e); }) {
    auto listens = http::listening_socket::at_path(path(), 0600, "");
    REQUIRE(listens.has_value());
    server.start(std::move(*listens));
  }
  ~door() {
    if (!stopped)
      loop.run(server.stop());
  }
  std::string path() const { return directory.path("s"); }

  support::event_loop loop;
  dialogue::socket_directory directory;
  echo answers;
  std::vector<error> failures;
  http::server server;
  bool stopped = false;
};

// Every body takes the door by reference; it ends before the door does.
template <class Body>
void with(door& at, Body body) {
  at.loop.run(body(at));
}

asio::awaitable<void> stop(door& at) {
  co_await at.server.stop();
  at.stopped = true;
}

} // namespace

TEST_CASE("requests on one connection are answered in order, pipelined ones too") {
  door at;
  with(at, [](door& to) -> asio::awaitable<void> {
    door_client client(to.loop.executor(), to.path());
    co_await client.send("GET /1 HTTP/1.1\r\n\r\nPOST /2 HTTP/1.1\r\nContent-Length: 2\r\n\r\nhiPOST /3 HTTP/1.1\r\n"
                         "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nHEAD /4 HTTP/1.1\r\n\r\n");
    auto const first = co_await client.read();
    CHECK(first->body == "GET /1");
    auto const second = co_await client.read();
    CHECK(second->body == "POST /2: hi");
    auto const third = co_await client.read();
    CHECK(third->body == "POST /3: abc");
    auto const head = co_await client.read(dialogue::body_of::head);
    CHECK(head->headers.at("content-length") == "7");
    CHECK(head->body.empty());
  });
  CHECK(at.answers.handled == 4);
}

TEST_CASE("a request is answered the same wherever the client pauses in it") {
  std::string const bytes = "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  door at;
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    auto const body = [&](door& to) -> asio::awaitable<void> {
      door_client client(to.loop.executor(), to.path());
      co_await client.send(bytes.substr(0, cut));
      co_await support::yield();
      auto const said = co_await client.ask(bytes.substr(cut));
      CHECK(said.body == "POST /a: abcde");
    };
    at.loop.run(body(at));
  }
}

TEST_CASE("an HTTP/1.0 connection, and one that asks for it, is closed with the answer") {
  door at;
  with(at, [](door& to) -> asio::awaitable<void> {
    for (char const* bytes : {"GET /a HTTP/1.0\r\n\r\n", "GET /a HTTP/1.1\r\nConnection: close\r\n\r\n"}) {
      door_client client(to.loop.executor(), to.path());
      auto const said = co_await client.ask(bytes);
      CHECK(said.headers.at("connection") == "close");
      bool const said_4 = co_await client.is_closed();
      CHECK(said_4);
    }
  });
}

TEST_CASE("a client that waits for 100 Continue is told so when the body is wanted, and not before") {
  door at;
  with(at, [](door& to) -> asio::awaitable<void> {
    door_client client(to.loop.executor(), to.path());
    std::string const head = " HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n";
    auto const said_5 = co_await client.ask("POST /a" + head);
    CHECK(said_5.status == 100);
    auto const said_6 = co_await client.ask("123456789");
    CHECK(said_6.body == "POST /a: 123456789");
    auto const refused = co_await client.ask("POST /limited" + head);
    CHECK(refused.status == 413);
    CHECK(refused.headers.at("connection") == "close");
  });
}

TEST_CASE("a body that nobody wanted is read over when it is short, and costs the connection when it is long") {
  door at;
  with(at, [](door& to) -> asio::awaitable<void> {
    door_client client(to.loop.executor(), to.path());
    auto const said_7 = co_await client.ask("POST /unread HTTP/1.1\r\nContent-Length: 4\r\n\r\n1234");
    CHECK(said_7.status == 200);
    auto const said_8 = co_await client.ask("GET /next HTTP/1.1\r\n\r\n");
    CHECK(said_8.body == "GET /next");
    // The client gets its answer though it was in the middle of sending.
    auto const said =
        co_await client.ask("POST /unread HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n" + std::string(100'000, 'x'));
    CHECK(said.headers.at("connection") == "close");
    bool const said_9 = co_await client.is_closed();
    CHECK(said_9);
  });
}

TEST_CASE("what is no request is answered 400, and the connection closed") {
  door at;
  with(at, [](door& to) -> asio::awaitable<void> {
    for (char const* bytes : {"nonsense\r\n\r\n", "GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
                              "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"}) {
      door_client client(to.loop.executor(), to.path());
      auto const said = co_await client.ask(bytes);
      CHECK(said.status == 400);
      CHECK(said.headers.at("content-type") == "application/problem+json");
      bool const said_10 = co_await client.is_closed();
      CHECK(said_10);
      CHECK(to.answers.last_status == 400);
    }
  });
}

TEST_CASE("a header block above the limit is answered 431") {
  door at;
  with(at, [](door& to) -> asio::awaitable<void> {
    door_client client(to.loop.executor(), to.path());
    auto const said = co_await client.ask("GET / HTTP/1.1\r\nX: " + std::string(17'000, 'x'));
    CHECK(said.status == 431);
    door_client other(to.loop.executor(), to.path());
    auto const said_11 = co_await other.ask("GET / HTTP/1.1\r\nX: " + std::string(16'000, 'x') + "\r\n\r\n");
    CHECK(said_11.status == 200);
  });
}

TEST_CASE("a client that is slower than the header's deadline, counted from its first byte, is answered 408") {
  door at;
  with(at, [](door& to) -> asio::awaitable<void> {
    door_client client(to.loop.executor(), to.path());
    co_await support::yield();
    co_await support::advance(to.loop, 20s);
    co_await client.send("GET / HT");
    co_await support::yield();
    co_await support::advance(to.loop, 9s);
    co_await client.send("TP/1.1\r\n");
    co_await support::yield();
    co_await support::advance(to.loop, 1s);
    auto const said = co_await client.read();
    REQUIRE(said);
    CHECK(said->status == 408);
    bool const said_12 = co_await client.is_closed();
    CHECK(said_12);
  });
}

TEST_CASE("a client that stops within its body is answered 408; one that goes on is waited for") {
  door at;
  with(at, [](door& to) -> asio::awaitable<void> {
    door_client client(to.loop.executor(), to.path());
    co_await client.send("POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n");
    for (char const* byte : {"a", "b", "c"}) {
      co_await support::yield();
      co_await support::advance(to.loop, 9s);
      co_await client.send(byte);
    }
    co_await support::yield();
    co_await support::advance(to.loop, 10s);
    auto const said = co_await client.read();
    REQUIRE(said);
    CHECK(said->status == 408);
  });
}

TEST_CASE("an idle connection is closed without a word") {
  door at;
  with(at, [](door& to) -> asio::awaitable<void> {
    door_client client(to.loop.executor(), to.path());
    auto const said_13 = co_await client.ask("GET / HTTP/1.1\r\n\r\n");
    CHECK(said_13.status == 200);
    co_await support::yield();
    co_await support::advance(to.loop, 75s);
    bool const said_14 = co_await client.is_closed();
    CHECK(said_14);
  });
}

TEST_CASE("a client that leaves within its request gets nothing, and others go on") {
  door at;
  with(at, [](door& to) -> asio::awaitable<void> {
    for (char const* bytes : {"GET / HT", "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nab"}) {
      door_client client(to.loop.executor(), to.path());
      co_await client.send(bytes);
      client.shut_sending();
      bool const said_15 = co_await client.is_closed();
      CHECK(said_15);
    }
    door_client other(to.loop.executor(), to.path());
    auto const said_16 = co_await other.ask("GET / HTTP/1.1\r\n\r\n");
    CHECK(said_16.status == 200);
    CHECK(to.server.connections_count() == 1);
  });
}

TEST_CASE("a handler without an answer closes the connection") {
  door at;
  with(at, [](door& to) -> asio::awaitable<void> {
    door_client client(to.loop.executor(), to.path());
    co_await client.send("GET /close HTTP/1.1\r\n\r\n");
    bool const said_17 = co_await client.is_closed();
    CHECK(said_17);
  });
}

TEST_CASE("one connection too many is answered 503; when one leaves, the next is served") {
  http::limits bounds;
  bounds.connections_max = 1;
  door at(bounds);
  with(at, [](door& to) -> asio::awaitable<void> {
    door_client first(to.loop.executor(), to.path());
    auto const said_18 = co_await first.ask("GET / HTTP/1.1\r\n\r\n");
    CHECK(said_18.status == 200);
    door_client second(to.loop.executor(), to.path());
    auto const said = co_await second.read();
    REQUIRE(said);
    CHECK(said->status == 503);
    CHECK(said->headers.contains("retry-after"));
    bool const said_19 = co_await second.is_closed();
    CHECK(said_19);
    second.close();
    first.close();
    for (int i = 0; i < 100 && to.server.connections_count() > 0; ++i)
      co_await support::yield();
    door_client third(to.loop.executor(), to.path());
    auto const said_20 = co_await third.ask("GET / HTTP/1.1\r\n\r\n");
    CHECK(said_20.status == 200);
  });
}

TEST_CASE("a stop ends idle connections, and lets the request in progress be answered") {
  door at;
  with(at, [](door& to) -> asio::awaitable<void> {
    door_client idle(to.loop.executor(), to.path());
    auto const said_21 = co_await idle.ask("GET / HTTP/1.1\r\n\r\n");
    CHECK(said_21.status == 200);
    door_client busy(to.loop.executor(), to.path());
    co_await busy.send("GET /wait HTTP/1.1\r\n\r\n");
    while (to.answers.handled < 2)
      co_await support::yield();
    task::gate stopping(to.loop.executor());
    stopping.start(stop(to));
    bool const said_22 = co_await idle.is_closed();
    CHECK(said_22);
    CHECK_FALSE(to.stopped);
    struct stat about {};
    CHECK(::stat(to.path().c_str(), &about) != 0); // nobody new comes
    to.answers.told.notify_all();
    auto const said = co_await busy.read();
    REQUIRE(said);
    CHECK(said->body == "GET /wait");
    CHECK(said->headers.at("connection") == "close");
    co_await stopping.close();
    CHECK(to.stopped);
  });
}

TEST_CASE("a cancelled server ends what is in progress") {
  door at;
  with(at, [](door& to) -> asio::awaitable<void> {
    door_client busy(to.loop.executor(), to.path());
    co_await busy.send("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n");
    while (to.answers.handled < 1)
      co_await support::yield();
    to.server.cancel();
    co_await stop(to);
    bool const said_23 = co_await busy.is_closed();
    CHECK(said_23);
  });
}

TEST_CASE("without file descriptors accepting pauses, says so once, and goes on") {
  door at;
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  with(at, [](door& to) -> asio::awaitable<void> {
    std::vector<int> taken;
    door_client client(to.loop.executor(), to.path()); // in the backlog until the server accepts
    rlimit now{};
    ::getrlimit(RLIMIT_NOFILE, &now);
    rlimit const tight{static_cast<rlim_t>(::dup(0)), now.rlim_max};
    ::close(static_cast<int>(tight.rlim_cur));
    ::setrlimit(RLIMIT_NOFILE, &tight);
    while (to.failures.empty())
      co_await support::yield();
    co_await support::advance(to.loop, 100ms);
    co_await support::yield();
    CHECK(to.failures.size() == 1);
    ::setrlimit(RLIMIT_NOFILE, &now);
    co_await support::advance(to.loop, 100ms);
    auto const said_24 = co_await client.ask("GET / HTTP/1.1\r\n\r\n");
    CHECK(said_24.status == 200);
  });
  CHECK(at.failures.size() == 1);
}

TEST_CASE("a socket file gets its mode; one that is listened on is left alone, one left behind is replaced") {
  dialogue::socket_directory directory;
  std::string const path = directory.path("s");
  {
    auto const first = http::listening_socket::at_path(path, 0660, "");
    REQUIRE(first.has_value());
    struct stat about {};
    REQUIRE(::stat(path.c_str(), &about) == 0);
    CHECK((about.st_mode & 0777U) == 0660U);
    auto const second = http::listening_socket::at_path(path, 0660, "");
    REQUIRE(second.has_error());
    CHECK(second.error().code == http::errc::socket_in_use);
    ::link(path.c_str(), directory.path("left").c_str());
  }
  struct stat about {};
  CHECK(::stat(path.c_str(), &about) != 0);
  REQUIRE(::stat(directory.path("left").c_str(), &about) == 0);
  CHECK(http::listening_socket::at_path(directory.path("left"), 0600, "").has_value());
}

TEST_CASE("a listening socket that cannot be made says what to do") {
  dialogue::socket_directory directory;
  auto const nowhere = http::listening_socket::at_path(directory.path("no/s"), 0600, "");
  REQUIRE(nowhere.has_error());
  CHECK(nowhere.error().detail.find("does not exist") != std::string::npos);
  std::ofstream(directory.path("file")) << "precious";
  auto const file = http::listening_socket::at_path(directory.path("file"), 0600, "");
  REQUIRE(file.has_error());
  CHECK(file.error().detail.find("left alone") != std::string::npos);
  CHECK(http::listening_socket::at_path(directory.path("g"), 0600, "no-such-group").has_error());
  CHECK(http::listening_socket::at_path(std::string(200, 'x'), 0600, "").has_error());
  for (char const* wrong : {"9810", "example.org:1", "127.0.0.1:", "127.0.0.1:99999", ":1"})
    CHECK(http::listening_socket::at_tcp(wrong).has_error());
  auto const tcp = http::listening_socket::at_tcp("127.0.0.1:0");
  REQUIRE(tcp.has_value());
  CHECK(http::listening_socket::at_tcp(tcp->name()).error().code == http::errc::socket_in_use);
}

TEST_CASE("connections of several event loops are served at once, each on one thread, and stopped together") {
  dialogue::socket_directory directory;
  asio::io_context first(1);
  asio::io_context second(1);
  echo here(first.get_executor());
  echo there(second.get_executor());
  http::server server({http::place{first.get_executor(), &here}, http::place{second.get_executor(), &there}}, {}, {});
  auto listens = http::listening_socket::at_path(directory.path("s"), 0600, "");
  REQUIRE(listens.has_value());
  server.start(std::move(*listens));
  {
    auto const work = asio::make_work_guard(second);
    auto const more_work = asio::make_work_guard(first);
    std::thread one([&] { first.run(); });
    std::thread two([&] { second.run(); });
    asio::io_context io(1);
    auto const clients = [](asio::io_context& on, std::string path) -> asio::awaitable<void> {
      for (int i = 0; i < 20; ++i) {
        door_client client(on.get_executor(), path);
        auto const said = co_await client.ask("POST /a HTTP/1.1\r\nContent-Length: 1\r\n\r\nx");
        CHECK(said.body == "POST /a: x");
        if (i % 2 == 0)
          co_await client.ask("GET /b HTTP/1.1\r\n\r\n");
      }
    };
    auto done = asio::co_spawn(io, clients(io, directory.path("s")), asio::use_future);
    io.run();
    done.get();
    asio::co_spawn(first, server.stop(), asio::use_future).get();
    first.stop();
    second.stop();
    one.join();
    two.join();
  }
  CHECK(here.handled > 0);
  CHECK(there.handled > 0);
  CHECK(here.handled + there.handled == 30);
}
