#include "store/database.hpp"

#include "clock/clock.hpp"
#include "error/planted.hpp"
#include "log/log.hpp"
#include "store/directory.hpp"
#include "store/log_file.hpp"

#include <rocksdb/compaction_filter.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/statistics.h>
#include <rocksdb/table.h>
#include <rocksdb/table_properties.h>
#include <rocksdb/wal_filter.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <limits>
#include <numeric>

namespace statefund::store {

using test_only::is_planted;
using test_only::mistake;

namespace {

log::logger const logger{"store"};

constexpr std::size_t write_buffers_bytes = 64U << 20U;
constexpr std::size_t block_cache_bytes = 32U << 20U;

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

// Stops the replay of the log where batches are missing. RocksDB itself goes on with the next file that it finds, and
// without syncs a power loss may keep a file of the log and take the one before.
class whole_order final : public rocksdb::WalFilter {
 public:
  whole_order(std::uint64_t reached, replayed_rows rows, opening* progress)
      : reached_(reached),
        rows_(rows),
        progress_(progress) {}

  char const* Name() const override { return "statefund.whole_order"; }
  WalProcessingOption LogRecordFound(unsigned long long, std::string const&, rocksdb::WriteBatch const& batch,
                                     rocksdb::WriteBatch* replayed, bool* is_another) override {
    if (progress_)
      progress_->went_through(batch.GetDataSize());
    head_finder rows;
    if (!batch.Iterate(&rows).ok())
      return WalProcessingOption::kCorruptedRecord;
    if (rows.head && rows.head->number_before > reached_ && !is_planted(mistake::hole_in_log))
      return WalProcessingOption::kStopReplay;
    if (rows.head)
      reached_ = rows.head->last_number;
    if (rows.head && rows_ == replayed_rows::heads) {
      *is_another = true;
      if (!replayed->Put(head_table::head_key, head_table::value_of(*rows.head)).ok())
        return WalProcessingOption::kCorruptedRecord;
    }
    return WalProcessingOption::kContinueProcessing;
  }

 private:
  struct head_finder final : rocksdb::WriteBatch::Handler {
    rocksdb::Status PutCF(std::uint32_t family, rocksdb::Slice const& key, rocksdb::Slice const& value) override {
      if (family == 0 && key == head_table::head_key)
        head = head_table::parse_head({value.data(), value.size()});
      return rocksdb::Status::OK();
    }
    rocksdb::Status DeleteCF(std::uint32_t, rocksdb::Slice const&) override { return rocksdb::Status::OK(); }
    rocksdb::Status SingleDeleteCF(std::uint32_t, rocksdb::Slice const&) override { return rocksdb::Status::OK(); }

    std::optional<head_table::head> head;
  };

  std::uint64_t reached_;
  replayed_rows const rows_;
  opening* const progress_;
};

// Leaves out the whole log, and sees from which file on each table needs it.
class tables_alone final : public rocksdb::WalFilter {
 public:
  char const* Name() const override { return "statefund.tables_alone"; }
  void ColumnFamilyLogNumberMap(std::map<std::uint32_t, std::uint64_t> const& numbers,
                                std::map<std::string, std::uint32_t> const&) override {
    for (auto const& [family, number] : numbers) {
      needed_from_ = std::min(needed_from_, number);
      replaced_before_ = std::max(replaced_before_, number);
    }
  }
  WalProcessingOption LogRecordFound(unsigned long long, std::string const&, rocksdb::WriteBatch const&,
                                     rocksdb::WriteBatch*, bool*) override {
    return WalProcessingOption::kStopReplay;
  }

  // The first file that a table needs, and the one before which a table needs none.
  std::uint64_t needed_from() const noexcept { return needed_from_; }
  std::uint64_t replaced_before() const noexcept { return replaced_before_; }

