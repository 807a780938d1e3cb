#include "store/database.hpp"

#include "log/log.hpp"
#include "store/directory.hpp"
#include "store/kept_order.hpp"
#include "store/rocksdb_settings.hpp"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/statistics.h>
#include <rocksdb/wal_filter.h>

#include <algorithm>

namespace statefund::store {

namespace {

constexpr log::logger logger{"store"};

constexpr std::size_t block_cache_bytes = 32U << 20U;

} // namespace

result<std::unique_ptr<database>> database::open(database_options const& chosen, latch& failed) {
  auto& environment = chosen.environment ? *chosen.environment : *rocksdb::Env::Default();
  std::unique_ptr<database> own(new database(environment, chosen.directory.lexically_normal().string(), chosen.tell));
  if (auto const made = make_private_directory(own->directory_); !made)
    return made.error();
  if (auto const locked = own->lock(); !locked)
    return locked.error();
  if (auto const kept = own->look_at_order(chosen.accept_loss); !kept)
    return kept.error();
  if (auto const has_room = own->look_at_room(); !has_room)
    return has_room.error();
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
  if (kept)
    return {};
  if (accept_loss != found->recovered)
    return error{errc::promise_broken,
                 kept.error().detail + "; only store.accept_loss=" + std::to_string(found->recovered) +
                     " starts with what is left" +
                     (accept_loss ? ", and it is " + std::to_string(*accept_loss) : std::string())};
  lost_through_ = std::max({found->promised.value_or(0), found->witnessed, found->recovered});
  logger.warning({number::store_promise_broken, "a loss is accepted: what is left is taken for all"},
                 {{"error", kept.error().detail}});
  return {};
}

rocksdb::Status database::put_synced(std::string_view key, std::string const& value) {
  rocksdb::WriteOptions synced;
  synced.sync = true;
  return db_->Put(synced, family(table::head), {key.data(), key.size()}, value);
}

// The order goes on behind what was lost, whose numbers somebody has seen; and the same number accepts no other loss.
result<void> database::pass_over_loss() {
  head_table::head next = found_;
  next.number_before = found_.last_number;
  next.last_number = *lost_through_ + 1;
  auto status = put_synced(head_table::head_key, head_table::value_of(next));
  if (status.ok())
    status = db_->Flush(rocksdb::FlushOptions(), family(table::head));
  if (!status.ok())
    return error{errc::not_opened, status.ToString()};
  found_ = next;
  return {};
}

// RocksDB makes tables of the log, and where one does not fit it leaves the others behind, at each try some more.
result<void> database::look_at_room() {
  auto const free = free_bytes();
  auto const log_bytes = progress_.log_bytes_total();
  if (!free || *free >= log_bytes)
    return {};
  return error{errc::not_opened, "No space left on device: " + directory_ + " has " + std::to_string(*free) +
                                     " bytes free, and a start may write the " + std::to_string(log_bytes) +
                                     " bytes of its log anew; nothing was written"};
}

result<void> database::open_for_writing(database_options const& chosen, latch& failed) {
  auto options = pinned_options(environment_);
  options.max_total_wal_size = chosen.log_bytes_max;
  options.wal_filter = replay_.get();
  options.listeners.push_back(make_listener(failed));
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
    status = put_synced(head_table::format_key, head_table::value_of(format_));
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
  if (lost_through_)
    if (auto const passed = pass_over_loss(); !passed)
      return passed;
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
