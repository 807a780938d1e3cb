#pragma once

#include "error/result.hpp"
#include "store/head_table.hpp"
#include "store/latch.hpp"
#include "store/opening.hpp"
#include "store/promise.hpp"
#include "store/tables.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Env;
class Status;
class WalFilter;
} // namespace rocksdb

namespace statefund::store {

struct database_options {
  std::filesystem::path directory;
  std::uint32_t partition_count = 256;      // of a new one
  std::optional<std::uint64_t> accept_loss; // opens what lost changes, if what is left ends at this number
  std::uint64_t log_bytes_max = 32U << 20U; // a start reads so much, and takes as long
  rocksdb::Env* environment = nullptr;      // another file system; outlives the database
  tell_opening tell;                        // may be empty
};

// RocksDB with the settings that the order rests on, and the promise that is kept beside it.
//
// Opening it compares, by reading alone, how far the order goes with what was promised, and refuses where less is
// there, however often it is tried: an open for writing would delete a damaged log with all that is behind the damage.
// What was recovered is durable, and promised, when open() returns; a new directory's name was, before anything was
// promised in it.
//
// Any thread may read. One thread writes. A failure in RocksDB's own threads trips the latch.
class database {
 public:
  // errc::directory_unusable, in_use, format_newer, not_opened, promise_broken. Blocks on the disk.
  static result<std::unique_ptr<database>> open(database_options const& chosen, latch& failed);
  ~database();
  database(database const&) = delete;
  database& operator=(database const&) = delete;

  rocksdb::DB& get() noexcept { return *db_; }
  rocksdb::ColumnFamilyHandle* family(table of) const noexcept { return families_[static_cast<std::size_t>(of)]; }
  std::uint32_t partition_count() const noexcept { return format_.partition_count; }
  // As it was when this was opened.
  head_table::head const& found() const noexcept { return found_; }
  promise& promised() noexcept { return *promise_; }
  opening& progress() noexcept { return progress_; }

  // Has RocksDB write to tables what the log alone has: then the log's files go, and with removals what they removed.
  // Does not wait for it; a failure in the background comes to the latch. Any thread.
  result<void> begin_flush();
  // Of the file system that the directory lies on; absent: unknown.
  std::optional<std::uint64_t> free_bytes() const;

 private:
  database(rocksdb::Env& environment, std::string directory, tell_opening tell);

  result<void> lock();
  result<void> look_at_order(std::optional<std::uint64_t> const& accept_loss);
  result<void> look_at_room();
  result<void> pass_over_loss();
  // Before there is a committer.
  rocksdb::Status put_synced(std::string_view key, std::string const& value);
  result<void> open_for_writing(database_options const& chosen, latch& failed);

  rocksdb::Env& environment_;
  std::string const directory_;
  opening progress_;
  void* lock_ = nullptr; // rocksdb::FileLock
  std::unique_ptr<rocksdb::WalFilter> replay_;
  std::uint64_t recovered_ = 0;               // by reading alone
  std::optional<std::uint64_t> lost_through_; // a loss is accepted: what was durable before it
  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, table_names.size()> families_{};
  std::optional<promise> promise_;
  head_table::format format_;
  head_table::head found_;
};

} // namespace statefund::store