 private:
  std::uint64_t needed_from_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t replaced_before_ = 0;
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

std::string database_path(std::string const& directory) {
  return directory + "/db";
}

struct read_alone {
  std::optional<head_table::format> format; // absent: it was just made
  head_table::head head;
};

// What the store says of itself, by reading alone.
result<read_alone> read_by_itself(rocksdb::Env& environment, std::string const& directory,
                                  std::vector<std::string> const& families, rocksdb::WALRecoveryMode mode,
                                  rocksdb::WalFilter* replay) {
  auto const opened = open_to_read(environment, directory, families, mode, replay);
  if (!opened)
    return opened.error();
  auto& db = *opened->database;
  read_alone found;
  std::string value;
  auto status = db.Get({}, head_table::format_key, &value);
  if (status.ok() && !(found.format = head_table::parse_format(value)))
    return error{errc::row_damaged, "the format row"};
  if (!status.ok() && !status.IsNotFound())
    return to_error(status, "reading the format");
  auto const head = read_head(db);
  if (!head)
    return head.error();
  found.head = *head;
  return found;
}

struct needed_file {
  std::string path;
  std::uint64_t number;
  std::uint64_t bytes;
};

// The files of the log that a table needs.
result<std::vector<needed_file>> needed_log(rocksdb::Env& environment, std::string const& directory,
                                            tables_alone const& tables) {
  std::vector<std::string> names;
  auto const path = database_path(directory);
  if (auto const listed = environment.GetChildren(path, &names); !listed.ok())
    return error{errc::directory_unusable, path + ": " + listed.ToString()};
  std::vector<needed_file> found;
  for (auto const& name : names)
    if (auto const number = log_file::number_in(name); number && *number >= tables.needed_from()) {
      auto& one = found.emplace_back(needed_file{path + '/' + name, *number, 0});
      if (auto const sized = environment.GetFileSize(one.path, &one.bytes); !sized.ok())
        return error{errc::directory_unusable, one.path + ": " + sized.ToString()};
    }
  return found;
}

// Whether RocksDB gets past it where it is told to pass over damage.
enum class damage { can_be_passed_over, cannot };

// A file of the log that some tables have replaced, and others need, was synced before the first of them was made, and
// has to be whole. RocksDB takes some damage for its end, and overlooks the rest where the tables that replaced it are
// empty.
result<damage> look_at_log(rocksdb::Env& environment, std::vector<needed_file> const& log, tables_alone const& tables,
                           opening& progress) {
  auto of_any = damage::can_be_passed_over;
  for (auto const& [path, number, bytes] : log) {
    bool const has_to_be_whole = number < tables.replaced_before();
    auto const depth = has_to_be_whole ? log_file::depth::payloads : log_file::depth::headers;
    auto const seen = log_file::read(environment, path, depth);
    if (!seen)
      return seen.error();
    if (seen->broken_at && has_to_be_whole)
      return error{errc::not_opened, path + " has no whole record at byte " + std::to_string(*seen->broken_at) +
                                         ", where changes stood that a part of the tables holds, and others need"};
    if (seen->any_overwritten)
      of_any = damage::cannot;
    progress.went_through(bytes);
  }
  return of_any;
}

} // namespace

opened_to_read::~opened_to_read() {
  for (auto const& [name, family] : families)
    database->DestroyColumnFamilyHandle(family).PermitUncheckedError();
}

result<std::vector<std::string>> families_of(rocksdb::Env& environment, std::string const& directory) {
  std::vector<std::string> names;
  auto const status = rocksdb::DB::ListColumnFamilies(pinned_options(environment), database_path(directory), &names);
  if (!status.ok())
    return error{errc::not_opened, status.ToString()};
  return names;
}

result<opened_to_read> open_to_read(rocksdb::Env& environment, std::string const& directory,
                                    std::vector<std::string> const& families, rocksdb::WALRecoveryMode mode,
                                    rocksdb::WalFilter* replay) {
  auto options = pinned_options(environment);
  options.create_if_missing = false;
  options.create_missing_column_families = false;
  options.wal_recovery_mode = mode;
  options.wal_filter = replay;
  std::vector<rocksdb::ColumnFamilyDescriptor> described;
  described.reserve(families.size());
  for (auto const& name : families)
    described.emplace_back(name, rocksdb::ColumnFamilyOptions());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  auto const status = rocksdb::DB::OpenForReadOnly(options, database_path(directory), described, &handles, &opened);
  if (!status.ok())
    return error{errc::not_opened, status.ToString()};
  opened_to_read all;
  all.database.reset(opened);
  for (std::size_t i = 0; i < families.size(); ++i)
    all.families.emplace(families[i], handles[i]);
  return all;
}

std::unique_ptr<rocksdb::WalFilter> replay_of(kept_order const& found, replayed_rows rows, opening* progress) {
  return std::make_unique<whole_order>(found.flushed, rows, progress);
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

result<head_table::head> read_head(rocksdb::DB& from) {
  std::string value;
  auto const status = from.Get({}, head_table::head_key, &value);
  if (status.IsNotFound())
    return head_table::head();
  if (!status.ok())
    return to_error(status, "reading the head");
  auto const head = head_table::parse_head(value);
  return head ? result<head_table::head>(*head) : error{errc::row_damaged, "the head row"};
}

result<kept_order> read_order(rocksdb::Env& environment, std::string const& directory) {
  opening untold;
  return read_order(environment, directory, untold);
}

result<kept_order> read_order(rocksdb::Env& environment, std::string const& directory, opening& progress) {
  auto const promised = promise::read(environment, directory);
  if (!promised && promised.error().code != errc::row_damaged)
    return promised.error();
  kept_order found;
  if (promised)
    found.promised = *promised;
  bool const has_directory = environment.FileExists(database_path(directory)).ok();
  found.is_new = promised && !*promised && !has_directory;
  if (!found.is_new && is_planted(mistake::promise_in_log_alone))
    found.promised = 0;
  if (auto const current = database_path(directory) + "/CURRENT"; !environment.FileExists(current).ok()) {
    bool const was_being_made = found.promised && *found.promised == 0;
    if (has_directory && !was_being_made)
      return error{errc::not_opened, current + " is missing"};
    return found;
  }
  using rocksdb::WALRecoveryMode;
  auto const all = families_of(environment, directory);
  if (!all)
    return all.error();
  tables_alone tables;
  auto const without = read_by_itself(environment, directory, *all, WALRecoveryMode::kPointInTimeRecovery, &tables);
  if (!without)
    return without.error();
  found.flushed = without->head.last_number;
  auto const files = needed_log(environment, directory, tables);
  if (!files)
    return files.error();
  progress.found_log(std::accumulate(files->begin(), files->end(), std::uint64_t{0},
                                     [](std::uint64_t sum, needed_file const& one) { return sum + one.bytes; }));
  progress.begins(opening_step::checking_log);
  auto const log = look_at_log(environment, *files, tables, progress);
  if (!log)
    return log.error();
  // With all tables, so that it begins and ends where a start's does.
  progress.begins(opening_step::reading_log);
  auto const replay = replay_of(found, replayed_rows::heads, &progress);
  auto const in_time =
      read_by_itself(environment, directory, *all, WALRecoveryMode::kPointInTimeRecovery, replay.get());
  if (!in_time)
    return in_time.error();
  if (in_time->format && in_time->format->version > head_table::format_version)
    return error{errc::format_newer, directory + " has the format " + std::to_string(in_time->format->version) +
                                         ", this version knows formats up to " +
                                         std::to_string(head_table::format_version)};
  // The format is written once all tables are made. RocksDB takes some damage to the manifest for its end, and passes
  // over rows of tables that it does not know.
  for (auto const name : table_names)
    if (in_time->format && std::find(all->begin(), all->end(), name) == all->end())
      return error{errc::not_opened, database_path(directory) + " has lost its table " + std::string(name)};
  found.format = in_time->format;
  found.recovered = in_time->head.last_number;
  if (*log == damage::can_be_passed_over) {
    auto const skipping = read_by_itself(environment, directory, {rocksdb::kDefaultColumnFamilyName},
                                         WALRecoveryMode::kSkipAnyCorruptedRecords, nullptr);
    if (!skipping)
      return skipping.error();
    found.witnessed = skipping->head.synced_through;
  }
  return found;
}

result<void> compare_with_promise(kept_order const& found, std::string const& directory) {
  if (!found.promised)
    return error{errc::promise_broken, directory + '/' + promise::file_name +
                                           " is missing or damaged, so nothing says whether the changes up to number " +
                                           std::to_string(found.recovered) + " are all"};
  auto const durable = std::max(*found.promised, found.witnessed);
  if (found.recovered < durable)
    return error{errc::promise_broken, directory + " holds changes up to number " + std::to_string(found.recovered) +
                                           ", and was durable up to " + std::to_string(durable)};
  return {};
}

result<std::unique_ptr<database>> database::open(database_options const& chosen, latch& failed) {
  auto& environment = chosen.environment ? *chosen.environment : *rocksdb::Env::Default();
  std::unique_ptr<database> own(new database(environment, chosen.directory.lexically_normal().string(), chosen.tell));
  if (auto const made = make_private_directory(own->directory_); !made)
    return made.error();
  if (auto const locked = own->lock(); !locked)
    return locked.error();
  if (auto const kept = own->look_at_order(chosen.accept_loss); !kept)
    return kept.error();
  if (auto const opened = own->open_for_writing(chosen, failed); !opened)
    return opened.error();
  return own;
}

database::database(rocksdb::Env& environment, std::string directory, tell_opening tell)
    : environment_(environment),
      directory_(std::move(directory)),
      progress_(std::move(tell)) {}

result<void> database::lock() {
  rocksdb::FileLock* held = nullptr;
  auto const path = directory_ + "/lock";
  if (auto const locked = environment_.LockFile(path, &held); !locked.ok()) {
    auto const opened = can_be_opened(path);
    return opened ? error{errc::in_use, path + ": " + locked.ToString()} : opened.error();
  }
  lock_ = held;
  return {};
}

result<void> database::look_at_order(std::optional<std::uint64_t> const& accept_loss) {
  auto const found = read_order(environment_, directory_, progress_);
  if (!found)
    return found.error();
  replay_ = replay_of(*found, replayed_rows::all, &progress_);
  recovered_ = found->recovered;
  if (found->is_new) {
    auto const synced = sync_names_to(environment_, directory_);
    return synced ? promise::make(environment_, directory_, 0) : synced;
  }
  auto const kept = compare_with_promise(*found, directory_);
  return accept_loss == found->recovered ? result<void>() : kept;
}

result<void> database::open_for_writing(database_options const& chosen, latch& failed) {
  auto options = pinned_options(environment_);
  options.max_total_wal_size = chosen.log_bytes_max;
  options.wal_filter = replay_.get();
  options.listeners.push_back(std::make_shared<failures>(failed));
  options.statistics = rocksdb::CreateDBStatistics();
  options.statistics->set_stats_level(rocksdb::StatsLevel::kExceptHistogramOrTimers);
  auto const blocks = rocksdb::NewLRUCache(block_cache_bytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.reserve(table_names.size());
  for (auto const name : table_names)
    families.emplace_back(std::string(name), family_options(name, blocks));
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  progress_.begins(opening_step::replaying_log);
  auto status = rocksdb::DB::Open(options, database_path(directory_), families, &handles, &opened);
  if (!status.ok())
    return error{errc::not_opened, status.ToString()};
  db_.reset(opened);
  std::copy(handles.begin(), handles.end(), families_.begin());

  std::string value;
  status = db_->Get({}, family(table::head), head_table::format_key, &value);
  if (status.IsNotFound()) {
    format_.partition_count = chosen.partition_count;
    rocksdb::WriteOptions synced;
    synced.sync = true;
    status = db_->Put(synced, family(table::head), head_table::format_key, head_table::value_of(format_));
    if (!status.ok())
      return error{errc::not_opened, status.ToString()};
  } else if (!status.ok()) {
    return to_error(status, "reading the format");
  } else if (auto const format = head_table::parse_format(value)) {
    format_ = *format;
  } else {
    return error{errc::row_damaged, "the format row"};
  }
  auto const head = read_head(*db_);
  if (!head)
    return head.error();
  found_ = *head;
  if (found_.last_number != recovered_)
    return error{errc::promise_broken, directory_ + " held changes up to number " + std::to_string(recovered_) +
                                           " before it was opened, and holds them up to number " +
                                           std::to_string(found_.last_number)};
  if (auto const promised = promise::make(environment_, directory_, found_.last_number); !promised)
    return promised.error();
  auto file = promise::open(environment_, directory_);
  if (!file)
    return file.error();
  promise_.emplace(std::move(*file));
  return {};
}

result<void> database::begin_flush() {
  rocksdb::FlushOptions begins;
  begins.wait = false;
  begins.allow_write_stall = true;
  std::vector<rocksdb::ColumnFamilyHandle*> const all(families_.begin(), families_.end());
  auto const status = db_->Flush(begins, all);
  // Try again: so much is being flushed already that writes wait for it.
  return status.ok() || status.IsTryAgain() ? result<void>() : to_error(status, "a flush");
}

std::optional<std::uint64_t> database::free_bytes() const {
  std::uint64_t free = 0;
  return environment_.GetFreeSpace(directory_, &free).ok() ? std::optional(free) : std::nullopt;
}

database::~database() {
  if (db_)
    for (auto* const family : families_)
      db_->DestroyColumnFamilyHandle(family).PermitUncheckedError();
  db_.reset();
  if (lock_)
    environment_.UnlockFile(static_cast<rocksdb::FileLock*>(lock_)).PermitUncheckedError();
}

} // namespace statefund::store
