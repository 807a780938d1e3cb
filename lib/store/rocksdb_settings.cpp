#include "store/rocksdb_settings.hpp"

#include "clock/clock.hpp"
#include "error/planted.hpp"
#include "log/log.hpp"
#include "store/errc.hpp"
#include "store/tables.hpp"

#include <rocksdb/compaction_filter.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/table_properties.h>

#include <array>
#include <cstdarg>
#include <cstdio>

namespace statefund::store {

using test_only::is_planted;
using test_only::mistake;

namespace {

log::logger const logger{"store"};

constexpr std::size_t write_buffers_bytes = 64U << 20U;

// Drops rows that nobody may see any more, reading only the row's own time.
class expiry_filter final : public rocksdb::CompactionFilter {
 public:
  using may_be_dropped = bool (*)(std::string_view value, std::int64_t now_ms) noexcept;
  expiry_filter(may_be_dropped decides, std::int64_t now_ms) : decides_(decides), now_ms_(now_ms) {}

  char const* Name() const override { return "statefund.expiry"; }
  bool Filter(int, rocksdb::Slice const&, rocksdb::Slice const& value, std::string*, bool*) const override {
    return decides_({value.data(), value.size()}, now_ms_);
  }

 private:
  may_be_dropped const decides_;
  std::int64_t const now_ms_;
};

class expiry_filters final : public rocksdb::CompactionFilterFactory {
 public:
  explicit expiry_filters(expiry_filter::may_be_dropped decides) : decides_(decides) {}

  char const* Name() const override { return "statefund.expiry_filters"; }
  std::unique_ptr<rocksdb::CompactionFilter>
  CreateCompactionFilter(rocksdb::CompactionFilter::Context const&) override {
    return std::make_unique<expiry_filter>(decides_, clock::unix_ms());
  }

 private:
  expiry_filter::may_be_dropped const decides_;
};

// A table file with little else than removals is compacted at once: until then what they removed takes room, and
// RocksDB waits for more to be written, which may be refused for want of room.
class removals final : public rocksdb::TablePropertiesCollector {
 public:
  char const* Name() const override { return "statefund.removals"; }
  rocksdb::Status AddUserKey(rocksdb::Slice const&, rocksdb::Slice const&, rocksdb::EntryType type,
                             rocksdb::SequenceNumber, std::uint64_t) override {
    ++rows_count_;
    if (type == rocksdb::kEntryDelete || type == rocksdb::kEntrySingleDelete)
      ++removals_count_;
    return rocksdb::Status::OK();
  }
  bool NeedCompact() const override { return removals_count_ * 4 > rows_count_ * 3; }
  rocksdb::Status Finish(rocksdb::UserCollectedProperties*) override { return rocksdb::Status::OK(); }
  rocksdb::UserCollectedProperties GetReadableProperties() const override { return {}; }

 private:
  std::uint64_t rows_count_ = 0;
  std::uint64_t removals_count_ = 0;
};

class removals_of_each_file final : public rocksdb::TablePropertiesCollectorFactory {
 public:
  char const* Name() const override { return "statefund.removals_of_each_file"; }
  rocksdb::TablePropertiesCollector*
  CreateTablePropertiesCollector(rocksdb::TablePropertiesCollectorFactory::Context) override {
    return new removals;
  }
};

// RocksDB goes on by itself after some failures of its own threads. Here nothing does.
class failures final : public rocksdb::EventListener {
 public:
  explicit failures(latch& failed) : latch_(failed) {}

  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    latch_.trip(to_error(*status, "in the background"));
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status status, bool* auto_recovery) override {
    *auto_recovery = is_planted(mistake::no_latch);
    latch_.trip(to_error(status, "in the background"));
  }

 private:
  latch& latch_;
};

// What RocksDB tells of itself. In a file of its own, as it would do it, a line that finds no room on the disk makes
// the next one end the process on an assertion (7.8.3).
class rocksdb_log final : public rocksdb::Logger {
 public:
  rocksdb_log() : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}

