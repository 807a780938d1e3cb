#pragma once

#include "store/database.hpp"
#include "store/store.hpp"

#include <atomic>
#include <string>

namespace statefund::store {

// Copies an open database into a new directory, which a store can then be opened on: a prefix of the order that holds
// at least what was durable before, with a promise of its own, all of it on the disk when this returns. It is made
// beside the directory, as <directory>.partial, with the promise last, so that what did not end is neither taken for a
// backup nor opened as a store. Ends soon once `cancelled` is true. Blocks on the disk, and keeps from writing no
// longer than RocksDB's flush does. errc::backup_refused, backup_failed.
result<backup_report> copy_into(database& from, std::string const& directory, std::atomic<bool> const& cancelled);

} // namespace statefund::store
