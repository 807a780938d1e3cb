#include "dispatch/lanes.hpp"
#include "dispatch/share.hpp"
#include "function/errc.hpp"
#include "log/capture.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <list>
#include <map>
#include <optional>
#include <random>
#include <string>

using namespace statefund;
using namespace statefund::dispatch;
using namespace std::chrono_literals;

namespace {

class never_called final : public function::function {
 public:
  never_called(std::size_t calls_max, std::chrono::nanoseconds backoff_max, bool tells_states)
      : tells_states_(tells_states) {
    limits_.concurrent_calls_max = calls_max;
    limits_.backoff.max = backoff_max;
  }
  statefund::function::limits const& call_limits() const noexcept override { return limits_; }
  std::shared_ptr<message::state_specs const> declared_states() const noexcept override {
    return tells_states_ ? nullptr : std::make_shared<message::state_specs const>();
  }
  std::size_t request_bytes_of(message::invocation const&) const noexcept override { return 0; }
  std::size_t request_bytes_of(message::address const&, message::state_values const&) const noexcept override {
    return 0;
  }
  boost::asio::awaitable<result<message::reply>> call(message::address const&, message::batch const&,
                                                      message::state_values const&, clock::deadline) override {
    std::abort();
  }
  boost::asio::awaitable<void> close() override { co_return; }

 private:
  bool const tells_states_;
  statefund::function::limits limits_;
};

using names = std::vector<std::string>;

// Lanes with workers that a test steps through by hand: a worker that was started takes its first turn at the next
// step, as a posted task does.
struct bench {
  struct worker {
    permit held;
    ready_turn holds{};
    bool busy = false;
  };

  clock::moved_clock clock;
  std::map<std::string, std::size_t> calls_max; // by type; others have none
  std::chrono::nanoseconds backoff_max = 1min;
  bool tell_states = false; // all types, from then on: of the 3.x protocol
  std::list<worker> workers;
  std::list<mailbox::mailbox> boxes;
  std::vector<std::pair<std::size_t, mailbox::mailbox*>> sent_home;
  std::vector<std::string> order; // in which turns were taken
  std::size_t busy_max = 0;
  std::size_t closed_count = 0;
  function::table::factory const make = [this](message::function_type const& type) {
    return calls_max.contains(type.name)
               ? function::handle(std::make_shared<never_called>(calls_max[type.name], backoff_max, tell_states))
               : nullptr;
  };
  function::table functions{make};
  lanes all;

  explicit bench(std::map<std::string, std::size_t> limits, lanes::options chosen = {0, 1, 1024})
      : calls_max(std::move(limits)),
        all(chosen, functions,
            {.start_worker = [this](permit held) { workers.push_back({std::move(held)}); },
             .send_home = [this](std::size_t home, message::function_type const&,
                                 ready_turn next) { sent_home.emplace_back(home, next.box); },
             .close = [this](function::handle) { ++closed_count; },
             .probes_changed = [] {}}) {}

