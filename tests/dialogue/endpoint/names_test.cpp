#include "dialogue/endpoint/dialogue.hpp"

#include <boost/asio/error.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>

using namespace statefund;
using namespace statefund::dialogue;
using namespace statefund::support;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
namespace asio = boost::asio;

namespace {

endpoint::options named(std::uint16_t port) {
  endpoint::options chosen;
  chosen.host = "functions.test";
  chosen.port = port;
  return chosen;
}

// Room for one attempt.
endpoint::options named_and_impatient(std::uint16_t port) {
  auto chosen = named(port);
  chosen.connect_timeout = 2s;
  chosen.limits.call_timeout = 50s;
  chosen.backoff_initial = 10min;
  return chosen;
}

// The call's one attempt fails, and the call with it: no time passes.
std::string not_reached(scene& on, outgoing const& call) {
  REQUIRE(on.loop.run_until([&] { return call.done; }));
  CHECK(on.function->counts().attempts == 1);
  CHECK(on.function->counts().attempts_failed == 1);
  return call.mark();
}

// Lets the call's one attempt fail, and its time pass.
std::string out_of_time(scene& on, outgoing const& call) {
  REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed == 1; }));
  on.loop.settle();
  on.loop.advance(50s);
  REQUIRE(on.loop.run_until([&] { return call.done; }));
  return call.mark();
}

std::string const unreachable = "the endpoint cannot be reached: ";

// "127.0.0.1:8000"
std::string at(char const* address, std::uint16_t port) {
  return std::string(address) + ':' + std::to_string(port);
}

asio::ip::tcp::endpoint place(char const* address, std::uint16_t port) {
  return {asio::ip::make_address(address), port};
}

// What a name stands for, until the test says otherwise.
struct name_server {
  std::mutex mutex;
  result<endpoint::addresses> says = error{asio::error::host_not_found, "not here"};
  std::atomic<int> asked{0};

  void say(result<endpoint::addresses> what) {
    std::lock_guard const lock(mutex);
    says = std::move(what);
  }
  static std::shared_ptr<endpoint::resolver> resolver(std::shared_ptr<name_server> self) {
    auto const lookup = [self](std::string const&) {
      std::lock_guard const lock(self->mutex);
      ++self->asked;
      return self->says;
    };
    return std::make_shared<endpoint::resolver>(lookup);
  }
};

endpoint::addresses one(char const* address) {
  return {asio::ip::make_address(address)};
}

} // namespace

TEST_CASE("a name that cannot be resolved is found by the next call when it is there") {
  scene on;
  auto const names = std::make_shared<name_server>();
  on.use(named(on.server->port()), name_server::resolver(names));
  on.server->plays({answer_with(echo), hold()});
  auto const call = on.start("#1");
  CHECK_THAT(not_reached(on, *call), StartsWith("the endpoint's host name cannot be resolved: "));
  names->say(one("127.0.0.1"));
  CHECK(on.finish(on.start("#2")) == "#2");
  CHECK(on.server->requests().size() == 1);
}

TEST_CASE("a name that stays unresolved is named in the error, with what the resolver said") {
  scene on;
  on.use(named_and_impatient(80), name_server::resolver(std::make_shared<name_server>()));
  auto const call = on.start();
  CHECK(not_reached(on, *call) == "the endpoint's host name cannot be resolved: Host not found (authoritative): not "
                                  "here while looking up the name, attempt 1, functions.test:80");
  CHECK(call->got->error().code == function::errc::name_unresolved);
}

TEST_CASE("the connect timeout fires on its tick while a name is looked up, and the next call finds it") {
  scene on;
  auto const answer = std::make_shared<std::promise<void>>();
  auto const answered = answer->get_future().share();
  auto const lookup = [answered](std::string const&) -> result<endpoint::addresses> {
    answered.wait();
    return one("127.0.0.1");
  };
  auto chosen = named(on.server->port());
  chosen.connect_timeout = 2s;
  SECTION("the next call") {
    on.use(chosen, std::make_shared<endpoint::resolver>(lookup));
    on.server->plays({answer_with(echo), hold()});
    auto const call = on.start("#1");
    on.loop.advance(2s - 1ns);
    REQUIRE(on.function->counts().attempts_failed == 0);
    on.loop.advance(1ns);
    CHECK(not_reached(on, *call) ==
          "the endpoint's host name cannot be resolved: connect timeout (2 s) while looking up the name, attempt 1, "
          "functions.test:" +
              std::to_string(chosen.port));
    CHECK(on.function->attempts().failures_by_reason.at("connect_timeout") == 1);
    answer->set_value();
    CHECK(on.finish(on.start("#2")) == "#2");
  }
  SECTION("the call's own time may end there first") {
    chosen.limits.call_timeout = 1s;
    on.use(chosen, std::make_shared<endpoint::resolver>(lookup));
    auto const call = on.start("#1");
    on.loop.advance(1s - 1ns);
    REQUIRE_FALSE(call->done);
    on.loop.advance(1ns);
    CHECK(not_reached(on, *call) ==
          "the endpoint's host name cannot be resolved: call timeout (1 s) while looking up the name, attempt 1, "
          "functions.test:" +
              std::to_string(chosen.port));
    answer->set_value();
  }
}

