#include "catalog/keeper.hpp"
#include "catalog/watch.hpp"
#include "daemon/application.hpp"
#include "daemon/check.hpp"
#include "daemon/command_line.hpp"
#include "daemon/open_store.hpp"
#include "daemon/report.hpp"
#include "daemon/settings.hpp"
#include "daemon/start_teller.hpp"
#include "daemon/version.hpp"
#include "error/number.hpp"
#include "log/log.hpp"
#include "systemd/notify.hpp"
#include "systemd/signals.hpp"
#include "task/gate.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace statefund::daemon {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using clock::deadline;

constexpr log::logger logger{"daemon"};

// sysexits.h, EX_CONFIG; the unit file does not restart on it.
constexpr int exit_configuration = 78;
constexpr int exit_failure = 1;

int refuse(std::vector<std::string> const& errors) {
  for (auto const& line : errors)
    std::fprintf(stderr, "statefund: %s\n", line.c_str());
  return exit_configuration;
}

int refuse(module::diagnostics const& errors) {
  for (auto const& each : errors)
    std::fputs(render(each, colours_of(STDERR_FILENO)).c_str(), stderr);
  return exit_configuration;
}

// Settings of parts that are not there yet: nobody should believe that they are at work.
void warn_without_effect(configuration const& configured) {
  constexpr std::array<std::string_view, 2> without_effect{"embedded.directory", "module.global-config"};
  for (auto const& [path, origin] : configured.origins)
    if (std::any_of(without_effect.begin(), without_effect.end(),
                    [&](std::string_view name) { return path.starts_with(name); }))
      logger.warning({number::setting_without_effect, "a setting has no effect in this version"},
                     {{"setting", path}, {"given_by", to_string(origin)}});
}

// Connections are descriptors: as many as the system lets us have.
void raise_file_limit(settings const& chosen) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  constexpr rlim_t own_files = 64;
  rlim_t const wanted = chosen.ingress.connections_max + chosen.limits.calls_in_flight_max + own_files;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < wanted)
    logger.warning({number::file_limit, "the limit on open files is lower than the connections that are allowed for"},
                   {{"limit", limit.rlim_cur}, {"wanted", wanted}});
}

std::size_t shards_of(settings const& chosen) {
  return chosen.shards.value_or(std::clamp(std::thread::hardware_concurrency(), 1U, 256U));
}

// One event loop a shard, each on a thread of its own; the first one is the process's first thread.
class loops {
 public:
  explicit loops(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      contexts_.push_back(std::make_unique<asio::io_context>(1));
      busy_.push_back(asio::make_work_guard(*contexts_.back()));
    }
  }
  std::vector<asio::any_io_executor> executors() {
    std::vector<asio::any_io_executor> all;
    all.reserve(contexts_.size());
    for (auto& context : contexts_)
      all.emplace_back(context->get_executor());
    return all;
  }
  void run(application const& served) {
    std::vector<std::thread> threads;
    for (std::size_t i = 1; i < contexts_.size(); ++i)
      threads.emplace_back([&served, context = contexts_[i].get()] { run_one(*context, served); });
    run_one(*contexts_.front(), served);
    for (auto& thread : threads)
      thread.join();
  }
  void end() { busy_.clear(); }

 private:
  // A loop that has nothing to do gives way for a moment before it sleeps, for being woken costs it and who wakes it
  // some microseconds, and on a busy machine the next thing comes soon. A few who wait for the disk wait less if the
  // loop is awake when it is done (docs/benchmarks.md); for a disk that takes longer than this, it does not matter.
  static void run_one(asio::io_context& context, application const& served) {
    using steady = std::chrono::steady_clock;
    while (!context.stopped()) {
      auto const idle_since = steady::now();
      std::size_t done_count = 0;
      while ((done_count = context.poll()) == 0 &&
             steady::now() - idle_since < (served.is_about_to_answer() ? 300us : 5us))
        std::this_thread::yield();
      if (done_count == 0)
        context.run_one();
    }
  }

  std::vector<std::unique_ptr<asio::io_context>> contexts_;
  std::vector<asio::executor_work_guard<asio::io_context::executor_type>> busy_;
};

// A write, a sync or a read has failed: whatever would still be said or shown could rest on what is lost.
void end_at_once(error const& why) {
  logger.error({number_of(why) == number::store_damaged ? number::store_damaged : number::store_lost,
                "the store was lost; the process ends without drain"},
               {{"error", why.to_string()}});
  std::_Exit(exit_failure);
}

