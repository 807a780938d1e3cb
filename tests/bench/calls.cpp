// bench_calls <address> <port> <connections> <seconds> [<PEM file of whom to trust>]
// Calls the function there, over TLS if somebody is to be trusted, as a shard of the daemon does, and does nothing
// besides: no ingress, no mailboxes, no turns. Ends with the line that post.lua ends wrk with.
#include "clock/deadline.hpp"
#include "endpoint/remote_function.hpp"
#include "endpoint/resolver.hpp"
#include "endpoint/tls_context.hpp"
#include "task/gate.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

using namespace statefund;

namespace {

struct load {
  endpoint::remote_function& function;
  clock::deadline until;
  std::uint64_t calls_count = 0;
  std::uint64_t failed_count = 0;
};

boost::asio::awaitable<void> call_again_and_again(load& of) {
  message::address const self{{"bench", "empty"}, "address-0000000"};
  message::batch const taken{{{1, 0}, std::nullopt, {"bench/bytes", true, std::string(200, 'm')}}};
  message::state_values const none;
  while (!of.until.reached() && of.failed_count == 0) {
    auto const total = clock::deadline::after(of.function.call_limits().call_timeout);
    auto const got = co_await of.function.call(self, taken, none, total);
    if (got.has_error()) {
      ++of.failed_count;
      std::cerr << "bench_calls: " << got.error().to_string() << '\n';
      co_return;
    }
    ++of.calls_count;
  }
}

boost::asio::awaitable<void> end(task::gate& calls, endpoint::remote_function& function) {
  co_await calls.close();
  co_await function.close();
}

endpoint::options options_of(char const* const* arguments, char const* trust_cacerts) {
  endpoint::options chosen;
  chosen.host = arguments[0];
  chosen.port = static_cast<std::uint16_t>(std::atoi(arguments[1]));
  chosen.authority = chosen.host + ':' + arguments[1];
  chosen.pool_size = static_cast<std::size_t>(std::atoi(arguments[2]));
  if (trust_cacerts != nullptr) {
    auto const loaded = endpoint::tls_context::load({trust_cacerts, "", "", ""});
    for (auto const& each : loaded.problems)
      std::cerr << "bench_calls: " << each.text << '\n';
    chosen.tls = endpoint::tls_options{loaded.context, "TLS cannot be spoken", chosen.host};
  }
  return chosen;
}

} // namespace

int main(int argument_count, char** arguments) {
  if (argument_count != 5 && argument_count != 6) {
    std::cerr << "usage: bench_calls <address> <port> <connections> <seconds> [<PEM file of whom to trust>]\n";
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN); // NOLINT(cert-err33-c): as in the daemon
  auto const chosen = options_of(arguments + 1, argument_count == 6 ? arguments[5] : nullptr);
  boost::asio::io_context context(1);
  auto const names = std::make_shared<endpoint::resolver>();
  endpoint::remote_function function(context.get_executor(), names, chosen);
  auto const begun_at = clock::steady::now();
  load all{function, clock::deadline::after(std::chrono::seconds(std::atoi(arguments[4])))};
  task::gate calls(context.get_executor());
  task::gate ending(context.get_executor());
  for (std::size_t i = 0; i < chosen.pool_size; ++i)
    calls.start(call_again_and_again(all));
  ending.start(end(calls, function));
  context.run();

  auto const took = std::chrono::duration_cast<std::chrono::microseconds>(clock::steady::now() - begun_at);
  std::string stat;
  std::getline(std::ifstream("/proc/self/stat"), stat);
  std::cout << "BENCH " << all.calls_count << ' ' << took.count() << ' ' << all.failed_count << ' ' << stat << '\n';
  return all.failed_count == 0 ? 0 : 1;
}
