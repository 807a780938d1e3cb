// The settings that the order rests on, as the open database has them.

#include "store/database.hpp"
#include "support/temporary_directory.hpp"

#include <catch2/catch.hpp>

#include <rocksdb/compaction_filter.h>
#include <rocksdb/comparator.h>
#include <rocksdb/db.h>
#include <rocksdb/table.h>

using namespace statefund;

namespace {
constexpr std::uint64_t free_bytes_min = 256U << 20U; // unless the settings say otherwise
} // namespace

TEST_CASE("RocksDB has the settings that the order rests on") {
  support::temporary_directory const place;
  store::latch failed([](error const& why) { FAIL(why.to_string()); });
  store::database_options chosen;
  chosen.directory = place.path();
  auto const opened = store::database::open(chosen, failed);
  REQUIRE(opened.has_value());
  auto& database = **opened;

  auto const options = database.get().GetDBOptions();
  CHECK_FALSE(options.manual_wal_flush);
  CHECK_FALSE(options.unordered_write);
  CHECK_FALSE(options.enable_pipelined_write);
  CHECK_FALSE(options.two_write_queues);
  CHECK_FALSE(options.allow_2pc);
  CHECK(options.recycle_log_file_num == 0);
  CHECK_FALSE(options.best_efforts_recovery);
  CHECK(options.paranoid_checks);
  CHECK(options.wal_recovery_mode == rocksdb::WALRecoveryMode::kPointInTimeRecovery);
  CHECK(options.wal_filter != nullptr);
  CHECK(options.track_and_verify_wals_in_manifest);
  CHECK_FALSE(options.avoid_flush_during_recovery);
  CHECK(options.max_total_wal_size == chosen.log_bytes_max);
  CHECK(options.max_total_wal_size <= 32U << 20U);
  CHECK(options.max_bgerror_resume_count == 0);
  CHECK(options.listeners.size() == 1);
  CHECK_FALSE(options.atomic_flush);
  CHECK_FALSE(options.use_fsync);
  CHECK(options.wal_dir.empty());
  CHECK(options.wal_bytes_per_sync == 0);

  for (std::size_t i = 0; i < store::table_names.size(); ++i) {
    auto* const family = database.family(static_cast<store::table>(i));
    INFO(family->GetName());
    CHECK(family->GetName() == store::table_names[i]);
    auto const own = database.get().GetOptions(family);
    CHECK(own.comparator == rocksdb::BytewiseComparator());
    CHECK(own.merge_operator == nullptr);
    CHECK_FALSE(own.inplace_update_support);
    CHECK_FALSE(own.disable_auto_compactions);
    CHECK(own.compaction_style == rocksdb::kCompactionStyleLevel);
    CHECK(own.compression == rocksdb::kLZ4Compression);
    CHECK(own.max_compaction_bytes <= free_bytes_min / 2);
    CHECK(own.max_bytes_for_level_base <= free_bytes_min / 4);
    CHECK(own.compaction_filter == nullptr);
    CHECK(own.table_properties_collector_factories.size() == 1); // removals make room
    bool const expires =
        family->GetName() == store::state_table::name || family->GetName() == store::idempotency_table::name;
    CHECK((own.compaction_filter_factory != nullptr) == expires);
    auto const* const blocks = own.table_factory->GetOptions<rocksdb::BlockBasedTableOptions>();
    REQUIRE(blocks != nullptr);
    CHECK(blocks->checksum != rocksdb::kNoChecksum);
    CHECK(blocks->format_version == 5);
  }
}
