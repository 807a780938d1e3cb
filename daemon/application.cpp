#include "daemon/application.hpp"

#include "daemon/remote_functions.hpp"
#include "daemon/report.hpp"
#include "endpoint/remote_function.hpp"
#include "error/number.hpp"
#include "log/log.hpp"
#include "task/event.hpp"
#include "task/gate.hpp"
#include "task/on.hpp"

#include <utility>

namespace statefund::daemon {

namespace asio = boost::asio;

namespace {

constexpr log::logger logger{"daemon"};

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
  return made;
}

dispatch::options dispatch_options(settings const& chosen, std::shared_ptr<catalog::snapshot const> const& modules) {
  dispatch::options made;
  made.buffered_bytes_max = chosen.limits.buffered_bytes_max;
  made.delayed_max = chosen.limits.delayed_max;
  made.states_max = chosen.limits.states_max;
  made.calls_in_flight_max = chosen.limits.calls_in_flight_max;
  made.function_types_max = chosen.limits.function_types_max;
  made.egress_queue.bytes_max = chosen.limits.egress_queue_bytes_max;
  made.is_declared_egress = [modules](message::egress_id const& egress) { return modules->find(egress) != nullptr; };
  return made;
}

} // namespace

application::application(settings chosen, std::shared_ptr<catalog::snapshot const> modules,
                         std::vector<asio::any_io_executor> executors, std::function<void(error const&)> store_lost)
    : settings_(std::move(chosen)),
      modules_(std::move(modules)),
      executors_(std::move(executors)),
      started_at_(clock::steady::now()),
      names_(std::make_shared<endpoint::resolver>()),
      dispatcher_(dispatch_options(settings_, modules_),
                  {executors_, &store_,
                   [this](message::function_type const& type, std::size_t shard) { return make_function(type, shard); },
                   std::move(store_lost)}),
      ingress_(ingress_places(), ingress_options(settings_)),
      admin_(executors_.front(), *this, admin_options(settings_)) {}

application::~application() = default;

function::handle application::make_function(message::function_type const& type, std::size_t shard) {
  auto const* const spec = modules_->find(type);
  if (!spec)
    return nullptr;
  auto const url = spec->endpoint.for_name(type.name);
  if (!url) {
    logger.debug("a name does not fit into the endpoint of its namespace",
                 {{"function_type", to_text(type)}, {"error", url.error().to_string()}});
    return nullptr;
  }
  if (url->is_tls()) { // never in plain HTTP instead
    logger.debug("the endpoint of a function is behind TLS, which does not run yet",
                 {{"function_type", to_text(type)}, {"endpoint", to_string(*url)}});
    return nullptr;
  }
  return std::make_shared<endpoint::remote_function>(executors_[shard], names_,
                                                     endpoint_options(*spec, *url, type, shard, executors_.size()));
}

std::vector<ingress::place> application::ingress_places() {
  std::vector<ingress::place> places;
  for (std::size_t i = 0; i < executors_.size(); ++i)
    places.push_back({executors_[i], &dispatcher_.at(i)});
  return places;
}

result<void> application::open() {
  if (auto const opened = admin_.open(); !opened)
    return opened.error();
  dispatcher_.start();
  dispatcher_.serve();
  return ingress_.open();
}

asio::awaitable<void> application::close_doors(task::event& closed) {
  co_await ingress_.close();
  co_await admin_.close();
  closed.notify_all();
}

asio::awaitable<dispatch::leftovers> application::stop(clock::deadline until) {
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
  co_return left;
}

void application::hurry() {
  dispatcher_.hurry();
  ingress_.cancel();
  admin_.cancel();
}

std::optional<std::string> application::not_ready() {
  auto const refused = dispatch::refusal_in(dispatcher_.state());
  return refused ? std::optional(refused->detail) : std::nullopt;
}

asio::awaitable<admin::status> application::status() {
  auto const shards = co_await dispatcher_.status();
  daemon_facts const facts{settings_, *modules_, dispatcher_, store_, started_at_, ingress_.connections_count()};
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
  daemon_facts const facts{settings_, *modules_, dispatcher_, store_, started_at_, ingress_.connections_count()};
  auto report = metrics_report(facts, shards);
  for (std::size_t place = 0; place < executors_.size(); ++place)
    co_await task::on(executors_[place], count_answers(ingress_, place, report.ingress_requests_by_status));
  co_return report;
}

} // namespace statefund::daemon
