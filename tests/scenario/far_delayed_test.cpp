// Delayed messages that lie in the store alone until they are due soon.

#include "support/crash_store.hpp"
#include "support/lateness.hpp"
#include "support/shards_in_process.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <sstream>

using namespace statefund;
using namespace statefund::support;
using namespace std::chrono_literals;
using message::invocation_result;

namespace {

namespace asio = boost::asio;
using texts = std::vector<std::string>;

message::address const alice = address_of("setter", "alice");
message::address const bob = address_of("setter", "1"); // of two shards on the other one
message::address const target = address_of("target", "t");

// "set <ms> <token or -> <bytes>", or "cancel <token>".
result<message::reply> follow(seen_call const& call) {
  invocation_result done;
  for (auto const& one : call.taken) {
    std::istringstream words(one.value.bytes);
    std::string what;
    std::string token;
    words >> what;
    if (what == "cancel") {
      words >> token;
      done.delayed.push_back(message::delayed_cancel{token});
      continue;
    }
    std::int64_t delay_ms = 0;
    std::string bytes;
    words >> delay_ms >> token >> bytes;
    done.delayed.push_back(
        message::delayed_send{delay_ms, target, {"t", true, bytes}, token == "-" ? std::string() : token});
  }
  return message::reply{std::move(done)};
}

dispatch::options window_of(std::chrono::milliseconds ahead, std::uint64_t bytes_max = 1'000'000) {
  dispatch::options chosen;
  chosen.delayed_window = ahead;
  chosen.delayed_window_bytes_max = bytes_max;
  return chosen;
}

// One process after another over one disk; each serves from its start.
class processes {
 public:
  explicit processes(dispatch::options chosen, std::size_t shards_count = 1) : chosen_(chosen) {
    for (std::size_t i = 0; i < shards_count; ++i)
      executors_.push_back(i == 0 ? loop.executor() : loop.add_loop());
    functions.declare("setter", follow);
    functions.declare("target");
    start();
  }
  ~processes() { stop(); }

  event_loop loop;
  fake_functions functions;
  lateness late;
  std::unique_ptr<crash_store> store;

  void start(crash_store::pace moves = crash_store::pace::by_itself, lateness* takes_time = nullptr) {
    crash_store_options kept;
    kept.partition_count = 16;
    kept.late = takes_time;
    store = std::make_unique<crash_store>(disk_, loop.executor(), moves, kept);
    dispatch::dispatcher::parts parts;
    parts.executors = executors_;
    parts.store = store.get();
    parts.declared.make = [this](message::function_type const& type, std::size_t shard) {
      return functions.make(type, shard, executors_[shard]);
    };
    parts.declared.is_declared_egress = [](message::egress_id const&) { return false; };
    parts.store_lost = [](error const&) {};
    all_ = std::make_unique<dispatch::dispatcher>(chosen_, std::move(parts));
    loop.run(recover());
    all_->start();
    all_->serve();
    loop.settle();
  }
  // As asked: what is ordered is kept.
  void stop() {
    loop.settle();
    late.release_all();
    store->write(store->ordered_count());
    store->sync();
    end();
  }
  // kill -9: what is not written is lost.
  void kill() {
    store->lose();
    end();
  }
  void start_again(crash_store::pace moves = crash_store::pace::by_itself, lateness* takes_time = nullptr) {
    stop();
    start(moves, takes_time);
  }

  void send(message::address const& self, std::string bytes, std::chrono::milliseconds delay = 0ms) {
    auto one = message_to(self, std::move(bytes));
    one.delay = delay;
    loop.run(accept(std::move(one)));
    loop.settle();
  }
  void write_all() {
    store->write(store->ordered_count());
    store->sync();
    loop.settle();
  }
  // All reads and waits, and those that follow.
  void release_late() {
    for (int i = 0; i < 100 && late.count() > 0; ++i) {
      late.release_all();
      loop.settle();
    }
  }
  // Second by second, so that whatever is due comes in time.
  void pass(std::chrono::seconds time) {
    for (; time > 0s; time -= 1s)
      loop.advance(1s);
  }

  texts came(message::address const& self = target) const {
    texts all;
    for (auto const& call : functions.calls())
      if (call.self == self)
        for (auto& bytes : bytes_of(call.taken))
          all.push_back(bytes);
    return all;
  }
  dispatch::totals const& counts() const { return all_->counts(); }
  std::int64_t in_memory_count() const { return counts().delayed_count - counts().delayed_far_count; }
  // Nothing is left, anywhere.
  bool is_empty() const {
    return counts().pending_messages_count == 0 && counts().buffered_bytes == 0 && counts().delayed_count == 0 &&
           counts().delayed_far_count == 0;
  }
  dispatch::address_detail described(message::address const& self) {
    dispatch::address_detail seen;
    loop.run(describe(self, seen));
    return seen;
  }

