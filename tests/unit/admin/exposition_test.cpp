#include "admin/exposition.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <sstream>

using namespace statefund;

namespace {

std::set<std::string> lines_of(std::string const& text) {
  std::istringstream in(text);
  std::set<std::string> lines;
  for (std::string line; std::getline(in, line);)
    lines.insert(line);
  return lines;
}

admin::metrics everything() {
  admin::histogram const some{{0.1, 1}, {2, 3, 1}, 4.5};
  admin::function_metrics one;
  one.type = {"a\"b", "c"};
  one.in_count = 5;
  one.out_local_count = 4;
  one.out_egress_count = 3;
  one.calls_in_flight_count = 2;
  one.backlog_count = 1;
  one.calls_by_outcome = {{"done", 7}};
  one.attempt_failures_by_reason = {{"connect", 9}};
  one.attempt_seconds = some;
  one.batch_messages = some;
  one.mailbox_oldest_seconds = 1.5;
  one.paused_addresses_count = 17;
  one.dead_letters_count = 18;
  one.skipped_count = 19;
  admin::metrics all;
  all.functions = {one};
  all.buffered_bytes = 12;
  all.buffered_bytes_max = 13;
  all.delayed_pending_count = 11;
  all.delayed_lateness_seconds = all.commit_seconds = all.commit_changes = all.sync_seconds = some;
  all.egress_queue_bytes = {{"e/f", 12}};
  all.ingress_requests_by_status = {{202, 13}};
  all.pool_connections_by_state = {{"idle", 14}};
  all.modules_generation = 15;
  all.reloads_by_result = {{"loaded", 16}};
  all.version = "0.1.0";
  return all;
}

} // namespace

TEST_CASE("metrics have StateFun's names and labels, and ours") {
  auto const lines = lines_of(admin::exposition(everything()));
  std::string const of = R"({namespace="a\"b",type="c"})";
  for (std::string const& expected :
       {"statefun_function_in_total" + of + " 5",
        "statefun_function_out_local_total" + of + " 4",
        "statefun_function_out_remote_total" + of + " 0",
        "statefun_function_out_egress_total" + of + " 3",
        "statefun_function_inflight_async_ops" + of + " 2",
        "statefun_function_num_backlog" + of + " 1",
        "statefun_function_num_blocked_address" + of + " 0",
        "statefun_function_paused_addresses" + of + " 17",
        "statefun_function_held_addresses" + of + " 0",
        "statefun_function_dead_letters_total" + of + " 18",
        "statefun_function_skipped_total" + of + " 19",
        "statefun_mailbox_oldest_seconds" + of + " 1.5",
        std::string(R"(statefun_function_calls_total{namespace="a\"b",type="c",outcome="done"} 7)"),
        std::string(
            R"(statefun_function_remote_invocation_failures_total{namespace="a\"b",type="c",reason="connect"} 9)"),
        std::string("statefun_buffered_bytes 12"),
        std::string("statefun_buffered_bytes_max 13"),
        std::string("statefun_delayed_pending 11"),
        std::string(R"(statefun_egress_queue_bytes{egress="e/f"} 12)"),
        std::string(R"(statefun_ingress_requests_total{code="202"} 13)"),
        std::string(R"(statefun_pool_connections{state="idle"} 14)"),
        std::string("statefun_modules_generation 15"),
        std::string(R"(statefun_reloads_total{result="loaded"} 16)"),
        std::string(R"(statefun_build_info{version="0.1.0"} 1)"),
        std::string("# TYPE statefun_function_in_total counter"),
        std::string("# TYPE statefun_commit_seconds histogram")}) {
    INFO(expected);
    CHECK(lines.contains(expected));
  }
}

TEST_CASE("a histogram's buckets are cumulative, and end in all") {
  auto const lines = lines_of(admin::exposition(everything()));
  for (char const* expected :
       {R"(statefun_sync_seconds_bucket{le="0.1"} 2)", R"(statefun_sync_seconds_bucket{le="1"} 5)",
        R"(statefun_sync_seconds_bucket{le="+Inf"} 6)", "statefun_sync_seconds_count 6",
        "statefun_sync_seconds_sum 4.5"}) {
    INFO(expected);
    CHECK(lines.contains(expected));
  }
}

TEST_CASE("what has no value has no name") {
  auto const text = admin::exposition({});
  CHECK(text.find("statefun_sync_seconds") == std::string::npos);
  CHECK(text.find("statefun_function_in_total") == std::string::npos);
  CHECK(text.find("statefun_delayed_pending 0") != std::string::npos);
}

TEST_CASE("histograms of shards are put together") {
  admin::histogram all;
  all.merge({{1}, {1, 2}, 3});
  all.merge({});
  all.merge({{1}, {10, 20}, 30});
  CHECK(all.counts == std::vector<std::uint64_t>{11, 22});
  CHECK(all.sum == 33);
}