  void reload() {
    static_cast<void>(functions.replace(make, [](message::function_type const&) { return false; }));
    all.rebind();
    settle();
  }
  lane& of(std::string const& type) { return all.open({"ns", type}); }
  void ready(std::string const& type, std::string id) {
    auto& box = boxes.emplace_back(message::address{{"ns", type}, std::move(id)});
    all.ready(of(type), {0, &box});
  }
  // The type alone is declared anew, or by nobody any more.
  void reload(std::string const& changed, std::optional<std::size_t> limit) {
    calls_max.erase(changed);
    if (limit)
      calls_max[changed] = *limit;
    functions.replace(make, [&](message::function_type const& type) { return type.name != changed; });
    all.rebind();
  }
  // Of those that call what is bound now.
  std::size_t bound_busy_count(std::string const& type) {
    return static_cast<std::size_t>(std::count_if(workers.begin(), workers.end(), [&](auto& one) {
      return one.busy && one.held.of->type.name == type && one.held.callee == one.held.of->callee;
    }));
  }
  // A call is free, and it is kept for this type or for none.
  bool has_place_for(std::string const& type, std::size_t shard_calls_max,
                     std::map<std::string, std::size_t> const& limits) {
    std::size_t types_count = 0;
    for (auto const& [name, limit] : limits)
      types_count += of(name).permits_count > 0 ? 1 : 0;
    auto const own = own_calls_of_type(shard_calls_max, types_count);
    std::size_t kept = 0;
    for (auto const& [name, limit] : limits)
      kept += std::min(own, of(name).permits_count) - std::min({own, of(name).permits_count, bound_busy_count(name)});
    auto const free = shard_calls_max - std::min(shard_calls_max, busy_count());
    return free > 0 && (free > kept || bound_busy_count(type) < std::min(own, of(type).permits_count));
  }
  std::size_t busy_count() const {
    return static_cast<std::size_t>(std::count_if(workers.begin(), workers.end(), [](auto& one) { return one.busy; }));
  }
  std::size_t busy_count(std::string const& type) const {
    return static_cast<std::size_t>(std::count_if(
        workers.begin(), workers.end(), [&](auto& one) { return one.busy && one.held.of->type.name == type; }));
  }
  // The worker looks for its next turn, its last one, if any, being over.
  void step(std::list<worker>::iterator which) {
    which->busy = which->busy ? all.next(which->held, which->holds) : all.first(which->held, which->holds);
    if (which->busy) {
      order.push_back(which->holds.box->self().type.name + which->holds.box->self().id);
      busy_max = std::max(busy_max, busy_count());
      return;
    }
    permit const held = which->held;
    workers.erase(which);
    all.worker_ended(held);
  }
  // Lets those that were started take their first turns.
  void settle() {
    for (auto one = workers.begin(); one != workers.end();) {
      auto const current = one++;
      if (!current->busy)
        step(current);
      if (one == workers.end() && std::any_of(workers.begin(), workers.end(), [](auto& w) { return !w.busy; }))
        one = workers.begin();
    }
  }
  void end_one(std::string const& type) {
    step(std::find_if(workers.begin(), workers.end(),
                      [&](auto& one) { return one.busy && one.held.of->type.name == type; }));
    settle();
  }
  // The worker with that turn, "a1".
  std::list<worker>::iterator with(std::string const& turn) {
    auto const found = std::find_if(workers.begin(), workers.end(), [&](auto& one) {
      return one.busy && one.holds.box->self().type.name + one.holds.box->self().id == turn;
    });
    REQUIRE(found != workers.end());
    return found;
  }
  void reached(std::string const& turn) {
    auto const one = with(turn);
    all.reached(one->held);
    step(one);
    settle();
  }
  void not_reached(std::string const& turn) {
    auto const one = with(turn);
    all.not_reached(one->held, one->holds, {function::errc::endpoint_unreachable, "Connection refused"});
    step(one);
    settle();
  }
  std::chrono::nanoseconds until_probe() const { return all.next_probe().left(); }
  void pass(std::chrono::nanoseconds time) {
    clock.advance(time);
    all.wake_probes();
    settle();
  }
  names busy() const {
    names turns;
    for (auto const& one : workers)
      if (one.busy)
        turns.push_back(one.holds.box->self().type.name + one.holds.box->self().id);
    std::sort(turns.begin(), turns.end());
    return turns;
  }
};
} // namespace

TEST_CASE("a type that no module declares has no lane, and one that was declared later gets one") {
  bench world({});
  CHECK(world.all.find({"ns", "a"}) == nullptr);
  world.calls_max["a"] = 1;
  CHECK(world.all.find({"ns", "a"}) != nullptr);
}