TEST_CASE("a moved name is found by new connections within the cache's time, and the old ones drain by their age") {
  scene on;
  auto const names = std::make_shared<name_server>();
  names->say(one("127.0.0.1"));
  auto chosen = named(on.server->port());
  chosen.pool_ttl = 60s;
  on.use(chosen, name_server::resolver(names));
  scripted_server moved(on.loop, place("127.0.0.2", chosen.port));
  script const old_life{answer_with(echo), expect_request(), stand_by(), send(good_answer("old")), hold()};
  script const new_life{answer_with(echo), answer_with(echo), hold()};
  on.server->plays(old_life);
  on.server->plays(old_life);
  moved.plays(new_life);
  moved.plays(new_life);

  CHECK(on.finish(on.start("#1")) == "#1");
  names->say(one("127.0.0.2"));
  auto const held = on.start("#held at the old place");
  CHECK(on.finish(on.start("#2")) == "#2"); // on a new connection, while the name is still known
  CHECK(on.server->accepted_count() == 2);
  auto const held_too = on.start("#held at the old place");
  REQUIRE(on.loop.run_until([&] { return on.server->requests().size() == 4; }));
  on.loop.advance(endpoint::resolver::cache_time);
  CHECK(on.finish(on.start("#3")) == "#3");
  CHECK(moved.accepted_count() == 1);
  on.server->go_on();
  CHECK(on.finish(held) == "old");
  CHECK(on.finish(held_too) == "old");
  CHECK(on.function->connections_idle_count() == 3);

  on.loop.advance(66s); // a ttl and a tenth
  REQUIRE(on.loop.run_until([&] { return on.server->playing_count() == 0; }));
  CHECK(on.finish(on.start("#4")) == "#4");
  CHECK(moved.accepted_count() == 2);
  CHECK(on.server->requests().size() + moved.requests().size() == 6);
  CHECK(on.function->counts().attempts == 6);
  CHECK(names->asked == 3);
}

TEST_CASE("addresses that refuse cost no time: the next is tried at once") {
  scene on;
  on.use(named(on.server->port()), resolver_of({"127.0.0.2", "::1", "127.0.0.3", "127.0.0.1"}));
  on.server->plays({expect_request(), send(good_answer("fourth")), hold()});
  auto const call = on.start();
  REQUIRE(on.loop.run_until([&] { return call->done; })); // no time has passed
  CHECK(call->mark() == "fourth");
  CHECK(on.function->counts().attempts == 1);
}

TEST_CASE("an address that does not answer is joined by the next after 250 ms, and closed when that one wins") {
  scene on;
  deaf_listener const first(on.loop, "127.0.0.2", on.server->port());
  deaf_listener const second(on.loop, "127.0.0.3", on.server->port());
  on.use(named(on.server->port()), resolver_of({"127.0.0.2", "127.0.0.3", "127.0.0.1"}));
  on.server->plays({expect_request(), send(good_answer("third")), hold()});
  auto const before = open_files_count();
  auto const call = on.start();
  REQUIRE(on.loop.run_until([&] { return open_files_count() == before + 1; }));
  on.loop.advance(250ms - 1ns);
  CHECK(open_files_count() == before + 1);
  on.loop.advance(1ns);
  CHECK(open_files_count() == before + 2);
  on.loop.advance(250ms - 1ns);
  CHECK(open_files_count() == before + 2);
  on.loop.advance(1ns);
  REQUIRE(on.loop.run_until([&] { return call->done; }));
  CHECK(call->mark() == "third");
  CHECK(on.function->counts().attempts == 1);
  CHECK(open_files_count() == before + 2); // the server's side and ours
}

TEST_CASE("an address without an answer goes on while others fail, and ends with the call") {
  scene on;
  auto const port = on.server->port();
  deaf_listener const deaf(on.loop, "127.0.0.2", port);
  on.use(named(port), resolver_of({"127.0.0.2", "127.0.0.3", "127.0.0.4"}));
  auto const before = open_files_count();
  auto const call = on.start();
  REQUIRE(on.loop.run_until([&] { return open_files_count() == before + 1; }));
  on.loop.advance(250ms); // the others refuse at once, and the first goes on alone
  on.loop.settle();
  CHECK(open_files_count() == before + 1);
  CHECK(on.function->counts().attempts_failed == 0);
  on.cancel_calls();
  REQUIRE(on.loop.run_until([&] { return call->done; }));
  CHECK(call->mark() == "the call was cancelled, for the daemon stops: cancelled while connecting (" +
                            at("127.0.0.2", port) + ": no answer; " + at("127.0.0.3", port) + ": Connection refused; " +
                            at("127.0.0.4", port) +
                            ": Connection refused), attempt 1, functions.test:" + std::to_string(port));
  CHECK(open_files_count() == before);
}

