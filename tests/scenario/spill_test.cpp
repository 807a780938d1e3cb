#include "support/crash_store.hpp"
#include "support/event_loop.hpp"
#include "support/fake_functions.hpp"
#include "support/forwarding_store.hpp"
#include "support/lateness.hpp"
#include "support/shards_in_process.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <catch2/catch.hpp>

#include <future>
#include <memory>
#include <optional>
#include <utility>

using namespace statefund;
using namespace statefund::support;
using namespace std::chrono_literals;
using clock::deadline;
using dispatch::accepted;
using dispatch::carried_out;
using dispatch::refusal;
using message::invocation_result;

namespace asio = boost::asio;

namespace {

using texts = std::vector<std::string>;

message::address const alice = address_of("fn", "alice");
message::address const sink = address_of("sink", "s");

// Whose reads of mailboxes miss the first row that is there.
class leaky_store final : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  asio::awaitable<result<std::vector<statefund::store::kept_message>>>
  read_messages(message::address const& target, message::entry_key const& after, message::entry_key const& through,
                std::size_t count_max, std::uint64_t bytes_max) override {
    auto const all_bytes = leaks_count > 0 ? UINT64_MAX : bytes_max;
    auto rows = co_await forwarding_store::read_messages(target, after, through, count_max + leaks_count, all_bytes);
    if (leaks_count > 0 && rows)
      rows->erase(rows->begin());
    co_return rows;
  }

  std::size_t leaks_count = 0;
};

template <class T>
asio::awaitable<void> keep(asio::awaitable<T> work, coming<T> into) {
  auto told = co_await std::move(work);
  into->emplace(std::move(told));
}

asio::awaitable<void> recover(dispatch::dispatcher& all, coming<bool> into) {
  auto const recovered = co_await all.recover();
  into->emplace(static_cast<bool>(recovered));
}

// Dispatch over a disk that stays: what is ordered is written when the test says so. It can be killed and started
// again.
class shards_on_disk {
 public:
  explicit shards_on_disk(std::size_t shards_count, dispatch::options const& chosen, loops run_by = loops::one)
      : chosen_(chosen) {
    for (std::size_t i = 0; i < shards_count; ++i)
      executors_.push_back(i == 0 || run_by == loops::one ? loop.executor() : loop.add_loop());
    start();
    settle();
  }
  ~shards_on_disk() { end(); }

  void start() {
    crash_store_options kept;
    kept.late = late_reads ? &late : nullptr;
    store.emplace(disk_, executors_.front(), crash_store::pace::by_hand, kept);
    read.emplace(*store);
    dispatch::dispatcher::parts parts;
    parts.executors = executors_;
    parts.store = &*read;
    parts.declared.make = [this](message::function_type const& type, std::size_t shard) {
      return functions.make(type, shard, executors_[shard]);
    };
    parts.declared.is_declared_egress = [](message::egress_id const&) { return false; };
    parts.store_lost = [this](error const& why) { lost.push_back(why.detail); };
    all_ = std::make_unique<dispatch::dispatcher>(chosen_, std::move(parts));
    doors_.emplace(loop.executor());
    auto const recovered = begin<bool>();
    doors_->start(recover(*all_, recovered));
    while (!*recovered) {
      settle();
      late.release_all();
    }
    all_->start();
    all_->serve();
  }
  void kill() {
    store->lose();
    end();
    lost.clear();
  }

  template <class T>
  static coming<T> begin() {
    return std::make_shared<std::optional<T>>();
  }
  coming<dispatch::receipt> start_accept(message::address const& target, std::string bytes) {
    auto const told = begin<dispatch::receipt>();
    doors_->start(keep(all_->at(0).accept(message_to(target, std::move(bytes))), told));
    return told;
  }
  message::entry_key accepts(message::address const& target, std::string bytes) {
    auto const told = loop.run(all_->at(0).accept(message_to(target, std::move(bytes))));
    if (auto const* const no = std::get_if<refusal>(&told))
      FAIL(no->detail);
    return std::get<accepted>(told).id;
  }
  void settle() { loop.settle(); }
  void write() {
    store->write(SIZE_MAX);
    store->sync();
  }
  // So that what may leave memory has left.
  void pass_time(clock::steady::duration by = 100ms) {
    for (int i = 0; i < 3; ++i) {
      write();
      loop.advance(by);
    }
  }
  std::int64_t buffered() const { return all_->counts().buffered_bytes; }
  dispatch::dispatcher& all() { return *all_; }
  asio::any_io_executor const& executor(std::size_t shard) const { return executors_[shard]; }

