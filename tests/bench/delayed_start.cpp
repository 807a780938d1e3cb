// What a start costs with many delayed messages pending that are due tomorrow.
// delayed_start <directory> fill [messages]    sets them, each with a token, 100 by each address
// delayed_start <directory>                    opens the store, and starts dispatch on it

#include "dispatch/dispatcher.hpp"
#include "store/rocks_store.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <future>
#include <memory>
#include <string>

#include <unistd.h>

using namespace statefund;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

constexpr std::uint64_t set_by_each = 100;

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t all_pages = 0;
  std::uint64_t resident_pages = 0;
  statm >> all_pages >> resident_pages;
  return resident_pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

struct step {
  std::chrono::steady_clock::time_point at = std::chrono::steady_clock::now();
  std::uint64_t bytes = resident_bytes();

  void told(char const* what) {
    auto const now = std::chrono::steady_clock::now();
    auto const grown = static_cast<std::int64_t>(resident_bytes()) - static_cast<std::int64_t>(bytes);
    std::printf("%s: %.1f ms, %.1f MiB\n", what, std::chrono::duration<double, std::milli>(now - at).count(),
                static_cast<double>(grown) / (1U << 20U));
    *this = {};
  }
};

int fill(store::store& kept, std::uint64_t messages_count) {
  auto const tomorrow_ms = clock::unix_ms() + std::chrono::milliseconds(24h).count();
  for (std::uint64_t i = 0; i < messages_count; i += set_by_each) {
    message::change whole;
    whole.self = {{"example", "setter"}, "user-" + std::to_string(i / set_by_each)};
    for (std::uint64_t own = i; own < i + set_by_each; ++own)
      whole.delayed_set.push_back({tomorrow_ms + static_cast<std::int64_t>(own * 7919 % messages_count),
                                   "token-" + std::to_string(own),
                                   {whole.self, whole.self, {"io.statefun.types/string", true, "0123456789abcdef"}}});
    kept.commit(whole);
    while (kept.unsynced().bytes > (64U << 20U))
      usleep(1000);
  }
  return 0;
}

asio::awaitable<std::size_t> find(store::store& kept) {
  std::size_t found = 0;
  for (int i = 0; i < 1000; ++i) {
    message::address const owner{{"example", "setter"}, "user-" + std::to_string(i)};
    auto const token = "token-" + std::to_string(i * static_cast<int>(set_by_each));
    auto const rows = co_await kept.find_delayed(owner, token);
    found += rows ? rows->size() : 0;
  }
  co_return found;
}

void start(store::store& kept, step& next) {
  asio::io_context loop(1);
  dispatch::dispatcher::parts parts;
  parts.executors.emplace_back(loop.get_executor());
  parts.store = &kept;
  parts.declared.make = [](message::function_type const&, std::size_t) { return function::handle(); };
  parts.declared.is_declared_egress = [](message::egress_id const&) { return false; };
  parts.store_lost = [](error const& why) { std::printf("lost: %s\n", why.to_string().c_str()); };
  dispatch::dispatcher all({}, std::move(parts));
  auto recovers = asio::co_spawn(loop, all.recover(), asio::use_future);
  loop.run();
  auto const recovered = recovers.get();
  next.told("recover");
  loop.restart();
  all.start();
  all.serve();
  loop.run_for(1s);
  next.told("a second of serving");
  std::printf("recovered: %d, pending: %lld, far: %lld\n", recovered.has_value() ? 1 : 0,
              static_cast<long long>(all.counts().delayed_count),
              static_cast<long long>(all.counts().delayed_far_count));
  auto const found = asio::co_spawn(loop, find(kept), asio::use_future);
  next = {};
  while (found.wait_for(0s) != std::future_status::ready)
    loop.run_one();
  next.told("a thousand look-ups by token");
  auto drains = asio::co_spawn(loop, all.drain(clock::deadline::after({})), asio::use_future);
  loop.run();
  drains.get();
}

} // namespace

int main(int count, char** arguments) {
  if (count < 2)
    return 64;
  bool const fills = count > 2;
  store::rocks_store_options chosen;
  chosen.database.directory = arguments[1];
  chosen.sync.mode = store::sync_mode::never;
  step next;
  auto opened = store::rocks_store::open(chosen, [](error const& why) {
    std::printf("lost: %s\n", why.to_string().c_str());
    std::_Exit(1);
  });
  if (!opened) {
    std::printf("%s\n", opened.error().to_string().c_str());
    return 1;
  }
  next.told("open");
  if (fills)
    return fill(**opened, count > 3 ? std::strtoull(arguments[3], nullptr, 10) : 1'000'000);
  start(**opened, next);
}