TEST_CASE("a type's permits bound its calls, and its addresses take turns") {
  bench world({{"a", 2}});
  for (auto const* const id : {"1", "2", "3", "4"})
    world.ready("a", id);
  world.settle();
  CHECK(world.busy_count() == 2);
  world.ready("a", "5");
  world.settle();
  CHECK(world.busy_count() == 2);
  for (int i = 0; i < 3; ++i)
    world.end_one("a");
  CHECK(world.order == names{"a1", "a2", "a3", "a4", "a5"});
  world.end_one("a");
  world.end_one("a");
  CHECK(world.workers.empty());
}

TEST_CASE("a limit of nothing still lets one call go out") {
  bench world({{"a", 0}});
  world.ready("a", "1");
  world.settle();
  CHECK(world.busy_count() == 1);
}

TEST_CASE("types take turns for the shard's calls") {
  bench world({{"a", 10}, {"b", 10}}, {0, 1, 2});
  for (auto const* const id : {"1", "2", "3", "4", "5", "6"})
    world.ready("a", id);
  world.settle();
  for (auto const* const id : {"1", "2", "3"})
    world.ready("b", id);
  world.settle();
  CHECK(world.busy_count("a") == 2);
  world.end_one("a"); // the place goes to "a" again, which has waited for one longer than "b"
  CHECK(world.busy_count("b") == 0);
  world.end_one("a");
  CHECK(world.busy_count("b") == 1);
  // Two calls for two types that both have more: neither is shut out.
  for (int i = 0; i < 2; ++i) {
    CHECK(world.busy_count() == 2);
    world.end_one(world.busy_count("b") > 0 ? "b" : "a");
  }
  CHECK(std::count_if(world.order.begin(), world.order.end(), [](auto& one) { return one[0] == 'b'; }) >= 2);
  CHECK(world.busy_max == 2);
}

TEST_CASE("no call of the shard's share is lost when other types have nothing more") {
  bench world({{"a", 10}, {"b", 10}, {"c", 10}}, {0, 1, 3});
  for (int id = 0; id < 9; ++id)
    world.ready("a", std::to_string(id));
  world.settle();
  world.ready("b", "1");
  world.ready("c", "1");
  for (int i = 0; i < 3; ++i)
    world.end_one("a");
  CHECK(world.busy_count("a") == 1);
  CHECK(world.busy_count("b") == 1);
  CHECK(world.busy_count("c") == 1);
  world.end_one("b");
  CHECK(world.busy_count("a") == 2);
  world.end_one("c");
  CHECK(world.busy_count("a") == 3);
}

TEST_CASE("a shard without a share of the calls still makes one at a time") {
  bench world({{"a", 10}}, {0, 4, 0});
  world.ready("a", "1");
  world.ready("a", "2");
  world.settle();
  CHECK(world.busy_count() == 1);
  world.end_one("a");
  CHECK(world.order == names{"a1", "a2"});
}

TEST_CASE("a type with fewer permits than shards sends its ready addresses home") {
  message::function_type const type{"ns", "few"};
  auto const home = home_of(type, 4);
  SECTION("from elsewhere") {
    bench away({{"few", 2}}, {(home + 1) % 4, 4, 100});
    away.ready("few", "1");
    away.settle();
    CHECK(away.workers.empty());
    REQUIRE(away.sent_home.size() == 1);
    CHECK(away.sent_home[0].first == home);
  }
  SECTION("at home") {
    bench at_home({{"few", 2}}, {home, 4, 100});
    for (auto const* const id : {"1", "2", "3"})
      at_home.ready("few", id);
    at_home.settle();
    CHECK(at_home.busy_count() == 2);
    CHECK(at_home.sent_home.empty());
  }
}

TEST_CASE("after a stop no worker starts, and those that run end after their turn") {
  bench world({{"a", 2}});
  world.ready("a", "1");
  world.settle();
  world.ready("a", "2");
  world.settle();
  world.ready("a", "3");
  world.all.stop();
  world.end_one("a");
  world.end_one("a");
  CHECK(world.workers.empty());
  world.ready("a", "4");
  CHECK(world.workers.empty());
  CHECK(world.order == names{"a1", "a2"});
}