  using Logger::Logv;
  void Logv(char const* format, va_list values) override {
    if (!logger.shows_debug())
      return;
    std::array<char, 1024> line{};
    if (std::vsnprintf(line.data(), line.size(), format, values) > 0)
      logger.debug("RocksDB says", {{"line", line.data()}});
  }
};

} // namespace

rocksdb::ColumnFamilyOptions family_options(std::string_view name, std::shared_ptr<rocksdb::Cache> const& blocks) {
  rocksdb::BlockBasedTableOptions tables;
  tables.block_cache = blocks;
  tables.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false));
  tables.cache_index_and_filter_blocks = true;
  tables.pin_l0_filter_and_index_blocks_in_cache = true;
  tables.format_version = 5;
  rocksdb::ColumnFamilyOptions chosen;
  chosen.table_factory.reset(rocksdb::NewBlockBasedTableFactory(tables));
  chosen.compression = rocksdb::kLZ4Compression;
  chosen.write_buffer_size = 16U << 20U;
  chosen.level_compaction_dynamic_level_bytes = true;
  // A compaction writes before it removes: what one takes has to fit below the mark of free space.
  chosen.target_file_size_base = 16U << 20U;
  chosen.max_bytes_for_level_base = 64U << 20U;
  chosen.max_compaction_bytes = 128U << 20U;
  chosen.table_properties_collector_factories.push_back(std::make_shared<removals_of_each_file>());
  // Most addresses that come have no state yet: that is to be told without a search.
  chosen.memtable_prefix_bloom_size_ratio = name == state_table::name ? 0.05 : 0;
  chosen.memtable_whole_key_filtering = true;
  // A row's place is looked for from where the last one was put: rows come sorted. RocksDB 7.8 uses the same hint for
  // ranges that are removed, and ends the process then: nothing may remove a range (tests/house).
  chosen.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewCappedPrefixTransform(0));
  if (name == state_table::name)
    chosen.compaction_filter_factory = std::make_shared<expiry_filters>(&state_table::may_be_dropped);
  if (name == idempotency_table::name)
    chosen.compaction_filter_factory = std::make_shared<expiry_filters>(&idempotency_table::may_be_dropped);
  return chosen;
}

std::shared_ptr<rocksdb::EventListener> make_listener(latch& failed) {
  return std::make_shared<failures>(failed);
}

rocksdb::DBOptions pinned_options(rocksdb::Env& environment) {
  rocksdb::DBOptions chosen;
  chosen.env = &environment;
  chosen.create_if_missing = true;
  chosen.create_missing_column_families = true;
  chosen.paranoid_checks = true;
  chosen.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  chosen.best_efforts_recovery = false;
  // False: what was recovered is written anew, and synced.
  chosen.avoid_flush_during_recovery = is_planted(mistake::recovered_counts_as_durable);
  // A file of the log that a table should have made superfluous, and did not, is missed.
  chosen.track_and_verify_wals_in_manifest = !is_planted(mistake::log_files_unchecked);
  chosen.avoid_flush_during_shutdown = true;
  chosen.manual_wal_flush = false;
  chosen.unordered_write = false;
  chosen.enable_pipelined_write = false;
  chosen.two_write_queues = false;
  chosen.allow_2pc = false;
  chosen.recycle_log_file_num = 0;
  chosen.max_bgerror_resume_count = 0;
  chosen.db_write_buffer_size = write_buffers_bytes;
  chosen.max_background_jobs = 2;
  chosen.max_open_files = 256;
  chosen.info_log = std::make_shared<rocksdb_log>();
  chosen.stats_dump_period_sec = 0;
  chosen.stats_persist_period_sec = 0;
  return chosen;
}

error to_error(rocksdb::Status const& status, std::string const& doing) {
  return {status.IsCorruption() ? errc::row_damaged : errc::lost, doing + ": " + status.ToString()};
}

} // namespace statefund::store