 private:
  asio::awaitable<void> recover() {
    auto const recovered = co_await all_->recover();
    REQUIRE(recovered.has_value());
  }
  asio::awaitable<void> accept(dispatch::submission one) {
    auto told = co_await all_->at(0).accept(std::move(one));
    CHECK(std::holds_alternative<dispatch::accepted>(told));
  }
  asio::awaitable<void> describe(message::address self, dispatch::address_detail& into) {
    auto told = co_await all_->describe(std::move(self));
    into = std::get<dispatch::address_detail>(std::move(*told));
  }
  asio::awaitable<void> drain() {
    auto const now = clock::deadline::after({});
    auto const left = co_await all_->drain(now);
    static_cast<void>(left);
  }
  void end() {
    late.release_all();
    loop.run(drain());
    loop.settle();
    all_.reset();
    store.reset();
  }

  dispatch::options const chosen_;
  std::vector<asio::any_io_executor> executors_; // a loop each
  disk disk_;
  std::unique_ptr<dispatch::dispatcher> all_;
};

} // namespace

TEST_CASE("what is due beyond the window takes no memory, is counted, and comes when it is due") {
  for (std::size_t const shards : {1U, 3U}) {
    INFO(shards << " shards");
    processes daemon(window_of(10s), shards);
    daemon.send(alice, "set 60000 - far");
    daemon.send(alice, "set 5000 - near");
    daemon.send(target, "outside", 90s);
    CHECK(daemon.counts().delayed_count == 3);
    CHECK(daemon.counts().delayed_far_count == 2);
    CHECK(daemon.counts().buffered_bytes < 1000); // the near one
    daemon.pass(5s);
    CHECK(daemon.came() == texts{"near"});
    CHECK(daemon.counts().buffered_bytes == 0);
    daemon.pass(54s);
    CHECK(daemon.came().size() == 1);
    CHECK(daemon.in_memory_count() == 1);
    daemon.pass(1s);
    CHECK(daemon.came() == texts{"near", "far"});
    daemon.pass(30s);
    CHECK(daemon.came() == texts{"near", "far", "outside"});
    CHECK(daemon.is_empty());
  }
}