// Ctrl-C during a drain: a person does not want to wait. A SIGTERM that is repeated asks for nothing new.
asio::awaitable<void> hurry_on_interrupt(systemd::signals& signals, application& served) {
  int signal = 0;
  do {
    signal = co_await signals.wait();
  } while (signal == SIGTERM);
  if (signal == 0)
    co_return;
  logger.warning({number::draining, "interrupted while draining: calls are cancelled now"}, {{"signal", "SIGINT"}});
  served.hurry();
}

// What asks something of the daemon other than at its doors.
struct askers {
  askers(asio::any_io_executor const& executor, std::string directory)
      : stops(executor, {SIGTERM, SIGINT}),
        hangups(executor, {SIGHUP}),
        changes(executor, std::move(directory)) {}
  void cancel() {
    stops.cancel();
    hangups.cancel();
    changes.cancel();
  }
  systemd::signals stops;
  systemd::signals hangups;
  catalog::watch changes; // of the module directory
  bool watch_is_open = false;
};

bool open_watch(catalog::watch& changes) {
  auto const opened = changes.open();
  if (!opened)
    logger.warning({number::modules_not_watched, "changes of the module directory are not noticed by themselves"},
                   {{"error", opened.error().to_string()}});
  return opened.has_value();
}

asio::awaitable<void> reload_on_hangup(systemd::signals& hangups, application& served) {
  for (;;) {
    int const signal = co_await hangups.wait();
    if (signal == 0)
      co_return;
    served.reload_modules();
  }
}

asio::awaitable<void> reload_on_change(catalog::watch& changes, application& served) {
  for (;;) {
    auto const changed = co_await changes.changed();
    if (!changed && changed.error().code == asio::error::operation_aborted)
      co_return;
    served.reload_modules();
    if (!changed && !open_watch(changes))
      co_return;
  }
}

void tell_started(settings const& chosen) {
  systemd::notify_ready();
  auto const ingress = chosen.ingress.socket.string();
  auto const admin = chosen.admin.socket.string();
  if (chosen.starting == start::paused) {
    logger.warning({number::started_paused, "statefund was started paused; it accepts and calls nothing until it is "
                                            "resumed (statefunctl resume --all)"},
                   {{"version", version}, {"ingress", ingress}, {"admin", admin}, {"shards", shards_of(chosen)}});
  } else {
    logger.info({number::ready, "statefund serves"},
                {{"version", version}, {"ingress", ingress}, {"admin", admin}, {"shards", shards_of(chosen)}});
  }
}

asio::awaitable<void> supervise(application& served, settings const& chosen, loops& all, task::gate& tasks,
                                askers& asking, int& exit_code) {
  tell_started(chosen);
  int const signal = co_await asking.stops.wait();
  systemd::notify_stopping();
  logger.info(
      {number::draining, "asked to stop; nothing new is accepted"},
      {{"signal", signal == SIGINT ? "SIGINT" : "SIGTERM"},
       {"drain_timeout_ms", std::chrono::duration_cast<std::chrono::milliseconds>(chosen.drain_timeout).count()}});
  tasks.start(hurry_on_interrupt(asking.stops, served));
  auto const until = deadline::after(chosen.drain_timeout);
  auto const left = co_await served.stop(until);
  std::initializer_list<log::field> const counts{{"messages", left.messages_count},
                                                 {"delayed_messages", left.delayed_count},
                                                 {"egress_records", left.egress_records_count}};
  bool const is_empty = left.messages_count == 0 && left.delayed_count == 0 && left.egress_records_count == 0;
  if (chosen.store.kind == store_kind::memory && !is_empty) {
    exit_code = exit_failure;
    logger.error({number::messages_lost, "the memory store keeps nothing: what was left is lost"}, counts);
  } else {
    logger.info({number::stopped, is_empty ? "stopped as asked" : "stopped as asked; what waits is kept"}, counts);
  }
  asking.cancel();
  all.end();
}

// For the service manager, after each reload.
void tell_modules(result<void> const& end, catalog::snapshot const& in_force) {
  systemd::notify_ready();
  systemd::notify_status(end ? sentence_of(in_force) : sentence_of(in_force) + "; the directory cannot be read");
}

// What was opened before a socket could not be: the other socket's file goes with it.
asio::awaitable<void> close_again(application& served, askers& asking, loops& all) {
  auto const now = deadline::after(clock::steady::duration::zero());
  co_await served.stop(now);
  asking.cancel();
  all.end();
}

asio::awaitable<void> open_and_supervise(application& served, settings const& chosen, loops& all, task::gate& tasks,
                                         askers& asking, std::string const& status, int& exit_code) {
  auto const opened = co_await served.open();
  if (!opened) {
    logger.error({number::socket_unusable, "a socket cannot be opened"}, {{"error", opened.error().detail}});
    exit_code = exit_failure;
    co_await close_again(served, asking, all);
    co_return;
  }
  systemd::notify_status(status);
  tasks.start(reload_on_hangup(asking.hangups, served));
  if (asking.watch_is_open)
    tasks.start(reload_on_change(asking.changes, served));
  co_await supervise(served, chosen, all, tasks, asking, exit_code);
}

