#pragma once

#include "error/result.hpp"
#include "store/head_table.hpp"
#include "store/opening.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Env;
class WalFilter;
enum class WALRecoveryMode : char;
} // namespace rocksdb

// What a directory holds, by reading alone: a start is judged before anything is written.
namespace statefund::store {

// How far the order of a directory goes, and how far it was durable.
struct kept_order {
  bool is_new = false;                      // there is neither a database nor a promise
  std::optional<std::uint64_t> promised;    // by the promise file; absent: it is missing or damaged
  std::optional<head_table::format> format; // absent: nothing was written yet
  std::uint64_t recovered = 0;              // the last number before the log's first damage
  std::uint64_t flushed = 0;                // the last number that is there without the log
  std::uint64_t witnessed = 0;              // what was durable by the word of what lies behind one
};

// Where below the store's directory RocksDB's own is.
std::string database_path(std::string const& directory);

// By reading alone. errc::directory_unusable, format_newer, not_opened, row_damaged. Blocks on the disk.
result<kept_order> read_order(rocksdb::Env& environment, std::string const& directory, opening& progress);
result<kept_order> read_order(rocksdb::Env& environment, std::string const& directory);
// errc::promise_broken. Pure.
result<void> compare_with_promise(kept_order const& found, std::string const& directory);

// A database that is read, and not written, whoever else has it open. What was not yet made a table of is read from the
// log, so much as `replay` lets through.
struct opened_to_read {
  opened_to_read() = default;
  opened_to_read(opened_to_read&&) noexcept = default;
  ~opened_to_read();

  std::unique_ptr<rocksdb::DB> database;
  std::map<std::string, rocksdb::ColumnFamilyHandle*> families; // by name
};
// Of a database. errc::not_opened. Blocks on the disk.
result<std::vector<std::string>> families_of(rocksdb::Env& environment, std::string const& directory);
// errc::not_opened. Blocks on the disk.
result<opened_to_read> open_to_read(rocksdb::Env& environment, std::string const& directory,
                                    std::vector<std::string> const& families, rocksdb::WALRecoveryMode mode,
                                    rocksdb::WalFilter* replay);
// All zeros while nothing was committed. errc::lost, row_damaged. Any thread.
result<head_table::head> read_head(rocksdb::DB& from);
// Lets the log through as far as its batches follow each other, behind what is there without it; of them all rows, or
// what the store says of itself alone. Counts them in `progress`, which outlives it.
enum class replayed_rows { all, heads };
std::unique_ptr<rocksdb::WalFilter> replay_of(kept_order const& found, replayed_rows rows, opening* progress = nullptr);

} // namespace statefund::store