TEST_CASE("a start loads none of what is due later, knows how many they are, and all of them come") {
  processes daemon(window_of(10s), 2);
  texts expected;
  for (int i = 0; i < 300; ++i) {
    daemon.send(i % 2 == 0 ? alice : bob, "set " + std::to_string(20'000 + i * 100) + " - " + std::to_string(i));
    expected.push_back(std::to_string(i));
  }
  daemon.start_again();
  CHECK(daemon.counts().delayed_count == 300);
  CHECK(daemon.counts().delayed_far_count == 300);
  CHECK(daemon.counts().buffered_bytes == 0);
  daemon.pass(30s);
  daemon.start_again();
  CHECK(daemon.counts().delayed_count < 300);
  CHECK(daemon.counts().delayed_far_count > 0);
  daemon.pass(60s);
  CHECK(daemon.came() == expected);
  CHECK(daemon.is_empty());
}

TEST_CASE("a cancel finds what is in memory, what is far, and what is not written yet") {
  processes daemon(window_of(10s));
  daemon.send(alice, "set 5000 token near");
  daemon.send(alice, "set 60000 token far");
  daemon.send(alice, "set 60000 other kept");
  daemon.send(bob, "set 60000 token bob's");
  daemon.start_again(crash_store::pace::by_hand);
  CHECK(daemon.in_memory_count() == 1);
  daemon.send(alice, "set 70000 token unwritten");
  CHECK(daemon.in_memory_count() == 2);

  SECTION("and nothing of it comes back after a restart") {
    daemon.send(alice, "cancel token");
    CHECK(daemon.counts().delayed_count == 2);
    daemon.send(alice, "cancel token"); // not written: the store finds them still
    CHECK(daemon.counts().delayed_count == 2);
    daemon.write_all();
    CHECK(daemon.counts().delayed_far_count == 2);
    CHECK(daemon.counts().buffered_bytes == 0);
    daemon.start_again();
    CHECK(daemon.counts().delayed_count == 2);
    daemon.pass(80s);
    auto got = daemon.came();
    std::sort(got.begin(), got.end());
    CHECK(got == texts{"bob's", "kept"});
    CHECK(daemon.is_empty());
  }
  SECTION("a cancel that is lost has cancelled nothing") {
    daemon.store->write(daemon.store->ordered_count());
    daemon.send(alice, "cancel token");
    daemon.kill();
    daemon.start();
    CHECK(daemon.counts().delayed_count == 5);
    daemon.pass(80s);
    auto got = daemon.came();
    std::sort(got.begin(), got.end());
    CHECK(got == texts{"bob's", "far", "kept", "near", "unwritten"});
    CHECK(daemon.is_empty());
  }
  SECTION("what was set and is lost was never there") {
    daemon.kill();
    daemon.start();
    CHECK(daemon.counts().delayed_count == 4);
    daemon.send(alice, "cancel token");
    daemon.pass(80s);
    CHECK(daemon.came().size() == 2);
    CHECK(daemon.is_empty());
  }
}

TEST_CASE("what is cancelled, or fires, while it is read from the store does not come back") {
  processes daemon(window_of(10s));
  daemon.send(alice, "set 30000 token cancelled");
  daemon.send(alice, "set 30000 - comes");
  daemon.start_again(crash_store::pace::by_hand, &daemon.late);
  REQUIRE(daemon.late.count() == 0);
  daemon.pass(25s);
  REQUIRE(daemon.late.count() == 1); // what is due soon is being read
  daemon.send(alice, "cancel token");
  REQUIRE(daemon.late.count() >= 2); // states are read, too
  for (int i = 0; i < 100 && daemon.late.count() > 1; ++i) {
    daemon.late.release(daemon.late.count() - 1); // the newest
    daemon.loop.settle();
  }
  CHECK(daemon.counts().delayed_count == 1);

  SECTION("when the cancel is not written") {}
  SECTION("when it is written") {
    daemon.write_all();
  }
  daemon.release_late();
  CHECK(daemon.in_memory_count() == 1);
  daemon.pass(10s);
  daemon.release_late();
  CHECK(daemon.came() == texts{"comes"});
  CHECK(daemon.is_empty());
}

TEST_CASE("a cancel misses nothing that is let go of while it asks the store") {
  processes daemon(window_of(10s));
  daemon.send(alice, "set 60000 token first");
  daemon.start_again(crash_store::pace::by_hand, &daemon.late);
  daemon.send(alice, "set 60000 token second");
  daemon.release_late();
  CHECK(daemon.in_memory_count() == 1);
  daemon.send(alice, "cancel token");
  REQUIRE(daemon.late.count() > 0);
  for (int i = 0; i < 100 && daemon.functions.calls_count(alice) < 3; ++i) {
    daemon.late.release(0);
    daemon.loop.settle();
  }
  daemon.write_all();
  REQUIRE(daemon.late.count() == 2); // the question, and who waits for the write
  daemon.late.release(1);
  daemon.loop.settle();
  REQUIRE(daemon.in_memory_count() == 0);
  daemon.release_late();
  CHECK(daemon.counts().delayed_count == 0);
  daemon.write_all();
  daemon.release_late();
  daemon.pass(61s);
  daemon.release_late();
  CHECK(daemon.came().empty());
  CHECK(daemon.is_empty());
}

TEST_CASE("a clock that jumps over the edge brings all that is overdue in due order, whoever has set it") {
  std::size_t const shards = GENERATE(1U, 3U);
  std::uint64_t const bytes_max = GENERATE(1U, 5000U, 1'000'000U);
  std::size_t const waiting_max = GENERATE(2U, 100U);
  INFO(shards << " shards, a window of " << bytes_max << " bytes, a mark of " << waiting_max);
  processes daemon(window_of(10s, bytes_max), shards);
  daemon.functions.declare("target", {}, marked(waiting_max));
  daemon.start_again();
  texts expected;
  constexpr int alarms = 60;
  for (int i = 0; i < alarms; ++i) {
    auto const due = (i * 37) % alarms;
    daemon.send(address_of("setter", std::to_string(i % 7)),
                "set " + std::to_string(60'000 * (due + 1)) + " - " + std::to_string(due));
    expected.push_back(std::to_string(i));
  }
  CHECK(daemon.in_memory_count() == 0);
  daemon.loop.time().jump_wall(2h);
  daemon.pass(6s);
  CHECK(daemon.came() == expected);
  CHECK(daemon.is_empty());
}

TEST_CASE("with room for one message in the window all come, each when it is due, and in that order") {
  REQUIRE(message::partition_of(alice, 16) % 2 != message::partition_of(bob, 16) % 2);
  processes daemon(window_of(1h, 1), 2);
  std::map<std::int64_t, std::string> by_due;
  for (std::int64_t i = 0; i < 100; ++i) {
    auto const due_ms = 1000 + (i * 37) % 100 * 200;
    daemon.send(i % 3 == 0 ? bob : alice, "set " + std::to_string(due_ms) + " - " + std::to_string(i));
    by_due[due_ms] = std::to_string(i);
  }
  auto const start = clock::unix_ms();
  CHECK(daemon.in_memory_count() <= 2); // one of each shard
  CHECK(daemon.counts().delayed_count == 100);
  texts expected;
  for (auto const& [due_ms, bytes] : by_due) {
    daemon.loop.advance(std::chrono::milliseconds(start + due_ms - clock::unix_ms()));
    expected.push_back(bytes);
    REQUIRE(daemon.came() == expected);
    REQUIRE(daemon.in_memory_count() <= 2);
  }
  CHECK(daemon.is_empty());
}

TEST_CASE("more than may be set aside for targets that take nothing goes to their mailboxes, in due order") {
  for (std::size_t const shards : {1U, 3U}) {
    INFO(shards << " shards");
    processes daemon(window_of(1h, 3000), shards);
    function::limits narrow;
    narrow.waiting_max = narrow.batch_messages_max = 2;
    daemon.functions.declare("target", {}, narrow);
    daemon.functions.hold_only(target);
    daemon.start_again();
    texts expected;
    for (int i = 0; i < 200; ++i) {
      daemon.send(alice, "set " + std::to_string(1000 + i) + " - " + std::to_string(i));
      expected.push_back(std::to_string(i));
    }
    daemon.send(address_of("target", "other"), "is not held up", 2s);
    daemon.pass(3s);
    CHECK(daemon.functions.calls_count(address_of("target", "other")) == 1);
    CHECK(daemon.counts().delayed_count <= 8); // 3000 bytes of them
    CHECK(daemon.counts().delayed_count > 0);
    CHECK(daemon.counts().pending_messages_count >= 192);
    daemon.start_again();
    daemon.functions.release();
    daemon.loop.settle();
    daemon.pass(1s);
    auto came = daemon.came();
    REQUIRE(came.size() > 200); // the call that the stop has cut off is made again
    came.erase(came.begin(), came.end() - 200);
    CHECK(came == expected);
    CHECK(daemon.is_empty());
  }
}

TEST_CASE("overdue messages for a full mailbox leave memory for those whose turns would make room") {
  auto chosen = window_of(10s);
  chosen.memory.bytes_max = 20'000;
  processes daemon(chosen, 2);
  function::limits narrow;
  narrow.waiting_max = narrow.batch_messages_max = 1;
  daemon.functions.declare(
      "target",
      [](seen_call const& call) -> result<message::reply> {
        invocation_result done;
        for (auto const* const sink : {"s", "t", "u"})
          done.messages.push_back({address_of("sink", sink), call.taken[0].value});
        return message::reply{std::move(done)};
      },
      narrow);
  daemon.functions.declare("sink");
  daemon.functions.hold_only(target);
  daemon.start_again();
  texts expected;
  for (int i = 0; i < 200; ++i) {
    daemon.send(alice, "set " + std::to_string(60'000 + i) + " - " + std::to_string(i));
    expected.push_back(std::to_string(i));
  }
  for (int second = 0; second < 130; ++second) {
    daemon.write_all();
    daemon.pass(1s);
    if (second == 70)
      daemon.functions.release();
  }
  for (auto const* const sink : {"s", "t", "u"}) // the target is called again where what it sends is held
    CHECK(daemon.came(address_of("sink", sink)) == expected);
  CHECK(daemon.is_empty());
}

TEST_CASE("describe counts what an address has set, wherever it lies") {
  processes daemon(window_of(10s));
  daemon.send(alice, "set 60000 - far");
  daemon.send(bob, "set 50000 - bob's");
  daemon.start_again(crash_store::pace::by_hand);
  daemon.send(alice, "set 5000 - near");
  daemon.send(alice, "set 40000 - unwritten");
  auto const due_ms = clock::unix_ms() + 5000;
  auto const written = [&] {
    auto const seen = daemon.described(alice);
    CHECK(seen.delayed_count == 3);
    CHECK(seen.delayed_next_due_ms == due_ms);
  };
  daemon.store->write(daemon.store->ordered_count());
  daemon.store->sync();
  written();
  daemon.loop.settle();
  CHECK(daemon.in_memory_count() == 1);
  written();
  auto const later = daemon.described(bob);
  CHECK(later.delayed_count == 1);
  CHECK(later.delayed_next_due_ms > due_ms);
}
