#include "daemon/report.hpp"

#include "daemon/open_store.hpp"
#include "daemon/version.hpp"
#include "error/number.hpp"
#include "log/log.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string>

namespace statefund::daemon {
namespace {

using dispatch::serving_state;

constexpr log::logger logger{"daemon"};

std::string_view name_of(serving_state state) {
  switch (state) {
  case serving_state::starting:
    return "starting";
  case serving_state::serving:
    return "ready";
  case serving_state::paused:
    return "paused";
  case serving_state::draining:
    return "draining";
  case serving_state::stopping:
    return "stopping";
  }
  return "unknown";
}

template <std::size_t Count>
admin::histogram shown(dispatch::histogram<Count> const& counted, std::array<double, Count> const& bounds) {
  return {{bounds.begin(), bounds.end()}, {counted.counts.begin(), counted.counts.end()}, counted.sum};
}

std::vector<admin::diagnostic> shown(module::diagnostics const& found) {
  std::vector<admin::diagnostic> all;
  for (auto const& each : found)
    all.push_back({each.where.file, each.where.line, each.where.column, each.message, each.hint});
  return all;
}

std::vector<admin::module_status> module_statuses(catalog::snapshot const& modules) {
  std::vector<admin::module_status> all;
  for (auto const& file : modules.files())
    all.push_back({file.path, std::string(to_string(file.state)), shown(file.errors)});
  return all;
}

std::vector<admin::not_running> not_running_in(catalog::snapshot const& modules) {
  std::vector<admin::not_running> all;
  for (auto const& each : modules.not_running())
    all.push_back({each.what, to_string(each.where), each.why});
  return all;
}

// A lane's shards put together. The newest failure of a type is shown while any of its addresses has failed last.
void add(dispatch::lane_status const& lane, std::int64_t& failed_at_ms, admin::function_status& into) {
  into.backlog_count += lane.waiting_messages_count;
  into.addresses_count += lane.addresses_count;
  into.calls_in_flight_count += lane.in_flight_count;
  into.addresses_in_backoff_count += lane.backing_off_count;
  into.addresses_held_count += lane.held_count;
  into.addresses_paused_count += lane.paused_count;
  if (lane.paused)
    into.paused = lane.paused;
  bool const has_failed = lane.failing_count > 0 || lane.not_reached_count > 0;
  bool const tries_again = lane.attempts.calls_retrying_count > 0;
  if (!has_failed && !tries_again)
    return;
  if (!into.last_failure)
    into.last_failure.emplace();
  auto& failure = *into.last_failure;
  failure.attempts_count =
      std::max<std::uint64_t>({failure.attempts_count, lane.failures_count_max, lane.not_reached_count, 1,
                               tries_again ? lane.attempts.last_failed_attempt : 0});
  if (has_failed && lane.last_error_at_ms >= failed_at_ms) {
    failed_at_ms = lane.last_error_at_ms;
    failure.error = lane.last_error;
  }
  if (tries_again && lane.attempts.last_error_at_ms >= failed_at_ms) {
    failed_at_ms = lane.attempts.last_error_at_ms;
    failure.error = lane.attempts.last_error;
  }
  if (lane.next_attempt_ms >= 0) {
    auto const at = clock::unix_ms() + lane.next_attempt_ms;
    failure.next_attempt_unix_ms = std::min(failure.next_attempt_unix_ms.value_or(at), at);
  }
}

std::vector<admin::function_status> function_statuses(catalog::snapshot const& modules,
                                                      std::vector<dispatch::shard_status> const& shards) {
  std::map<message::function_type, admin::function_status> by_type;
  std::map<message::function_type, std::int64_t> failed_at_ms;
  for (auto const* spec : modules.functions()) // declared and not yet called
    if (spec->functions.is_exact())
      by_type[{spec->functions.name_space, *spec->functions.name}];
  for (auto const& shard : shards)
    for (auto const& lane : shard.lanes)
      add(lane, failed_at_ms[lane.type], by_type[lane.type]);

  std::vector<admin::function_status> all;
  for (auto& [type, own] : by_type) {
    own.type = type;
    if (auto const* const spec = modules.find(type)) {
      own.generation = to_string(spec->speaks);
      own.endpoint = to_string(spec->endpoint.url);
      own.file = spec->where.file;
    }
    all.push_back(std::move(own));
  }
  return all;
}

} // namespace

admin::status status_report(daemon_facts const& facts, std::vector<dispatch::shard_status> const& shards) {
  admin::status seen;
  auto const& counts = facts.dispatcher.counts();
  seen.version = version;
  seen.state = name_of(facts.dispatcher.state());
  seen.uptime = std::chrono::duration_cast<std::chrono::seconds>(clock::steady::now() - facts.started_at);
  seen.shards_count = static_cast<std::uint32_t>(facts.dispatcher.shards_count());
  seen.partitions_count = facts.store.partition_count();
  seen.store_kind = facts.chosen.store.kind == store_kind::memory ? "memory" : "rocksdb";
  seen.store_may_lose = what_may_be_lost(facts.chosen);
  if (auto const lack = facts.store.lacks_space())
    seen.store_lacks_space = lack->to_string();
  seen.unsynced_bytes = facts.store.unsynced().bytes;
  seen.buffered_bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(0, counts.buffered_bytes));
  seen.buffered_bytes_max = facts.chosen.limits.buffered_bytes_max;
  seen.delayed_pending_count = static_cast<std::uint64_t>(std::max<std::int64_t>(0, counts.delayed_count));
  seen.ingress_connections_count = facts.ingress_connections_count;
  seen.modules_generation = facts.modules.generation();
  seen.modules = module_statuses(facts.modules);
  seen.declared_not_running = not_running_in(facts.modules);
  seen.functions = function_statuses(facts.modules, shards);

