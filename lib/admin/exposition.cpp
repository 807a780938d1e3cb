#include "admin/exposition.hpp"

#include "error/ensure.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>
#include <sstream>

namespace statefund::admin {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using labels = std::vector<ClientMetric::Label>;

class families {
 public:
  // The family that values are added to until the next call.
  families& named(char const* name, MetricType type, char const* help) {
    // One without values would be a name that nobody can read anything from.
    if (!all_.empty() && all_.back().metric.empty())
      all_.pop_back();
    MetricFamily& made = all_.emplace_back();
    made.name = name;
    made.type = type;
    made.help = help;
    return *this;
  }

  void add(labels with, double value) {
    MetricFamily& to = all_.back();
    ClientMetric& one = to.metric.emplace_back();
    one.label = std::move(with);
    if (to.type == MetricType::Counter)
      one.counter.value = value;
    else
      one.gauge.value = value;
  }
  void add(labels with, std::uint64_t value) { add(std::move(with), static_cast<double>(value)); }

  void add(labels with, histogram const& from) {
    if (from.counts.empty())
      return;
    ensure(from.counts.size() == from.upper_bounds.size() + 1, "a histogram counts what is above its last bound");
    ClientMetric& one = all_.back().metric.emplace_back();
    one.label = std::move(with);
    std::uint64_t so_far = 0;
    for (std::size_t i = 0; i < from.counts.size(); ++i) {
      so_far += from.counts[i];
      bool const last = i == from.upper_bounds.size();
      one.histogram.bucket.push_back({so_far, last ? std::numeric_limits<double>::infinity() : from.upper_bounds[i]});
    }
    one.histogram.sample_count = so_far;
    one.histogram.sample_sum = from.sum;
  }

  std::string text() {
    if (!all_.empty() && all_.back().metric.empty())
      all_.pop_back();
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, all_);
    return out.str();
  }

 private:
  std::vector<MetricFamily> all_;
};

labels labels_of(message::function_type const& type) {
  return {{"namespace", type.name_space}, {"type", type.name}};
}

labels labels_of(message::function_type const& type, char const* name, std::string const& value) {
  labels with = labels_of(type);
  with.push_back({name, value});
  return with;
}

} // namespace

void histogram::merge(histogram const& other) {
  if (counts.empty()) {
    *this = other;
    return;
  }
  if (other.counts.empty())
    return;
  ensure(upper_bounds == other.upper_bounds, "merged histograms have the same bounds");
  for (std::size_t i = 0; i < counts.size(); ++i)
    counts[i] += other.counts[i];
  sum += other.sum;
}

