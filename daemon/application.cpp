#include "daemon/application.hpp"

#include "clock/wall_jump.hpp"
#include "daemon/remote_functions.hpp"
#include "daemon/report.hpp"
#include "endpoint/remote_function.hpp"
#include "error/number.hpp"
#include "log/log.hpp"
#include "task/event.hpp"
#include "task/gate.hpp"
#include "task/on.hpp"
#include "wire/text_value.hpp"

#include <optional>
#include <random>
#include <string>
#include <utility>

namespace statefund::daemon {

namespace asio = boost::asio;

namespace {

constexpr log::logger logger{"daemon"};
constexpr auto wall_clock_looked_at_every = std::chrono::seconds(5); // as delayed messages do

void log_wall_jump(std::chrono::milliseconds jump, clock::reading const& now) {
  std::string_view const sentence = jump > jump.zero()
                                        ? "the wall clock was set ahead: idempotency keys and states end, and delayed "
                                          "messages are sent, too early by that much"
                                        : "the wall clock was set back: idempotency keys and states end, and delayed "
                                          "messages are sent, too late by that much";
  logger.warning({number::wall_clock_set, sentence}, {{"by_ms", std::chrono::abs(jump).count()},
                                                      {"from_unix_ms", now.wall_ms - jump.count()},
                                                      {"to_unix_ms", now.wall_ms}});
}

ingress::options ingress_options(settings const& chosen) {
  ingress::options made;
  made.socket = chosen.ingress.socket.string();
  made.mode = chosen.ingress.mode;
  made.group = chosen.ingress.group;
  made.allow_uids.assign(chosen.ingress.allow_uids.begin(), chosen.ingress.allow_uids.end());
  made.connections_max = chosen.ingress.connections_max;
  made.message_bytes_max = chosen.ingress.message_bytes_max;
  made.wait_max = chosen.ingress.wait_max;
  return made;
}

admin::options admin_options(settings const& chosen) {
  admin::options made;
  made.socket = chosen.admin.socket.string();
  made.mode = chosen.admin.mode;
  made.group = chosen.admin.group;
  made.listen = chosen.admin.listen;
  made.actions = chosen.admin.actions == admin_actions::allowed ? admin::actions::allowed : admin::actions::refused;
  return made;
}

dispatch::options dispatch_options(settings const& chosen) {
  dispatch::options made;
  made.memory.bytes_max = chosen.limits.buffered_bytes_max;
  made.sync.bytes_max = chosen.limits.unsynced_bytes_max;
  made.unbound_bytes_max = chosen.limits.unbound_bytes_max;
  made.waiting_addresses_max = chosen.limits.waiting_addresses_max;
  made.delayed_max = chosen.limits.delayed_max;
  made.key_window = std::chrono::duration_cast<std::chrono::milliseconds>(chosen.store.idempotency_window);
  made.states_max = chosen.limits.states_max;
  made.calls_in_flight_max = chosen.limits.calls_in_flight_max;
  made.function_types_max = chosen.limits.function_types_max;
  made.egress_queue.bytes_max = chosen.limits.egress_queue_bytes_max;
  made.egress_queues_max = chosen.limits.egress_queues_max;
  made.random_seed = std::random_device{}();
  return made;
}

} // namespace

application::application(parts given)
    : settings_(std::move(given.chosen)),
      modules_(std::move(given.modules)),
      tls_(tls_contexts::load(*modules_, nullptr)),
      executors_(std::move(given.executors)),
      started_at_(clock::steady::now()),
      loads_(std::move(given.loads)),
      names_(std::make_shared<endpoint::resolver>()),
      store_(std::move(given.store)),
      dispatcher_(dispatch_options(settings_),
                  {executors_, store_.get(), declarations_of({modules_, tls_}), std::move(given.store_lost)}),
      reloader_(executors_.front(), reload_steps(std::move(given))),
      ingress_(ingress_places(), ingress_options(settings_)),
      admin_(executors_.front(), *this, dispatcher_, admin_options(settings_)),
      watching_(executors_.front()) {}

application::~application() = default;

// The shards share what this captures, and it never changes.
dispatch::declarations application::declarations_of(loaded_modules const& of) const {
  auto const url_of = [](module::function_spec const& spec, message::function_type const& type) {
    auto const url = spec.endpoint.for_name(type.name);
    if (!url)
      logger.debug("a name does not fit into the endpoint of its namespace",
                   {{"function_type", to_text(type)}, {"error", url.error().to_string()}});
    return url;
  };
  auto const make = [of, url_of, executors = executors_, names = names_](message::function_type const& type,
                                                                         std::size_t shard) -> function::handle {
    auto const* const spec = of.snapshot->find(type);
    if (!spec)
      return nullptr;
    auto const url = url_of(*spec, type);
    if (!url)
      return nullptr;
    auto options = endpoint_options(*spec, *url, type, shard, executors.size());
    if (url->is_tls())
      options.tls = of.tls->options_of(*spec, *url);
    return std::make_shared<endpoint::remote_function>(executors[shard], names, std::move(options));
  };
  auto const is_declared = [modules = of.snapshot](message::egress_id const& egress) {
    return modules->find(egress) != nullptr;
  };
  auto const text_type_name = [modules = of.snapshot,
                               url_of](message::function_type const& type) -> std::optional<std::string> {
    auto const* const spec = modules->find(type);
    if (!spec || !url_of(*spec, type))
      return std::nullopt;
    return std::string(wire::text_type(generation_of(*spec)));
  };
  return {make, is_declared, text_type_name};
}

reloader::steps application::reload_steps(parts&& given) {
  auto load = [this, load_modules = std::move(given.load_modules)]() -> result<loaded_modules> {
    auto next = load_modules();
    if (!next)
      return next.error();
    auto tls = tls_contexts::load(**next, tls_.get()); // tls_ stays what it is during a load
    return loaded_modules{std::move(*next), std::move(tls)};
  };
  return {std::move(load), [this](loaded_modules next) { return apply(std::move(next)); },
          std::move(given.reload_begins),
          [this, told = std::move(given.reload_ended)](result<void> const& end) {
            ++reloads_by_result_[!end ? "failed" : modules_->errors().empty() ? "loaded" : "refused"];
            if (!end)
              logger.error({number::reload_failed, "the modules cannot be read again; what was in force stays"},
                           {{"error", end.error().to_string()}});
            directory_was_unread_ = !end;
            told(end, *modules_);
          }};
}

asio::awaitable<void> application::apply(loaded_modules next) {
  loaded_modules const before{modules_, tls_};
  auto const keeps = [before, next](message::function_type const& type) {
    auto const* const had = before.snapshot->find(type);
    auto const* const has = next.snapshot->find(type);
    return had && has ? calls_alike(*had, *before.tls, *has, *next.tls) : had == has;
  };
  auto applied = dispatcher_.apply(declarations_of(next), keeps);
  co_await std::move(applied);
  modules_ = std::move(next.snapshot);
  tls_ = std::move(next.tls);
  log_modules(*modules_, directory_was_unread_ ? nullptr : before.snapshot.get(), settings_.modules.string());
  log_tls(*tls_, before.tls.get());
}

asio::awaitable<std::optional<admin::reload_report>> application::reload() {
  auto const end = co_await reloader_.reload();
  if (!end)
    co_return std::nullopt;
  co_return reload_report_of(*end, *modules_);
}

asio::awaitable<result<store::backup_report>> application::back_up(std::string directory) {
  return store_->back_up(std::move(directory));
}

std::vector<ingress::place> application::ingress_places() {
  std::vector<ingress::place> places;
  for (std::size_t i = 0; i < executors_.size(); ++i)
    places.push_back({executors_[i], &dispatcher_.at(i)});
  return places;
}

asio::awaitable<void> application::watch_wall_clock(asio::any_io_executor executor) {
  task::event never(executor);
  auto before = clock::read_both();
  for (auto end = task::wait_end::deadline_reached; end != task::wait_end::cancelled;) {
    auto const next_look = clock::deadline::after(wall_clock_looked_at_every);
    end = co_await never.wait(next_look);
    auto const now = clock::read_both();
    if (auto const jump = clock::wall_jump(before, now); jump != jump.zero())
      log_wall_jump(jump, now);
    before = now;
  }
}

asio::awaitable<void> application::tell_loading() {
  task::event never(executors_.front());
  for (;;) {
    auto const next = clock::deadline::after(std::chrono::seconds(1));
    auto const end = co_await never.wait(next);
    if (end == task::wait_end::cancelled)
      co_return;
    loads_(dispatcher_.counts().pending_messages_count.load());
  }
}

asio::awaitable<result<void>> application::open() {
  task::gate telling(executors_.front());
  telling.start(tell_loading());
  auto const recovered = co_await dispatcher_.recover();
  telling.cancel();
  co_await telling.close();
  if (!recovered) {
    dispatcher_.store_lost(recovered.error());
    co_return recovered.error();
  }
  if (auto const opened = admin_.open(); !opened)
    co_return opened.error();
  if (settings_.starting == start::paused) {
    dispatcher_.start_paused();
  } else {
    dispatcher_.start();
    dispatcher_.serve();
  }
  watching_.start(watch_wall_clock(executors_.front()));
  co_return ingress_.open();
}

asio::awaitable<void> application::close_doors(task::event& closed) {
  co_await ingress_.close();
  co_await admin_.close();
  closed.notify_all();
}

asio::awaitable<dispatch::leftovers> application::stop(clock::deadline until) {
  co_await reloader_.close();
  watching_.cancel();
  co_await watching_.close();
  // The doors stay open meanwhile: senders are told, and egresses can be read.
  auto const left = co_await dispatcher_.drain(until);
  task::event closed(executors_.front());
  task::gate closing(executors_.front());
  closing.start(close_doors(closed));
  auto const answers_by = clock::deadline::after(answers_max);
  auto const end = co_await closed.wait(answers_by);
  if (end != task::wait_end::notified) {
    ingress_.cancel();
    admin_.cancel();
  }
  co_await closing.close();
  auto const kept = co_await store_->durable(store_->ordered_so_far());
  if (!kept)
    dispatcher_.store_lost(kept.error());
  co_return left;
}

void application::hurry() {
  dispatcher_.hurry();
  ingress_.cancel();
  admin_.cancel();
}

bool application::is_about_to_answer() const noexcept {
  auto const count = store_->waiting_count();
  return count > 0 && count <= 4; // of more, some keep the loops awake
}

std::optional<dispatch::refusal> application::not_ready() {
  if (auto refused = dispatch::refusal_in(dispatcher_.state()))
    return refused;
  return dispatch::refusal_for_space(*store_);
}

asio::awaitable<admin::status> application::status() {
  auto const shards = co_await dispatcher_.status();
  daemon_facts const facts{
      settings_, *modules_, dispatcher_, *store_, started_at_, ingress_.connections_count(), reloads_by_result_};
  co_return status_report(facts, shards);
}

namespace {

asio::awaitable<void> count_answers(ingress::door const& door, std::size_t place,
                                    std::map<unsigned, std::uint64_t>& into) {
  for (unsigned status = 200; status < 600; ++status)
    if (auto const count = door.answers_count(place, status); count > 0)
      into[status] += count;
  co_return;
}

} // namespace

asio::awaitable<admin::metrics> application::metrics() {
  auto const shards = co_await dispatcher_.status();
  daemon_facts const facts{
      settings_, *modules_, dispatcher_, *store_, started_at_, ingress_.connections_count(), reloads_by_result_};
  auto report = metrics_report(facts, shards);
  for (std::size_t place = 0; place < executors_.size(); ++place)
    co_await task::on(executors_[place], count_answers(ingress_, place, report.ingress_requests_by_status));
  co_return report;
}

} // namespace statefund::daemon