  std::map<mailbox::held_for, std::uint64_t> held;
  for (auto const& shard : shards)
    for (auto const& [what, count] : shard.held)
      held[what] += count;
  for (auto const& [what, count] : held)
    seen.held.push_back({to_text(what), count});
  std::map<message::egress_id, admin::egress_status> egresses;
  for (auto const* spec : facts.modules.egresses())
    egresses[spec->id].id = spec->id;
  for (auto const& [id, account] : facts.store.accounts()) {
    auto& own = egresses[id];
    own.id = id;
    own.records_count = account->records_count;
    own.bytes = account->bytes;
  }
  for (auto& [id, own] : egresses) {
    own.kind = "queue";
    own.addresses_held_count = held[mailbox::egress_room{id}];
    seen.egresses.push_back(std::move(own));
  }
  return seen;
}

admin::metrics metrics_report(daemon_facts const& facts, std::vector<dispatch::shard_status> const& shards) {
  admin::metrics seen;
  seen.version = version;
  seen.modules_generation = facts.modules.generation();
  seen.reloads_by_result = facts.reloads_by_result;
  for (auto const& file : facts.modules.files())
    ++seen.module_files_by_state[std::string(to_string(file.state))];
  seen.buffered_bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(0, facts.dispatcher.counts().buffered_bytes));
  seen.buffered_bytes_max = facts.chosen.limits.buffered_bytes_max;
  seen.unsynced_bytes = facts.store.unsynced().bytes;
  seen.delayed_pending_count =
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, facts.dispatcher.counts().delayed_count));
  if (auto const work = facts.store.work()) {
    auto const as_shown = [](store::distribution const& one) {
      return admin::histogram{one.upper_bounds, one.counts, one.sum};
    };
    seen.commit_seconds = as_shown(work->commit_seconds);
    seen.commit_changes = as_shown(work->commit_changes);
    seen.sync_seconds = as_shown(work->sync_seconds);
    seen.store_written_bytes_by_part = {
        {"log", work->log_bytes}, {"flush", work->flush_bytes}, {"compaction", work->compaction_bytes}};
  }
  for (auto const& [id, account] : facts.store.accounts())
    seen.egress_queue_bytes[to_text(id)] = account->bytes;

  std::map<message::function_type, admin::function_metrics> by_type;
  for (auto const& shard : shards) {
    seen.delayed_lateness_seconds.merge(shown(shard.delayed_lateness_seconds, dispatch::lateness_seconds_bounds));
    for (auto const& lane : shard.lanes) {
      auto& own = by_type[lane.type];
      own.type = lane.type;
      own.in_count += lane.counters.in_total;
      own.out_local_count += lane.counters.out_local_total;
      own.out_egress_count += lane.counters.out_egress_total;
      own.calls_in_flight_count += lane.in_flight_count;
      own.backlog_count += lane.waiting_messages_count;
      own.blocked_addresses_count += lane.shut_count;
      own.held_addresses_count += lane.held_count;
      own.paused_addresses_count += lane.paused_count;
      own.dead_letters_count += lane.counters.dead_letters_total;
      own.skipped_count += lane.counters.skipped_total;
      own.calls_by_outcome["done"] += lane.counters.calls_succeeded_total;
      own.calls_by_outcome["failed"] += lane.counters.calls_failed_total;
      for (auto const& [reason, count] : lane.attempts.failures_by_reason)
        own.attempt_failures_by_reason[reason] += count;
      auto const& attempts = lane.attempts;
      own.attempt_seconds.merge({{attempts.seconds_bounds.begin(), attempts.seconds_bounds.end()},
                                 {attempts.seconds_counts.begin(), attempts.seconds_counts.end()},
                                 attempts.seconds_sum});
      own.batch_messages.merge(shown(lane.counters.batch_size, dispatch::batch_size_bounds));
      own.mailbox_oldest_seconds = std::max(own.mailbox_oldest_seconds, lane.oldest_seconds);
      seen.pool_connections_by_state["idle"] += lane.attempts.connections_idle_count;
      seen.pool_connections_by_state["busy"] += lane.attempts.connections_busy_count;
    }
  }
  for (auto& [type, own] : by_type)
    seen.functions.push_back(std::move(own));
  return seen;
}