TEST_CASE("a type that is bound anew has all its permits at once, and those of before end with their turns") {
  bench world({{"a", 2}});
  for (auto const* const id : {"1", "2", "3", "4", "5", "6"})
    world.ready("a", id);
  world.settle();
  world.reload("a", 1);
  world.settle();
  CHECK(world.busy_count() == 3);
  CHECK(world.bound_busy_count("a") == 1);
  world.end_one("a");
  world.end_one("a");
  CHECK(world.busy_count() == 1);
  CHECK(world.order == names{"a1", "a2", "a3"});
  for (int i = 0; i < 4; ++i)
    world.end_one("a");
  CHECK(world.order == names{"a1", "a2", "a3", "a4", "a5", "a6"});
  CHECK(world.workers.empty());
}

TEST_CASE("a worker that was started for what is not bound any more takes no turn") {
  bench world({{"a", 1}});
  world.ready("a", "1");
  world.reload("a", std::nullopt);
  world.settle();
  CHECK(world.workers.empty());
  CHECK(world.order.empty());
  world.reload("a", 1);
  world.settle();
  CHECK(world.order == names{"a1"});
}

TEST_CASE("the turns of a type that goes away wait in order, and hold up nobody") {
  bench world({{"a", 2}, {"b", 2}}, {0, 1, 1});
  for (auto const* const id : {"1", "2", "3"})
    world.ready("a", id);
  world.settle();
  world.reload("a", std::nullopt);
  CHECK(world.all.find({"ns", "a"}) == nullptr);
  world.ready("a", "4");
  world.ready("b", "1");
  world.end_one("a");
  CHECK(world.order == names{"a1", "b1"});
  world.end_one("b");
  CHECK(world.workers.empty());
  world.reload("a", 2);
  world.settle();
  for (int i = 0; i < 3; ++i)
    world.end_one("a");
  CHECK(world.order == names{"a1", "b1", "a2", "a3", "a4"});
}

TEST_CASE("a lane of which nothing is left goes with its type, but not before its last turn has ended") {
  bench world({{"a", 1}});
  world.ready("a", "1");
  world.settle();
  world.reload("a", std::nullopt);
  CHECK(world.all.begin() != world.all.end());
  world.end_one("a");
  world.reload("a", std::nullopt);
  CHECK(world.all.begin() == world.all.end());
}

TEST_CASE("turns of a shard that is ahead wait until this one has caught up, and go where they then belong") {
  message::function_type const type{"ns", "a"};
  auto const home = home_of(type, 4);
  bench away({{"a", 10}}, {(home + 1) % 4, 4, 100});
  mailbox::mailbox early({type, "early"});
  mailbox::mailbox now({type, "now"});
  away.all.arrived(type, {0, &now}, 0);
  away.settle();
  CHECK(away.order == names{"anow"});
  away.all.arrived(type, {0, &early}, 1);
  away.settle();
  CHECK(away.order.size() == 1);
  away.reload("a", 1);
  CHECK(away.all.generation() == 1);
  REQUIRE(away.sent_home.size() == 1);
  CHECK(away.sent_home[0].first == home);
  CHECK(away.sent_home[0].second == &early);
}

