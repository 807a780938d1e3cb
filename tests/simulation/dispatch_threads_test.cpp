#include "dispatch/dispatcher.hpp"
#include "log/capture.hpp"
#include "store/memory_store.hpp"
#include "support/fake_functions.hpp"
#include "support/shards_in_process.hpp"

#include <catch2/catch.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <deque>
#include <functional>
#include <future>
#include <random>
#include <thread>

namespace asio = boost::asio;
using namespace statefund;
using namespace statefund::support;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t shards_count = 4;
constexpr std::size_t uploads_count = 8;
constexpr std::size_t messages_count = 500; // of one upload
constexpr int hops_count = 3;               // that a message makes after it has come in

message::egress_id egress_of(std::size_t i) {
  return {"out", std::to_string(i)};
}

// "<hops left> <n>": goes on to another address, some of them a moment later, and to an egress at its end.
result<message::reply> passes_on(seen_call const& call) {
  message::invocation_result done;
  for (auto const& one : call.taken) {
    std::size_t at = 0;
    auto const hops = std::stoi(one.value.bytes, &at);
    auto const n = std::stoul(one.value.bytes.substr(at));
    if (hops == 0) {
      done.egresses.push_back({egress_of(n % 2), one.value});
      continue;
    }
    auto const next = address_of(n % 3 == 0 ? "few" : "fn", std::to_string((n * 31 + call.taken.size()) % 200));
    message::typed_value const value{"t", true, std::to_string(hops - 1) + ' ' + std::to_string(n)};
    if (n % 4 == 0)
      done.delayed.emplace_back(message::delayed_send{static_cast<std::int64_t>(n % 5), next, value, {}});
    else
      done.messages.push_back({next, value});
  }
  return message::reply{std::move(done)};
}

asio::awaitable<std::size_t> upload(dispatch::shard& at, std::size_t first) {
  dispatch::upload of(at.shards_count());
  std::vector<dispatch::submission> messages;
  for (std::size_t n = first; n < first + messages_count; ++n)
    messages.push_back(
        message_to(address_of("fn", std::to_string(n % 200)), std::to_string(hops_count) + ' ' + std::to_string(n)));
  auto const told = co_await at.accept_many(std::move(messages), of, 60s);
  std::size_t accepted_count = 0;
  store::ticket last;
  for (auto const& one : told)
    if (auto const* const ordered = std::get_if<dispatch::accepted>(&one)) {
      ++accepted_count;
      last.merge(ordered->ordered);
    }
  auto const kept = co_await at.durable(last);
  co_return kept ? accepted_count : 0;
}

// Reads and acknowledges until it has seen so many.
asio::awaitable<std::size_t> read(dispatch::shard& at, std::size_t egress, std::size_t wanted_count) {
  std::size_t seen_count = 0;
  std::uint64_t after = 0;
  while (seen_count < wanted_count) {
    dispatch::egress_request request{egress_of(egress), std::nullopt, false, 50, clock::deadline::after(20s)};
    if (after > 0)
      request.after = after;
    auto const told = co_await at.read_egress(std::move(request));
    auto const* const page = std::get_if<store::egress_page>(&told);
    if (!page || page->records.empty())
      break;
    seen_count += page->records.size();
    after = page->records.back().sequence;
  }
  co_return seen_count;
}