admin::reload_report reload_report_of(result<void> const& end, catalog::snapshot const& in_force) {
  admin::reload_report report{
      in_force.generation(), in_force.files().size(), in_force.functions().size(), shown(in_force.errors()), {}};
  if (!end)
    report.failure = end.error().to_string();
  return report;
}

std::string sentence_of(catalog::snapshot const& in_force) {
  auto const counted = [](std::size_t count, char const* what) {
    return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s");
  };
  std::string broken;
  for (auto const& file : in_force.files())
    if (file.state != catalog::file_state::loaded)
      broken +=
          (broken.empty() ? "; with errors: " : ", ") + file.path + " (" + std::string(to_string(file.state)) + ')';
  return counted(in_force.functions().size(), "function") + " from " + counted(in_force.files().size(), "module file") +
         broken;
}

void log_modules(catalog::snapshot const& in_force, catalog::snapshot const* before, std::string const& directory) {
  auto const was_told = [before](auto const& each, auto const& of) {
    return before != nullptr && std::find(of.begin(), of.end(), each) != of.end();
  };
  auto const told = before ? before->errors() : module::diagnostics{};
  for (auto const& file : in_force.files())
    for (auto const& wrong : file.errors)
      if (!was_told(wrong, told))
        logger.error({number::module_invalid, file.state == catalog::file_state::kept
                                                  ? "a module file has an error; its last good version stays in force"
                                                  : "a module file is left out"},
                     {{"error", to_string(wrong)}});
  auto const had_before = before ? before->not_running() : std::vector<module::not_running>{};
  for (auto const& each : in_force.not_running())
    if (!was_told(each, had_before))
      logger.warning({number::declared_not_running, "a module declares what this version does not run"},
                     {{"what", each.what}, {"where", to_string(each.where)}, {"why", each.why}});
  auto const are_alike = [](auto const& left, auto const& right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](auto const* one, auto const* other) { return *one == *other; });
  };
  bool const is_same = before && in_force.errors() == told && in_force.files().size() == before->files().size() &&
                       are_alike(in_force.functions(), before->functions()) &&
                       are_alike(in_force.egresses(), before->egresses());
  if (is_same)
    logger.debug("the modules were read again and are the same", {{"generation", in_force.generation()}});
  else if (in_force.files().empty())
    logger.warning({number::modules_loaded, "the module directory holds no module file"}, {{"directory", directory}});
  else
    logger.info({number::modules_loaded, "modules are in force"}, {{"directory", directory},
                                                                   {"files", in_force.files().size()},
                                                                   {"functions", in_force.functions().size()},
                                                                   {"generation", in_force.generation()}});
}

void log_tls(tls_contexts const& in_force, tls_contexts const* before) {
  auto const told = before ? before->findings() : std::vector<tls_finding>{};
  for (auto const& found : in_force.findings()) {
    if (std::find(told.begin(), told.end(), found) != told.end())
      continue;
    auto const& [where, problem] = found;
    if (problem.severity == endpoint::tls_severity::error)
      logger.error({number::tls_files_unusable, "the TLS files of a function cannot be used"},
                   {{"place", to_string(where)}, {"error", problem.text}});
    else
      logger.warning({number::tls_files_expiring, "a certificate among the TLS files of a function expires"},
                     {{"place", to_string(where)}, {"error", problem.text}});
  }
}

} // namespace statefund::daemon