  event_loop loop;
  fake_functions functions;
  lateness late;
  bool late_reads = false;
  std::optional<crash_store> store;
  std::optional<leaky_store> read;
  texts lost;

 private:
  void end() {
    if (!all_)
      return; // killed
    auto const drained = begin<dispatch::leftovers>();
    auto const now = deadline::after({});
    doors_->start(keep(all_->drain(now), drained));
    while (!*drained) {
      write();
      late.release_all();
      loop.advance(1ms);
    }
    bool closed = false;
    auto const close = [](task::gate& one, bool& done) -> asio::awaitable<void> {
      co_await one.close();
      done = true;
    };
    task::gate last(loop.executor());
    last.start(close(*doors_, closed));
    while (!closed || last.running_count() > 0)
      settle();
    all_.reset();
    doors_.reset();
    read.reset();
    store.reset();
  }

  dispatch::options const chosen_;
  disk disk_;
  log::capture logged_;
  std::vector<asio::any_io_executor> executors_;
  std::unique_ptr<dispatch::dispatcher> all_;
  std::optional<task::gate> doors_;
};

// Everything leaves memory as soon as it may, and comes back one by one.
dispatch::options with_heads_of_one() {
  dispatch::options chosen;
  chosen.memory.spill_bytes_max = 0;
  chosen.head_messages_max = 1;
  return chosen;
}

texts numbers(std::size_t first, std::size_t last) {
  texts all;
  for (auto number = first; number <= last; ++number)
    all.push_back(std::to_string(number));
  return all;
}

function::limits without_mark() {
  function::limits chosen;
  chosen.waiting_max.reset();
  return chosen;
}

void is_done(dispatch::verb_receipt const& told) {
  if (auto const* const no = std::get_if<refusal>(&told))
    FAIL(no->detail);
}

} // namespace

TEST_CASE("what waits for a paused address leaves memory once it is written, and is called in its order") {
  shards_on_disk world(1, with_heads_of_one());
  world.functions.declare("fn", {}, without_mark());
  is_done(world.loop.run(world.all().at(0).pause(alice, "looked at")));
  for (auto const& bytes : numbers(1, 10))
    world.accepts(alice, bytes);
  auto const all_bytes = world.buffered();
  world.loop.advance(1h);
  CHECK(world.buffered() == all_bytes); // nothing is written
  world.pass_time();
  CHECK(world.buffered() == 0);
  CHECK(world.all().counts().pending_messages_count == 10);
  world.accepts(alice, "11");

  is_done(world.loop.run(world.all().at(0).resume(alice)));
  world.settle();
  CHECK(world.functions.taken(alice) == numbers(1, 11));
  CHECK(world.buffered() == 0);
  CHECK(world.all().counts().pending_messages_count == 0);
  CHECK(world.lost.empty());
}

TEST_CASE("who looks at an address, or skips its first message, finds that where all is on disk") {
  shards_on_disk world(1, with_heads_of_one());
  world.functions.declare("fn", {}, without_mark());
  is_done(world.loop.run(world.all().at(0).pause(alice, "looked at")));
  auto const first = world.accepts(alice, "1");
  world.accepts(alice, "2");
  world.accepts(alice, "3");
  world.pass_time();
  REQUIRE(world.buffered() == 0);

  auto const seen = world.loop.run(world.all().describe(alice));
  REQUIRE(seen.has_value());
  auto const& detail = std::get<dispatch::address_detail>(*seen);
  REQUIRE(detail.head);
  CHECK(detail.head->id == first);
  CHECK(detail.summary.messages_count == 3);
  CHECK(detail.summary.bytes == 3 * (message::message_overhead_bytes + std::string("t1").size()));
  world.pass_time();
  REQUIRE(world.buffered() == 0);
  is_done(world.loop.run(world.all().at(0).skip(alice, first)));
  world.pass_time();
  auto const again = world.loop.run(world.all().at(0).skip(alice, first));
  REQUIRE(std::holds_alternative<refusal>(again));
  CHECK(std::get<refusal>(again).why == number::message_not_at_head);
  is_done(world.loop.run(world.all().at(0).resume(alice)));
  world.settle();
  CHECK(world.functions.taken(alice) == texts{"2", "3"});
}