TEST_CASE("an error names every address that was tried, with its reason") {
  scene on;
  auto const port = free_port(on.loop);
  on.use(named_and_impatient(port), resolver_of({"127.0.0.2", "127.0.0.3"}));
  CHECK(not_reached(on, *on.start()) ==
        unreachable + at("127.0.0.2", port) + ": Connection refused; " + at("127.0.0.3", port) +
            ": Connection refused while connecting, attempt 1, functions.test:" + std::to_string(port));
}

TEST_CASE("the connect timeout fires on its tick while addresses race, and names them") {
  scene on;
  deaf_listener const deaf(on.loop, "127.0.0.2");
  auto const port = deaf.port();
  on.use(named_and_impatient(port), resolver_of({"127.0.0.2", "127.0.0.3"}));
  auto const before = open_files_count();
  auto const call = on.start();
  REQUIRE(on.loop.run_until([&] { return open_files_count() == before + 1; }));
  on.loop.advance(2s - 1ns);
  REQUIRE(on.function->counts().attempts_failed == 0);
  on.loop.advance(1ns);
  CHECK(not_reached(on, *call) == unreachable + "connect timeout (2 s) while connecting (" + at("127.0.0.2", port) +
                                      ": no answer; " + at("127.0.0.3", port) +
                                      ": Connection refused), attempt 1, functions.test:" + std::to_string(port));
  CHECK(open_files_count() == before);
}

TEST_CASE("the connect timeout covers the look-up and all addresses together") {
  scene on;
  deaf_listener const deaf(on.loop, "127.0.0.2");
  std::vector<char const*> const many(20, "127.0.0.2");
  on.use(named_and_impatient(deaf.port()), resolver_of(many));
  auto const before = open_files_count();
  auto const call = on.start();
  REQUIRE(on.loop.run_until([&] { return open_files_count() == before + 1; }));
  for (int i = 0; i < 7; ++i)
    on.loop.advance(250ms);
  on.loop.advance(250ms - 1ns);
  REQUIRE(on.function->counts().attempts_failed == 0);
  on.loop.advance(1ns);
  auto const mark = not_reached(on, *call);
  CHECK_THAT(mark, StartsWith(unreachable + "connect timeout (2 s) while connecting (127.0.0.2:"));
  CHECK(std::count(mark.begin(), mark.end(), ';') == 7); // eight were begun
}

TEST_CASE("an error on a connection names the address that the name has led to") {
  scene on;
  auto chosen = named_and_impatient(on.server->port());
  chosen.read_timeout = 3s;
  on.use(chosen, resolver_of({"127.0.0.2", "127.0.0.1"}));
  auto const where =
      ", attempt 1, functions.test:" + std::to_string(chosen.port) + " (" + at("127.0.0.1", chosen.port) + ')';
  SECTION("a timeout") {
    on.server->plays({expect_request(), hold()});
    auto const call = on.start();
    REQUIRE(on.loop.run_until([&] { return on.server->requests().size() == 1; }));
    on.loop.advance(3s);
    CHECK(out_of_time(on, *call) ==
          "the endpoint failed: call timeout (50 s) after: read timeout (3 s) while waiting for the answer" + where);
  }
  SECTION("an answer") {
    on.server->plays({expect_request(), send(answer_of("HTTP/1.1 503 Later", "", "")), hold()});
    CHECK(out_of_time(on, *on.start()) ==
          "the endpoint failed: call timeout (50 s) after: answered 503 \"Later\"" + where);
  }
}

TEST_CASE("without a file descriptor left a name's addresses fail by that name, and recover") {
  scene on;
  auto const port = on.server->port();
  on.use(named_and_impatient(port), resolver_of({"127.0.0.1", "127.0.0.2"}));
  {
    no_descriptors_left const none;
    auto const call = on.start();
    CHECK(not_reached(on, *call) ==
          "the daemon has no file descriptor left: " + at("127.0.0.1", port) + ": Too many open files; " +
              at("127.0.0.2", port) +
              ": Too many open files while connecting, attempt 1, functions.test:" + std::to_string(port));
  }
  on.server->plays({expect_request(), send(good_answer("good")), hold()});
  CHECK(on.call() == "good");
}

TEST_CASE("without a file descriptor left the look-up fails by that name, and not as an unknown name") {
  scene on;
  auto chosen = named_and_impatient(on.server->port());
  chosen.host = "localhost";
  on.use(chosen); // the system's look-up
  no_descriptors_left const none;
  auto const call = on.start();
  CHECK(not_reached(on, *call) == "the daemon has no file descriptor left: Too many open "
                                  "files while looking up the name, attempt 1, localhost:" +
                                      std::to_string(chosen.port));
}