std::string exposition(metrics const& snapshot) {
  families out;
  auto const each_function = [&](char const* name, MetricType type, char const* help, auto member) {
    out.named(name, type, help);
    for (function_metrics const& one : snapshot.functions)
      out.add(labels_of(one.type), one.*member);
  };
  auto const counter = MetricType::Counter;
  auto const gauge = MetricType::Gauge;
  each_function("statefun_function_in_total", counter, "Messages that reached a mailbox", &function_metrics::in_count);
  each_function("statefun_function_out_local_total", counter, "Messages sent to functions",
                &function_metrics::out_local_count);
  out.named("statefun_function_out_remote_total", counter, "Messages sent to other machines");
  for (function_metrics const& one : snapshot.functions)
    out.add(labels_of(one.type), 0.0);
  each_function("statefun_function_out_egress_total", counter, "Records sent to egresses",
                &function_metrics::out_egress_count);
  each_function("statefun_function_inflight_async_ops", gauge, "Calls in flight",
                &function_metrics::calls_in_flight_count);
  each_function("statefun_function_num_backlog", gauge, "Messages waiting in mailboxes",
                &function_metrics::backlog_count);
  each_function("statefun_function_num_blocked_address", gauge, "Addresses that take no more messages from outside",
                &function_metrics::blocked_addresses_count);
  each_function("statefun_function_paused_addresses", gauge, "Addresses that wait for an operator",
                &function_metrics::paused_addresses_count);
  each_function("statefun_function_held_addresses", gauge, "Addresses that wait for room for what they send",
                &function_metrics::held_addresses_count);
  each_function("statefun_function_dead_letters_total", counter, "Messages that were set aside",
                &function_metrics::dead_letters_count);
  each_function("statefun_function_skipped_total", counter, "Messages that were dropped",
                &function_metrics::skipped_count);
  each_function("statefun_mailbox_oldest_seconds", gauge, "Age of the oldest waiting message",
                &function_metrics::mailbox_oldest_seconds);
  each_function("statefun_function_remote_invocation_latency_seconds", MetricType::Histogram, "Time of an attempt",
                &function_metrics::attempt_seconds);
  each_function("statefun_function_batch_size", MetricType::Histogram, "Messages of a call",
                &function_metrics::batch_messages);
  out.named("statefun_function_remote_invocation_failures_total", counter, "Attempts that failed");
  for (function_metrics const& one : snapshot.functions)
    for (auto const& [reason, count] : one.attempt_failures_by_reason)
      out.add(labels_of(one.type, "reason", reason), count);
  out.named("statefun_function_calls_total", counter, "Calls that ended");
  for (function_metrics const& one : snapshot.functions)
    for (auto const& [outcome, count] : one.calls_by_outcome)
      out.add(labels_of(one.type, "outcome", outcome), count);

  out.named("statefun_buffered_bytes", gauge, "Bytes of messages and bodies in memory")
      .add({}, snapshot.buffered_bytes);
  out.named("statefun_buffered_bytes_max", gauge, "The memory mark").add({}, snapshot.buffered_bytes_max);
  out.named("statefun_unsynced_bytes", gauge, "Bytes of changes that are not durable yet")
      .add({}, snapshot.unsynced_bytes);
  out.named("statefun_delayed_pending", gauge, "Delayed messages that are not due")
      .add({}, snapshot.delayed_pending_count);
  out.named("statefun_delayed_lateness_seconds", MetricType::Histogram, "How late delayed messages were sent")
      .add({}, snapshot.delayed_lateness_seconds);
  out.named("statefun_commit_seconds", MetricType::Histogram, "From a change's order to its durability")
      .add({}, snapshot.commit_seconds);
  out.named("statefun_commit_changes", MetricType::Histogram, "Changes that were made durable together")
      .add({}, snapshot.commit_changes);
  out.named("statefun_sync_seconds", MetricType::Histogram, "Time of a write with its sync")
      .add({}, snapshot.sync_seconds);
  out.named("statefun_store_written_bytes_total", counter, "Bytes that the store wrote");
  for (auto const& [part, bytes] : snapshot.store_written_bytes_by_part)
    out.add({{"part", part}}, bytes);
  out.named("statefun_egress_queue_bytes", gauge, "Bytes in an egress queue");
  for (auto const& [egress, bytes] : snapshot.egress_queue_bytes)
    out.add({{"egress", egress}}, bytes);
  out.named("statefun_ingress_requests_total", counter, "Requests answered at the ingress socket");
  for (auto const& [status, count] : snapshot.ingress_requests_by_status)
    out.add({{"code", std::to_string(status)}}, count);
  out.named("statefun_pool_connections", gauge, "Connections to endpoints");
  for (auto const& [state, count] : snapshot.pool_connections_by_state)
    out.add({{"state", state}}, count);
  out.named("statefun_modules_generation", gauge, "The snapshot of modules in force")
      .add({}, snapshot.modules_generation);
  out.named("statefun_reloads_total", counter, "Reloads of the module directory");
  for (auto const& [result, count] : snapshot.reloads_by_result)
    out.add({{"result", result}}, count);
  out.named("statefun_module_files", gauge, "Module files of the directory");
  for (auto const& [state, count] : snapshot.module_files_by_state)
    out.add({{"state", state}}, count);
  out.named("statefun_build_info", gauge, "What runs").add({{"version", snapshot.version}}, 1.0);
  return out.text();
}

} // namespace statefund::admin
