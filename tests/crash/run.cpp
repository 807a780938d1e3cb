#include "crash/run.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <stdexcept>

namespace statefund::crash {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t at_once_max = 6;
constexpr std::size_t tables_min = 12;
constexpr std::size_t changes_max = 5000;

store::rocks_store_options options_of(place const& at, rocksdb::Env& environment, run_options const& chosen) {
  store::rocks_store_options options;
  options.database.directory = chosen.directory.empty() ? at.directory() : chosen.directory;
  options.database.partition_count = 4;
  options.database.accept_loss = chosen.accept_loss;
  options.database.log_bytes_max = chosen.log_bytes_max;
  options.database.environment = &environment;
  options.sync = chosen.sync;
  options.cache_bytes_max = chosen.cache_bytes_max;
  return options;
}

std::size_t tables_made(std::vector<disk_step> const& steps) {
  return static_cast<std::size_t>(std::count_if(steps.begin(), steps.end(), [](disk_step const& step) {
    return step.verb == step_verb::create && step.kind() == file_kind::table;
  }));
}

asio::awaitable<void> wait_for(store::store& of, store::ticket ordered, bool& kept) {
  auto const durable = co_await of.durable(ordered);
  kept = durable.has_value();
}

asio::awaitable<void> read_into(store::store& from, std::optional<result<contents>>& into) {
  auto all = co_await read_all(from);
  into.emplace(std::move(all));
}

} // namespace

process::process(place& at, disk_image before, run_options const& chosen)
    : disk_(std::make_shared<faulty_disk>(std::move(before))),
      environment_(make_environment(disk_)) {
  at.loop.time().advance(1s);
  if (chosen.fails)
    disk_->fail(*chosen.fails);
  if (chosen.fails_read)
    disk_->fail_read(*chosen.fails_read);
  auto opened =
      store::rocks_store::open(options_of(at, *environment_, chosen), [this](error const&) { ++lost_count_; });
  if (opened)
    store_ = std::move(*opened);
  else
    refused_ = opened.error();
}

process::~process() {
  disk_->heal();
}

disk_image process::stop() {
  store_.reset();
  return disk_->image();
}

std::uint64_t history::promised_at(std::size_t steps_count) const {
  std::uint64_t number = 0;
  for (auto const& one : promised)
    if (one.steps_count <= steps_count)
      number = std::max(number, one.number);
  return number;
}

void commit(place& at, process& by, history& into, std::size_t changes_count, std::mt19937_64& chance,
            std::function<void(message::change const&, contents const& now)> const& see) {
  auto now = into.ordered.after(into.ordered.size());
  for (std::size_t left = changes_count; left > 0;) {
    auto const lot = std::min<std::size_t>(left, 1 + chance() % at_once_max);
    store::ticket last;
    for (std::size_t i = 0; i < lot; ++i) {
      auto const next = next_change(now, chance);
      last = by.store().commit(next);
      into.ordered.add(next, last.number());
      now.apply(next, last.number());
      if (see)
        see(next, now);
    }
    left -= lot;
    bool kept = false;
    at.loop.run(wait_for(by.store(), last, kept));
    if (!kept)
      return;
    into.promised.push_back({by.disk().steps_count(), into.ordered.last_number(into.ordered.size())});
  }
}

history run(place& at, disk_image before, std::size_t changes_count, std::uint64_t seed, run_options const& chosen) {
  history all;
  all.before = std::move(before);
  process own(at, all.before, chosen);
  if (!own.is_open())
    throw std::runtime_error(own.refused().to_string());
  std::mt19937_64 chance(seed);
  commit(at, own, all, changes_count, chance);
  // RocksDB's threads take their time.
  while (tables_made(own.disk().steps()) < tables_min && all.ordered.size() < changes_max)
    commit(at, own, all, at_once_max, chance);
  all.steps = own.disk().steps();
  return all;
}

survivors survivors_of(place& at, process& opened, order const& ordered, std::uint64_t promised,
                       std::optional<std::uint64_t> accepted) {
  if (!opened.is_open())
    return {0, "it is refused: " + opened.refused().to_string()};
  auto const last = accepted.value_or(opened.store().ordered_so_far().number());
  auto const count = ordered.count_through(last);
  if (!count)
    return {0, "it ends within a change"};
  if (last < promised)
    return {*count, "of " + std::to_string(ordered.size()) + " changes " + std::to_string(*count) +
                        " are there, and more were promised"};
  std::optional<result<contents>> all;
  at.loop.run(read_into(opened.store(), all));
  if (!*all)
    return {*count, "it cannot be read: " + all->error().to_string()};
  auto const differs = difference(**all, ordered.after(*count));
  return {*count, differs.empty() ? "" : "after " + std::to_string(*count) + " changes these differ: " + differs};
}

std::size_t stride(std::size_t total, std::size_t count) {
  return std::getenv("STATEFUND_CRASH_ALL") ? 1 : std::max<std::size_t>(1, total / count);
}

} // namespace statefund::crash