TEST_CASE("a message that comes in the first moment after a crash is called behind all that waited on disk") {
  auto chosen = with_heads_of_one();
  chosen.memory.bytes_max = 3000;
  shards_on_disk world(2, chosen);
  world.functions.declare("fn", {}, without_mark());
  is_done(world.loop.run(world.all().at(0).pause(alice, "looked at")));
  for (auto const& bytes : numbers(1, 100)) {
    world.accepts(alice, bytes);
    world.pass_time();
  }
  world.functions.hold();
  is_done(world.loop.run(world.all().at(0).resume(alice)));
  world.write();
  world.kill();
  world.functions.forget_calls();

  world.late_reads = true;
  world.start();
  CHECK(world.buffered() < 3000);
  CHECK(world.all().counts().pending_messages_count == 100);
  world.functions.release();
  auto const told = world.start_accept(alice, "101");
  while (world.all().counts().pending_messages_count > 0) {
    REQUIRE(world.lost.empty());
    world.settle();
    if (world.late.count() > 0)
      world.late.release(0);
    world.store->write(1);
    world.loop.advance(1ms);
  }
  REQUIRE(told->has_value());
  CHECK(std::holds_alternative<accepted>(**told));
  CHECK(world.functions.taken(alice) == numbers(1, 101));
  CHECK(world.buffered() == 0);
}

TEST_CASE("what a crash left behind is loaded as far as memory is meant for it, and consumed in order") {
  constexpr std::size_t count = 20'000;
  constexpr std::uint64_t bytes_max = 400'000;
  shards_on_disk world(2, with_memory(bytes_max));
  world.functions.keep_no_calls();
  number_flow flow(world.functions, count, 100);
  is_done(world.loop.run(world.all().at(0).pause(flow.sink, "looked at")));
  world.accepts(flow.sender, "0");
  for (int i = 0; i < 1000 && world.all().counts().pending_messages_count < static_cast<std::int64_t>(count); ++i) {
    world.pass_time(10ms);
    REQUIRE(world.buffered() < static_cast<std::int64_t>(2 * bytes_max + 100 * 400));
  }
  world.pass_time();
  CHECK(world.buffered() < static_cast<std::int64_t>(bytes_max));
  world.functions.hold();
  is_done(world.loop.run(world.all().at(0).resume(flow.sink)));
  world.write();
  world.kill();
  REQUIRE(flow.consumed == 0);
  world.start();
  CHECK(world.all().counts().pending_messages_count == count);
  CHECK(world.buffered() <= static_cast<std::int64_t>(bytes_max));
  world.functions.release();
  for (int i = 0; i < 1000 && world.all().counts().pending_messages_count > 0; ++i) {
    world.pass_time(10ms);
    REQUIRE(world.buffered() <= static_cast<std::int64_t>(bytes_max));
  }
  CHECK(flow.consumed == count);
  CHECK(flow.in_order);
  CHECK(world.buffered() == 0);
  CHECK(world.lost.empty());
}

TEST_CASE("a function that sends more than is consumed fills the disk, not memory, and is not held") {
  constexpr std::size_t count = 100'000;
  constexpr std::size_t sent_at_once = 500;
  constexpr std::uint64_t bytes_max = 1U << 20U;
  shards_on_disk world(2, with_memory(bytes_max));
  world.functions.keep_no_calls();
  number_flow flow(world.functions, count, sent_at_once);
  flow.sink_stands = true;
  world.accepts(flow.sender, "0");
  // Each call in a step of its own: the store writes, and memory is looked at, between.
  for (int steps = 0; steps < 100'000 && flow.sent < count; ++steps) {
    world.loop.step(0);
    if (steps % 50 == 0) {
      world.write();
      world.loop.time().advance(20ms);
    }
    if (steps % 500 == 0)
      world.loop.advance(20ms);
    REQUIRE(world.buffered() < static_cast<std::int64_t>(2 * bytes_max + sent_at_once * 400));
  }
  world.pass_time();
  CHECK(flow.sent == count);
  CHECK(world.buffered() < static_cast<std::int64_t>(bytes_max));
  world.accepts(address_of("fn", "outside"), std::to_string(count)); // the doors are open
  flow.sink_stands = false;
  for (int i = 0; i < 10'000 && flow.consumed < count; ++i) {
    world.pass_time(1s);
    REQUIRE(world.buffered() < static_cast<std::int64_t>(bytes_max));
  }
  CHECK(world.lost == texts{});
  CHECK(flow.consumed == count);
  CHECK(flow.in_order);
  CHECK(world.lost.empty());
}

