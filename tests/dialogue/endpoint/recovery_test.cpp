#include "dialogue/endpoint/dialogue.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>

using namespace statefund;
using namespace statefund::dialogue;
using namespace statefund::support;
using namespace std::chrono_literals;
namespace asio = boost::asio;

// Whatever a server does to its connections: every call ends once, with its own answer, and none is answered twice. A
// call that did not reach it says so, and is made again, as dispatch does.

namespace {

// Keeps so many calls out, each with an argument of its own, and holds their ends against that.
class load {
 public:
  load(scene& on, std::size_t calls_at_once) : on_(on), out_(calls_at_once) {}

  // Takes in what has ended, and starts others in their places until so many were started.
  void go_on(std::size_t started_max) {
    for (auto& each : out_) {
      if (each.call && each.call->done && is_not_reached(*each.call)) {
        ++not_reached_count_;
        each.call = on_.start(each.argument);
      } else if (each.call && each.call->done) {
        CHECK(each.call->mark() == each.argument);
        ++ended_count_;
        each.call = nullptr;
      }
      if (!each.call && started_count_ < started_max) {
        each.argument = "#" + std::to_string(++started_count_);
        each.call = on_.start(each.argument);
      }
    }
  }
  std::size_t started_count() const noexcept { return started_count_; }
  std::size_t ended_count() const noexcept { return ended_count_; }
  std::size_t not_reached_count() const noexcept { return not_reached_count_; }
  std::size_t out_count() const noexcept { return started_count_ - ended_count_; }

 private:
  static bool is_not_reached(outgoing const& call) {
    return call.got->has_error() && function::is_unreached(call.got->error().code);
  }
  struct one {
    std::string argument;
    std::shared_ptr<outgoing> call;
  };
  scene& on_;
  std::vector<one> out_;
  std::size_t started_count_ = 0;
  std::size_t ended_count_ = 0;
  std::size_t not_reached_count_ = 0;
};

void short_backoff(endpoint::options& chosen) {
  chosen.pool_size = 8;
  chosen.backoff_initial = 1ms;
}

// How often each argument was answered.
void count_answers(scripted_server const& server, std::map<std::string, int>& counts) {
  for (auto const& request : server.requests())
    ++counts[request.substr(request.rfind('#'))];
}

} // namespace

TEST_CASE("a server that is restarted fifty times under load: each call is answered once, with its own answer") {
  scene on(short_backoff);
  asio::ip::tcp::endpoint const place(asio::ip::address_v4::loopback(), on.server->port());
  script const life{answer_with(echo), answer_with(echo), answer_with(echo), hold()}; // and swallows a fourth
  std::map<std::string, int> answers;
  load calls(on, 8);
  for (int restarts = 0; restarts < 50; ++restarts) {
    for (int i = 0; i < 8; ++i)
      on.server->plays(life);
    auto const all_swallowed = [&] {
      calls.go_on(10'000);
      return calls.out_count() == 8 && on.server->requests().size() == 24 && on.server->accepted_count() == 8;
    };
    for (int ms = 0; ms < 10'000 && !all_swallowed(); ++ms)
      on.loop.advance(1ms);
    REQUIRE(all_swallowed());
    on.loop.settle();
    count_answers(*on.server, answers);
    on.server.reset();
    on.loop.settle();
    on.loop.advance(1ms); // down for a while
    calls.go_on(0);
    on.loop.settle();
    on.server = std::make_unique<scripted_server>(on.loop, place);
  }
  script last_life(8, answer_with(echo)); // for calls may follow each other on one connection
  last_life.push_back(hold());
  for (int i = 0; i < 8; ++i)
    on.server->plays(last_life);
  auto const all_ended = [&] {
    calls.go_on(0);
    return calls.out_count() == 0;
  };
  for (int ms = 0; ms < 10'000 && !all_ended(); ++ms)
    on.loop.advance(1ms);
  REQUIRE(all_ended());
  count_answers(*on.server, answers);
  CHECK(answers.size() == calls.started_count());
  CHECK(std::all_of(answers.begin(), answers.end(), [](auto const& each) { return each.second == 1; }));
  CHECK(calls.not_reached_count() > 0);
}

TEST_CASE("a server that promises to keep connections and serves each one request, under load: no attempt fails") {
  scene on(short_backoff);
  std::vector<script> const lives{
      {answer_with(echo), close()},
      {answer_with(echo), expect_bytes(1), close()}, // after the next request was sent
      {answer_with(echo), expect_bytes(1), reset()},
      {answer_with(echo), reset()},
  };
  std::size_t lives_count = 0;
  load calls(on, 4);
  auto const all_ended = [&] {
    while (lives_count < on.server->accepted_count() + 8)
      on.server->plays(lives[lives_count++ % lives.size()]);
    calls.go_on(200);
    return calls.ended_count() == 200;
  };
  for (int ms = 0; ms < 10'000 && !all_ended(); ++ms)
    on.loop.advance(1ms);
  REQUIRE(all_ended());
  std::map<std::string, int> answers;
  count_answers(*on.server, answers);
  CHECK(answers.size() == 200);
  CHECK(on.server->requests().size() == 200);
  CHECK(on.function->counts().attempts == 200);
  CHECK(on.function->counts().attempts_failed == 0);
  CHECK(on.function->counts().resent > 0);
}

TEST_CASE("a server that accepts and never reads costs a write timeout, and the same bytes go to the next") {
  scene on([](endpoint::options& chosen) { chosen.write_timeout = 4s; });
  on.server->plays({stand_by()});
  on.server->plays({expect_request(), send(good_answer("good")), hold()});
  std::string const large(16U << 20U, 'x');
  auto const call = on.start(large);
  REQUIRE(on.loop.run_until([&] { return on.server->accepted_count() == 1; }));
  on.loop.settle();
  on.loop.advance(4s - 1ns);
  CHECK(on.function->counts().attempts_failed == 0);
  on.loop.advance(1ns);
  REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed == 1; }));
  CHECK(on.function->attempts().failures_by_reason.at("write_timeout") == 1);
  CHECK(on.finish(call) == "good");
  REQUIRE(on.server->requests().size() == 1);
  CHECK(on.server->requests().front().ends_with(large));
}

TEST_CASE("a server that closes all idle connections at once costs no attempt") {
  scene on(short_backoff);
  for (int round = 0; round < 3; ++round) {
    std::vector<std::shared_ptr<outgoing>> calls;
    for (int i = 0; i < 8; ++i) {
      on.server->plays({expect_request(), stand_by(), send(good_answer("good")), stand_by(), close()});
      calls.push_back(on.start());
    }
    auto const requests_count = static_cast<std::size_t>(8 * (round + 1));
    REQUIRE(on.loop.run_until([&] { return on.server->requests().size() == requests_count; }));
    on.loop.settle();
    on.server->go_on();
    for (auto const& each : calls) {
      REQUIRE(on.loop.run_until([&] { return each->done; }));
      CHECK(each->mark() == "good");
    }
    on.loop.settle();
    on.loop.advance(1s);
    on.loop.advance(1s);
    CHECK(on.function->connections_idle_count() == 8);
    on.server->go_on();
    if (round > 0) // else the next calls find them
      REQUIRE(on.loop.run_until([&] { return on.function->connections_open_count() == 0; }));
  }
  CHECK(on.function->counts().attempts == 24);
  CHECK(on.function->counts().attempts_failed == 0);
  CHECK(on.function->counts().resent == 0);
}
