#include "dispatch/lanes.hpp"
#include "dispatch/share.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <list>
#include <map>
#include <optional>
#include <random>
#include <string>

using namespace statefund;
using namespace statefund::dispatch;

namespace {

class never_called final : public function::function {
 public:
  explicit never_called(std::size_t calls_max) { limits_.concurrent_calls_max = calls_max; }
  statefund::function::limits const& call_limits() const noexcept override { return limits_; }
  std::shared_ptr<message::state_specs const> declared_states() const noexcept override { return nullptr; }
  std::string_view text_type_name() const noexcept override { return {}; }
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
  statefund::function::limits limits_;
};

// Lanes with workers that a test steps through by hand: a worker that was started takes its first turn at the next
// step, as a posted task does.
struct bench {
  struct worker {
    permit held;
    ready_turn holds{};
    bool busy = false;
  };

  std::map<std::string, std::size_t> calls_max; // by type; others have none
  std::list<worker> workers;
  std::list<mailbox::mailbox> boxes;
  std::vector<std::pair<std::size_t, mailbox::mailbox*>> sent_home;
  std::vector<std::string> order; // in which turns were taken
  std::size_t busy_max = 0;
  function::table::factory const make = [this](message::function_type const& type) {
    return calls_max.contains(type.name) ? function::handle(std::make_shared<never_called>(calls_max[type.name]))
                                         : nullptr;
  };
  function::table functions{make};
  lanes all;

  explicit bench(std::map<std::string, std::size_t> limits, lanes::options chosen = {0, 1, 1024})
      : calls_max(std::move(limits)),
        all(
            chosen, functions, [this](permit held) { workers.push_back({std::move(held)}); },
            [this](std::size_t home, message::function_type const&, ready_turn next) {
              sent_home.emplace_back(home, next.box);
            }) {}

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
};

using names = std::vector<std::string>;

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
  bench away({{"few", 2}}, {(home + 1) % 4, 4, 100});
  away.ready("few", "1");
  away.settle();
  CHECK(away.workers.empty());
  REQUIRE(away.sent_home.size() == 1);
  CHECK(away.sent_home[0].first == home);

  bench at_home({{"few", 2}}, {home, 4, 100});
  for (auto const* const id : {"1", "2", "3"})
    at_home.ready("few", id);
  at_home.settle();
  CHECK(at_home.busy_count() == 2);
  CHECK(at_home.sent_home.empty());
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
        bool const could = world.busy_count() < calls_max && world.bound_busy_count(name) < limit;
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
