#include "store/kept_order.hpp"

#include "error/planted.hpp"
#include "store/directory.hpp"
#include "store/log_file.hpp"
#include "store/promise.hpp"
#include "store/rocksdb_settings.hpp"
#include "store/tables.hpp"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/wal_filter.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <limits>
#include <numeric>

namespace statefund::store {

using test_only::is_planted;
using test_only::mistake;

namespace {

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

// The manifest is synced at each record, and a file of the log is removed once the manifest says that no table needs
// it. RocksDB takes some damage for the manifest's end, and opens what was there so long ago. A power loss can break
// its last records, while what they replace is there still.
result<void> look_at_manifest(rocksdb::Env& environment, std::string const& directory,
                              std::vector<needed_file> const& log, tables_alone const& tables) {
  bool const lacks_first = !log.empty() && std::none_of(log.begin(), log.end(), [&](needed_file const& one) {
    return one.number == tables.needed_from();
  });
  if (!lacks_first)
    return {};
  std::string name;
  auto const current = database_path(directory) + "/CURRENT";
  if (auto const read = rocksdb::ReadFileToString(&environment, current, &name); !read.ok())
    return error{errc::directory_unusable, current + ": " + read.ToString()};
  name.erase(name.find_last_not_of('\n') + 1);
  auto const path = database_path(directory) + '/' + name;
  auto const seen = log_file::read(environment, path, log_file::depth::payloads);
  if (!seen)
    return seen.error();
  if (seen->any_whole_behind)
    return error{errc::not_opened, path + " has no whole record at byte " + std::to_string(*seen->broken_at) +
                                       ", and whole ones behind it: it says that the tables need a file of the log "
                                       "that is gone, number " +
                                       std::to_string(tables.needed_from())};
  return {};
}

} // namespace

std::string database_path(std::string const& directory) {
  return directory + "/db";
}

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

namespace {

rocksdb::Status open_into(opened_to_read& all, rocksdb::Env& environment, std::string const& directory,
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
  auto status = rocksdb::DB::OpenForReadOnly(options, database_path(directory), described, &handles, &opened);
  if (!status.ok())
    return status;
  all.database.reset(opened);
  for (std::size_t i = 0; i < families.size(); ++i)
    all.families.emplace(families[i], handles[i]);
  return status;
}

// What was durable by the word of what lies behind the log's first damage. RocksDB 7.8 does not get past some: where a
// large batch has lost a part it takes the next one for damaged, too (its issue 15007). Then nothing behind says
// anything.
result<std::uint64_t> read_witness(rocksdb::Env& environment, std::string const& directory) {
  opened_to_read all;
  auto const status = open_into(all, environment, directory, {rocksdb::kDefaultColumnFamilyName},
                                rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords, nullptr);
  if (status.IsCorruption())
    return std::uint64_t{0};
  if (!status.ok())
    return error{errc::not_opened, status.ToString()};
  auto const head = read_head(*all.database);
  if (!head)
    return head.error();
  return head->synced_through;
}

} // namespace

result<opened_to_read> open_to_read(rocksdb::Env& environment, std::string const& directory,
                                    std::vector<std::string> const& families, rocksdb::WALRecoveryMode mode,
                                    rocksdb::WalFilter* replay) {
  opened_to_read all;
  if (auto const status = open_into(all, environment, directory, families, mode, replay); !status.ok())
    return error{errc::not_opened, status.ToString()};
  return all;
}

std::unique_ptr<rocksdb::WalFilter> replay_of(kept_order const& found, replayed_rows rows, opening* progress) {
  return std::make_unique<whole_order>(found.flushed, rows, progress);
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
  auto const has_directory = is_there(environment, database_path(directory));
  if (!has_directory)
    return has_directory.error();
  found.is_new = promised && !*promised && !*has_directory;
  if (!found.is_new && is_planted(mistake::promise_in_log_alone))
    found.promised = 0;
  auto const current = database_path(directory) + "/CURRENT";
  auto const has_database = is_there(environment, current);
  if (!has_database)
    return has_database.error();
  if (!*has_database) {
    bool const was_being_made = found.promised && *found.promised == 0;
    if (*has_directory && !was_being_made)
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
  if (auto const whole = look_at_manifest(environment, directory, *files, tables); !whole)
    return whole.error();
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
    auto const witness = read_witness(environment, directory);
    if (!witness)
      return witness.error();
    found.witnessed = *witness;
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

} // namespace statefund::store
