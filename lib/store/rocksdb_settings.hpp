#pragma once

#include "error/result.hpp"
#include "store/latch.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace rocksdb {
class Cache;
class Env;
class EventListener;
class Status;
struct ColumnFamilyOptions;
struct DBOptions;
} // namespace rocksdb

// RocksDB as the order needs it. For store/'s own .cpp files.
namespace statefund::store {

// What the order rests on; for every opening of a directory.
rocksdb::DBOptions pinned_options(rocksdb::Env& environment);

// Of the table of this name, where it is written.
rocksdb::ColumnFamilyOptions family_options(std::string_view name, std::shared_ptr<rocksdb::Cache> const& blocks);
// Trips the latch once something fails in RocksDB's own threads, and keeps it from going on. `failed` outlives it.
std::shared_ptr<rocksdb::EventListener> make_listener(latch& failed);

// What RocksDB says when a row cannot be read or written, as the store's error: damage is told from all else.
error to_error(rocksdb::Status const& status, std::string const& doing);

} // namespace statefund::store