TEST_CASE("internal fan-in to a paused address leaves the doors to the others open") {
  constexpr std::uint64_t bytes_max = 100'000;
  shards_on_disk world(3, with_memory(bytes_max));
  world.functions.keep_no_calls();
  world.functions.declare("fn", [&](seen_call const& call) {
    invocation_result done;
    for (std::size_t i = 0; i < 20 * call.taken.size(); ++i)
      done.messages.push_back({sink, {"t", true, std::string(100, 'x')}});
    return says(std::move(done));
  });
  world.functions.declare("sink");
  is_done(world.loop.run(world.all().at(0).pause(sink, "looked at")));
  for (int i = 0; i < 200; ++i) {
    world.accepts(address_of("fn", std::to_string(i)), "1");
    world.pass_time(20ms);
    REQUIRE(world.buffered() <= static_cast<std::int64_t>(bytes_max));
  }
  CHECK(world.all().counts().pending_messages_count == 4000);
  is_done(world.loop.run(world.all().at(0).resume(sink)));
  for (int i = 0; i < 1000 && world.all().counts().pending_messages_count > 0; ++i)
    world.pass_time();
  CHECK(world.all().counts().pending_messages_count == 0);
  CHECK(world.buffered() == 0);
  CHECK(world.lost.empty());
}

TEST_CASE("nothing leaves memory before all that was ordered before it has come") {
  shards_on_disk world(2, with_heads_of_one(), loops::one_a_shard);
  auto const on_shard = [](std::string const& type, std::size_t shard) {
    for (int id = 0;; ++id)
      if (auto at = address_of(type, std::to_string(id)); message::partition_of(at, 256) % 2 == shard)
        return at;
  };
  auto const target = on_shard("sink", 1);
  auto const sender = on_shard("fn", 0);
  world.functions.declare("sink", {}, without_mark());
  world.functions.declare("fn", [&](seen_call const&) {
    invocation_result done;
    done.messages.push_back({target, {"t", true, "earlier"}});
    return says(std::move(done));
  });
  is_done(world.loop.run(world.all().at(0).pause(target, "looked at")));
  world.functions.hold();
  world.accepts(sender, "1");
  world.settle();
  auto const before = world.store->ordered_so_far().number();
  world.functions.release();
  for (int steps = 0; steps < 1000 && world.store->ordered_so_far().number() == before; ++steps)
    world.loop.step(0);
  REQUIRE(world.store->ordered_so_far().number() > before);
  // The sender's message is ordered, and under way. Another one comes to its target's shard, and all is written.
  auto const told =
      asio::co_spawn(world.executor(1), world.all().at(1).accept(message_to(target, "later")), asio::use_future);
  while (world.loop.step(1))
    world.write();
  REQUIRE(told.wait_for(0s) == std::future_status::ready);
  for (int i = 0; i < 10; ++i) {
    world.loop.time().advance(1s);
    while (world.loop.step(1))
      ;
  }
  auto const two_messages = world.buffered();
  CHECK(two_messages > static_cast<std::int64_t>(2 * message::message_overhead_bytes));
  world.pass_time();
  CHECK(world.buffered() == 0);
  CHECK(world.all().counts().pending_messages_count == 2);
  is_done(world.loop.run(world.all().at(0).resume(target)));
  world.settle();
  CHECK(world.functions.taken(target) == texts{"earlier", "later"}); // in the order of the store
  CHECK(world.lost.empty());
}

TEST_CASE("rows that are not those that left memory are a lost store") {
  shards_on_disk world(1, with_heads_of_one());
  world.functions.declare("fn", {}, without_mark());
  is_done(world.loop.run(world.all().at(0).pause(alice, "looked at")));
  world.accepts(alice, "1");
  auto const last = world.accepts(alice, "2");
  world.pass_time();
  REQUIRE(world.buffered() == 0);
  world.read->leaks_count = 1;
  is_done(world.loop.run(world.all().at(0).resume(alice)));
  world.settle();
  CHECK(world.functions.taken(alice).empty());
  CHECK(world.lost == texts{"of the mailbox of ns/fn/alice 2 messages were left to the store from 0-0 to " +
                            to_text(last) + ", and the next 1 rows that it has there are not these"});
}