TEST_CASE("whatever comes, nobody ready waits while a call is free, and no limit is passed") {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    std::minstd_rand random(seed);
    std::map<std::string, std::size_t> limits;
    std::size_t const types_count = 1 + random() % 4;
    for (std::size_t i = 0; i < types_count; ++i)
      limits[std::string(1, static_cast<char>('a' + i))] = 1 + random() % 4;
    std::size_t const calls_max = 1 + random() % 5;
    bench world(limits, {0, 1, calls_max});
    std::size_t made = 0;
    for (int step = 0; step < 400; ++step) {
      auto const type = std::string(1, static_cast<char>('a' + random() % types_count));
      if (random() % 40 == 0) {
        limits[type] = random() % 5; // 0: gone
        world.reload(type, limits[type] > 0 ? std::optional(limits[type]) : std::nullopt);
      } else if (random() % 5 < 2)
        world.ready(type, std::to_string(made++));
      else if (!world.workers.empty())
        world.step(std::next(world.workers.begin(), static_cast<int>(random() % world.workers.size())));
      if (random() % 4 != 0)
        continue;
      world.settle();
      REQUIRE(world.busy_count() <= calls_max);
      for (auto const& [name, limit] : limits) {
        REQUIRE(world.bound_busy_count(name) <= limit);
        bool const could = world.has_place_for(name, calls_max, limits) && world.bound_busy_count(name) < limit;
        REQUIRE((!could || world.of(name).ready.empty()));
      }
    }
    for (auto const& entry : limits)
      world.reload(entry.first, 1);
    world.settle();
    while (!world.workers.empty()) {
      world.step(world.workers.begin());
      world.settle();
    }
    REQUIRE(world.order.size() == made);
  }
}

TEST_CASE("the first call that does not reach its endpoint leaves one probe, after a wait; its turn is the next") {
  log::capture logged;
  bench world({{"a", 3}});
  for (auto const* const id : {"1", "2", "3", "4", "5"})
    world.ready("a", id);
  world.settle();
  CHECK(world.all.next_probe().is_never());
  world.not_reached("a2");
  CHECK(world.busy() == names{"a1", "a3"}); // they go on
  auto const wait = world.until_probe();
  CHECK(wait >= 5ms);
  CHECK(wait <= 10ms);
  world.pass(wait - 1ns);
  CHECK(world.busy_count() == 2);
  world.pass(1ns);
  CHECK(world.busy() == names{"a1", "a2", "a3"});
  CHECK(world.all.next_probe().is_never());
  auto const told = logged.events(number::endpoint_not_reached);
  REQUIRE(told.size() == 1);
  CHECK(told[0].fields.at("function_type") == "ns/a");
  CHECK(told[0].fields.at("error") == "the endpoint cannot be reached: Connection refused");
  CHECK(told[0].fields.at("reason") == "SF0215");
}

TEST_CASE("calls that were out when the endpoint was found out of reach neither lengthen the wait nor end it") {
  log::capture logged;
  bench world({{"a", 6}});
  for (auto const* const id : {"1", "2", "3", "4", "5", "6", "7"})
    world.ready("a", id);
  world.settle();
  world.not_reached("a1");
  auto const wait = world.until_probe();
  world.not_reached("a2");
  CHECK(world.until_probe() == wait);
  world.reached("a3"); // over a connection that it had
  CHECK(world.of("a").not_reached_count == 1);
  world.pass(wait);
  CHECK(world.busy() == names{"a2", "a4", "a5", "a6"});
  world.not_reached("a4"); // while the probe is out
  world.reached("a5");
  CHECK(world.of("a").not_reached_count == 1);
  CHECK(world.busy() == names{"a2", "a6"});
  world.pass(1h);
  CHECK(world.busy() == names{"a2", "a6"});
  world.not_reached("a2");
  CHECK(world.of("a").not_reached_count == 2);
  world.step(world.with("a6")); // says nothing of the endpoint
  world.settle();
  CHECK(world.workers.empty());
  CHECK(world.of("a").counters.calls_failed_total == 4);
  CHECK(logged.count(number::endpoint_reached) == 0);
}

TEST_CASE("a probe goes out beside calls that take their time") {
  log::capture const logged;
  bench world({{"a", 3}});
  for (auto const* const id : {"slow", "1", "2", "3"})
    world.ready("a", id);
  world.settle();
  world.not_reached("a1");
  world.pass(10ms);
  CHECK(world.busy() == names{"a1", "a2", "aslow"});
  world.reached("a1");
  CHECK(world.busy() == names{"a2", "a3", "aslow"});
}