int refuse_directory(error const& why) {
  return refuse({to_string(number::modules_directory_missing) + ": " + why.to_string()});
}

int refuse_store(error const& why) {
  logger.error({number_of(why), "the store cannot be opened"}, {{"error", why.to_string()}});
  return exit_failure;
}

void tell_store(settings const& chosen, store::store const& opened) {
  if (chosen.store.kind == store_kind::memory) {
    logger.warning(
        {number::store_keeps_nothing, "the store is in memory: messages and states are lost when the daemon stops"});
    return;
  }
  logger.info({number::store_opened, "the store is open"}, {{"path", chosen.store.path.string()},
                                                            {"order", opened.ordered_so_far().number()},
                                                            {"egresses", opened.accounts().size()},
                                                            {"dead_letters", opened.dead_letters().count.load()}});
  if (auto const lost = what_may_be_lost(chosen); !lost.empty())
    logger.warning(
        {number::store_may_lose, "store.sync is not \"always\": a crash of the machine takes answered messages"},
        {{"what", lost}});
  if (chosen.store.accept_loss)
    logger.warning({number::store_promise_broken, "store.accept_loss is set; it should be for one start only"},
                   {{"accept_loss", *chosen.store.accept_loss}});
}

int serve(settings const& chosen) {
  loops all(shards_of(chosen));
  auto const executors = all.executors();
  askers asking(executors.front(), chosen.modules.string());
  asking.watch_is_open = open_watch(asking.changes); // before the first look, so that no change falls between
  catalog::keeper modules(chosen.modules.string());
  auto const first = modules.load();
  if (!first)
    return refuse_directory(first.error());

  std::signal(SIGPIPE, SIG_IGN); // NOLINT(cert-err33-c): a peer that is gone is an error of the write
  raise_file_limit(chosen);
  start_teller teller;
  auto kept =
      open_store(chosen, end_at_once, [&teller](store::opening_progress const& so_far) { teller.opens(so_far); });
  if (!kept)
    return refuse_store(kept.error());
  tell_store(chosen, **kept);
  log_modules(**first, nullptr, chosen.modules.string());
  application served({chosen, *first, executors, std::move(*kept), end_at_once, [&modules] { return modules.load(); },
                      systemd::notify_reloading, tell_modules, [&teller](std::int64_t count) { teller.loads(count); }});
  log_tls(served.tls(), nullptr);
  int exit_code = 0;
  auto const status = sentence_of(**first);
  task::gate tasks(executors.front());
  tasks.start(open_and_supervise(served, chosen, all, tasks, asking, status, exit_code));
  all.run(served);
  return exit_code;
}

int tell(checked const& judged, output as) {
  if (as == output::json)
    std::fputs(to_json(judged).c_str(), stdout);
  else
    std::fputs(render(judged, colours_of(STDERR_FILENO)).c_str(), stderr);
  if (as == output::human && !judged.has_errors())
    std::fputs(summary(judged).c_str(), stdout);
  return judged.has_errors() ? exit_configuration : 0;
}

// Settings that cannot be used do not say which directory is meant.
int check(settings_result const& configured, output as) {
  checked judged;
  if (configured)
    judged = check_modules(configured->values.modules.string());
  if (!configured)
    judged.settings = configured.error();
  return tell(judged, as);
}

int run(std::span<char const* const> arguments) {
  auto const asked = parse_command_line(arguments);
  if (!asked)
    return refuse(asked.error());
  if (asked->asked == action::help) {
    std::fputs(help_text().c_str(), stdout);
    return 0;
  }
  if (asked->asked == action::version) {
    std::printf("statefund %s\n", std::string(version).c_str());
    return 0;
  }
  auto const configured = load_settings(asked->config, asked->assignments);
  if (asked->asked == action::check)
    return check(configured, asked->as);
  if (!configured)
    return refuse(configured.error());
  if (asked->asked == action::print_config) {
    std::fputs(to_yaml(*configured).c_str(), stdout);
    return 0;
  }
  settings const& chosen = configured->values;
  log::configure({chosen.log.level, chosen.log.format});
  warn_without_effect(*configured);
  return serve(chosen);
}

} // namespace
} // namespace statefund::daemon

int main(int count, char const* const* arguments) {
  return statefund::daemon::run({arguments + 1, static_cast<std::size_t>(count > 0 ? count - 1 : 0)});
}