// Reloads for as long as it may: types get and lose a home, one of them goes away and comes back, calls fail.
asio::awaitable<std::size_t> reload(dispatch::dispatcher& all, fake_functions& functions,
                                    std::function<asio::any_io_executor(std::size_t)> executor_of,
                                    std::atomic<bool> const& is_over) {
  auto const is_declared_egress = [](message::egress_id const&) { return true; };
  std::minstd_rand random(1);
  std::size_t count = 0;
  for (bool last = false; !last; ++count) {
    last = is_over;
    function::limits limits;
    limits.waiting_max = 5 + random() % 40;
    limits.batch_messages_max = 1 + random() % 40;
    limits.concurrent_calls_max = 1 + random() % 8;
    limits.backoff = {1ms, 4ms};
    auto const what = random() % 4;
    if (what == 0)
      functions.declare("fn", passes_on, limits);
    if (what == 1 || last)
      functions.declare("few", passes_on, limits);
    else if (what == 2)
      functions.forget("few");
    functions.fail_next(random() % 3);
    auto next = functions.reload_now(executor_of, is_declared_egress);
    co_await all.apply(std::move(next.next), std::move(next.keeps));
    auto const pause = static_cast<int>(random() % 50);
    co_await yield(pause);
  }
  co_return count;
}

} // namespace

TEST_CASE("four shards on four threads, and reloads: what came in goes out, all of it, once") {
  log::capture const quiet;
  std::deque<asio::io_context> loops;
  fake_functions functions;
  functions.keep_no_calls();
  function::limits limits;
  limits.waiting_max = 20;
  limits.backoff = {1ms, 4ms};
  functions.declare("fn", passes_on, limits);
  limits.concurrent_calls_max = 2;
  functions.declare("few", passes_on, limits);
  store::memory_store kept;
  dispatch::options chosen;
  chosen.egress_queue.bytes_max = 4096;
  chosen.calls_in_flight_max = 32;
  dispatch::dispatcher::parts parts;
  for (std::size_t i = 0; i < shards_count; ++i)
    parts.executors.push_back(loops.emplace_back(1).get_executor());
  parts.store = &kept;
  parts.declared.make = [&](message::function_type const& type, std::size_t shard) {
    return functions.make(type, shard, loops[shard].get_executor());
  };
  parts.declared.is_declared_egress = [](message::egress_id const&) { return true; };
  std::atomic<int> stores_lost_count{0};
  parts.store_lost = [&](error const&) { ++stores_lost_count; };
  dispatch::dispatcher all(chosen, std::move(parts));
  all.start();
  all.serve();

  std::vector<std::thread> threads;
  std::deque<asio::executor_work_guard<asio::io_context::executor_type>> guards;
  for (auto& loop : loops) {
    guards.emplace_back(loop.get_executor());
    threads.emplace_back([&loop] { loop.run(); });
  }

  constexpr std::size_t total_count = uploads_count * messages_count;
  std::vector<std::future<std::size_t>> uploads;
  std::vector<std::future<std::size_t>> readers;
  for (std::size_t i = 0; i < 2; ++i)
    readers.push_back(asio::co_spawn(loops[i], read(all.at(i), i, total_count / 2), asio::use_future));
  for (std::size_t i = 0; i < uploads_count; ++i) {
    auto const at = i % shards_count;
    uploads.push_back(asio::co_spawn(loops[at], upload(all.at(at), i * messages_count), asio::use_future));
  }
  std::atomic<bool> is_over{false};
  auto const executor_of = [&](std::size_t shard) { return loops[shard].get_executor(); };
  auto reloads = asio::co_spawn(loops[0], reload(all, functions, executor_of, is_over), asio::use_future);
  for (auto& one : uploads)
    CHECK(one.get() == messages_count);
  is_over = true;
  CHECK(reloads.get() > 0);
  for (auto& one : readers)
    CHECK(one.get() == total_count / 2);

  auto const left = asio::co_spawn(loops[0], all.drain(clock::deadline::after(20s)), asio::use_future).get();
  guards.clear();
  for (auto& one : threads)
    one.join();
  CHECK(left.messages_count == 0);
  CHECK(left.delayed_count == 0);
  CHECK(left.egress_records_count <= 100); // those that nobody acknowledged
  CHECK(all.counts().buffered_bytes == 0);
  CHECK(all.counts().pending_messages_count == 0);
  CHECK(functions.fault().empty());
  CHECK(stores_lost_count == 0);
}