TEST_CASE("the waits between probes double from 10 ms to 5 s, or to the type's own longest back-off") {
  log::capture const logged;
  for (auto const& [backoff_max, longest] :
       {std::pair(60'000ms, 5'000ms), std::pair(40ms, 40ms), std::pair(2ms, 2ms)}) {
    INFO("retry.max " << backoff_max.count() << " ms");
    bench world({{"a", 8}});
    world.backoff_max = backoff_max;
    world.ready("a", "1");
    world.ready("a", "2");
    world.settle();
    world.step(world.with("a2"));
    auto full = std::min(10ms, longest);
    for (unsigned found_out = 1; found_out <= 15; ++found_out, full = std::min(full * 2, longest)) {
      REQUIRE(world.busy() == names{"a1"});
      world.not_reached("a1");
      CHECK(world.of("a").not_reached_count == found_out);
      CHECK(world.until_probe() <= full);
      CHECK(world.until_probe() >= full / 2 - 1us);
      world.pass(world.until_probe());
    }
  }
}

TEST_CASE("once an endpoint is reached, each call that ends opens a permit, up to all") {
  log::capture logged;
  bench world({{"a", 6}});
  for (int id = 0; id < 30; ++id)
    world.ready("a", std::to_string(id));
  world.settle();
  for (auto const* const turn : {"a0", "a1", "a2", "a3", "a4", "a5"})
    world.not_reached(turn);
  CHECK(world.workers.empty());
  world.pass(10ms);
  for (std::size_t in_flight = 1; in_flight < 6; ++in_flight) {
    REQUIRE(world.busy_count() == in_flight);
    world.reached(world.busy().front());
  }
  for (int more = 0; more < 10; ++more) {
    CHECK(world.busy_count() == 6);
    world.reached(world.busy().front());
  }
  auto const told = logged.events(number::endpoint_reached);
  REQUIRE(told.size() == 1);
  CHECK(told[0].fields.at("calls") == "1");
  CHECK(world.of("a").not_reached_count == 0);
}

TEST_CASE("a probe that comes to nothing makes room for the next") {
  log::capture const logged;
  bench world({{"a", 2}});
  world.ready("a", "1");
  world.ready("a", "2");
  world.settle();
  world.not_reached("a1");
  world.step(world.with("a2")); // held by an egress, for one
  world.settle();
  CHECK(world.workers.empty());
  world.pass(10ms);
  REQUIRE(world.busy() == names{"a1"});
  world.step(world.with("a1"));
  world.settle();
  CHECK(world.workers.empty());
  world.ready("a", "3");
  world.settle();
  CHECK(world.busy() == names{"a3"});
}

TEST_CASE("a function that was bound anew begins with all its permits, and what the old one met says nothing of it") {
  log::capture logged;
  bench world({{"a", 3}});
  for (auto const* const id : {"1", "2", "3", "4", "5"})
    world.ready("a", id);
  world.settle();
  world.not_reached("a1");
  world.pass(10ms);
  CHECK(world.busy() == names{"a1", "a2", "a3"}); // the first is a probe
  world.reload();
  CHECK(world.of("a").not_reached_count == 0);
  CHECK(world.busy() == names{"a1", "a2", "a3", "a4", "a5"});
  world.not_reached("a1"); // of the old one
  CHECK(world.of("a").not_reached_count == 0);
  CHECK(world.busy() == names{"a1", "a2", "a3", "a4", "a5"});
  CHECK(world.all.next_probe().is_never());
  CHECK(logged.count(number::endpoint_reached) == 0);
}

TEST_CASE("a probe that is due when its type is gone, or its endpoint another, wakes nobody") {
  log::capture const logged;
  bench world({{"a", 1}});
  world.ready("a", "1");
  world.settle();
  world.not_reached("a1");
  world.calls_max.clear();
  world.reload();
  world.pass(10ms);
  CHECK(world.workers.empty());
  CHECK(world.all.next_probe().is_never());
}

TEST_CASE("a type out of reach leaves the shard's calls to others, and probes when a call is free") {
  log::capture const logged;
  bench world({{"a", 4}, {"b", 4}}, {0, 1, 2});
  for (auto const* const id : {"1", "2", "3", "4"})
    world.ready("a", id);
  world.settle();
  for (int id = 1; id <= 9; ++id)
    world.ready("b", std::to_string(id));
  world.settle();
  world.not_reached("a1");
  world.not_reached("a2");
  CHECK(world.busy() == names{"b1", "b2"});
  world.pass(10ms);
  CHECK(world.busy() == names{"b1", "b2"});
  world.end_one("b"); // "b" has waited for longer
  CHECK(world.busy_count("b") == 2);
  world.end_one("b");
  CHECK(world.busy_count("a") == 1);
  CHECK(world.busy_count("b") == 1);
  world.not_reached(world.busy().front());
  CHECK(world.busy_count("b") == 2);
}

TEST_CASE("whatever comes and goes, no turn is lost, one probe at a time is out, and all is called in the end") {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    log::capture logged;
    std::minstd_rand random(seed);
    std::map<std::string, std::size_t> limits;
    std::size_t const types_count = 1 + random() % 3;
    for (std::size_t i = 0; i < types_count; ++i)
      limits[std::string(1, static_cast<char>('a' + i))] = 1 + random() % 5;
    std::size_t const calls_max = 1 + random() % 6;
    bench world(limits, {0, 1, calls_max});
    std::size_t made_count = 0;
    std::size_t given_back_count = 0;
    for (int step = 0; step < 400; ++step) {
      auto const type = std::string(1, static_cast<char>('a' + random() % types_count));
      if (random() % 5 < 2) {
        world.ready(type, std::to_string(made_count++));
      } else if (auto const busy = world.busy(); !busy.empty()) {
        auto const& turn = busy[random() % busy.size()];
        auto const comes_to = random() % 5;
        given_back_count += comes_to < 2 ? 1 : 0;
        if (comes_to < 2)
          world.not_reached(turn);
        else if (comes_to < 4)
          world.reached(turn);
        else
          world.step(world.with(turn));
      }
      world.settle();
      if (random() % 3 == 0)
        world.pass(std::chrono::milliseconds(random() % 50));
      REQUIRE(world.busy_count() <= calls_max);
      for (auto const& [name, limit] : limits) {
        auto const& of = world.of(name);
        REQUIRE(world.busy_count(name) <= limit);
        auto const probes = std::count_if(world.workers.begin(), world.workers.end(), [&](auto& one) {
          return one.held.of == &of && of.not_reached_count > 0 && one.held.probe == of.probe && of.probe != 0;
        });
        REQUIRE(probes <= 1);
        bool const open = of.not_reached_count == 0 ? world.busy_count(name) < of.open_permits_count
                                                    : of.probe == 0 && of.next_probe <= clock::steady::now();
        bool const could = open && world.has_place_for(name, calls_max, limits) && world.busy_count(name) < limit;
        REQUIRE((!could || of.ready.empty()));
      }
    }
    for (int rounds = 0; rounds < 10'000; ++rounds) {
      world.pass(5s);
      auto const busy = world.busy();
      if (busy.empty())
        break;
      world.reached(busy.front());
    }
    REQUIRE(world.workers.empty());
    REQUIRE(world.order.size() == made_count + given_back_count);
  }
}

TEST_CASE("lanes that are held call nobody, whatever comes, and once they are let go everybody who waited") {
  bench at({{"a", 2}, {"b", 1}});
  at.all.hold();
  for (char const* const id : {"1", "2", "3"})
    at.ready("a", id);
  at.ready("b", "1");
  at.reload();
  CHECK(at.workers.empty());
  at.all.go();
  CHECK(at.workers.size() == 3); // as many as have permits
  at.settle();
  CHECK(at.order.size() == 3);
  at.end_one("a");
  CHECK(at.order.size() == 4);
}

TEST_CASE("some of the shard's calls are kept for each type, and the rest is for whoever comes first") {
  CHECK(own_calls_of_type(10, 0) == 0);
  CHECK(own_calls_of_type(10, 1) == 5);
  CHECK(own_calls_of_type(10, 2) == 2);
  CHECK(own_calls_of_type(10, 5) == 1);
  CHECK(own_calls_of_type(10, 6) == 0);
  bench world({{"slow", 100}, {"fast", 100}}, {0, 1, 10});
  world.of("slow");
  world.of("fast");
  for (int id = 0; id < 50; ++id)
    world.ready("slow", std::to_string(id));
  world.settle();
  CHECK(world.busy_count("slow") == 8);
  for (int id = 0; id < 50; ++id)
    world.ready("fast", std::to_string(id));
  world.settle();
  CHECK(world.busy_count("fast") == 2); // none of the slow ones has ended
  for (int ended = 0; ended < 30; ++ended)
    world.end_one("fast");
  CHECK(world.busy_count("fast") == 2);
  // What the slow ones hold beyond their own goes to whoever waits.
  for (int ended = 0; ended < 4; ++ended)
    world.end_one("slow");
  CHECK(world.busy_count() == 10);
  CHECK(world.busy_count("fast") >= 4);
}

TEST_CASE("with too many types for the shard's calls nothing is kept, and all take turns") {
  std::map<std::string, std::size_t> limits;
  for (char type = 'a'; type <= 'f'; ++type)
    limits[std::string(1, type)] = 10;
  bench world(limits, {0, 1, 3});
  for (auto const& [type, limit] : limits)
    for (int id = 0; id < 3; ++id)
      world.ready(type, std::to_string(id));
  world.settle();
  std::size_t ended = 0;
  for (; !world.workers.empty() && ended < 100; ++ended) {
    CHECK(world.busy_count() == std::min<std::size_t>(3, 18 - ended));
    world.step(world.workers.begin());
    world.settle();
  }
  CHECK(world.order.size() == 18);
}

TEST_CASE("a call kept for a type that goes away is free for others") {
  bench world({{"a", 10}, {"b", 10}}, {0, 1, 4});
  world.of("b");
  for (int id = 0; id < 9; ++id)
    world.ready("a", std::to_string(id));
  world.settle();
  CHECK(world.busy_count("a") == 3);
  world.reload("b", std::nullopt);
  world.settle();
  CHECK(world.busy_count("a") == 4);
}

TEST_CASE("of a type that tells its states one call goes out until an answer says that it has them all") {
  bench world({{"a", 4}});
  world.tell_states = true;
  for (int id = 0; id < 9; ++id)
    world.ready("a", std::to_string(id));
  world.settle();
  CHECK(world.busy() == names{"a0"});
  CHECK(world.all.next_probe().left() == 1s);
  world.all.learned(world.with("a0")->held);
  world.settle();
  CHECK(world.busy_count() == 4);
  world.reload(); // what was learned stays
  CHECK(world.bound_busy_count("a") == 4);
}

TEST_CASE("a first call that comes to nothing lets one more go out, and one that takes its time all of them") {
  bench world({{"a", 4}});
  world.tell_states = true;
  for (int id = 0; id < 20; ++id)
    world.ready("a", std::to_string(id));
  world.settle();
  world.all.learned_nothing(world.with("a0")->held);
  world.step(world.with("a0"));
  world.settle();
  CHECK(world.busy() == names{"a1", "a2"});
  world.pass(1s - 1ns);
  CHECK(world.busy_count() == 2);
  world.pass(1ns);
  CHECK(world.busy_count() == 4);
  CHECK(world.all.next_probe().is_never());
}
