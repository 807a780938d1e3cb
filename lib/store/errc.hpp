#pragma once

#include "error/category.hpp"

#include <boost/system/error_code.hpp>

#include <string_view>

namespace statefund::store {

enum class errc {
  lost = 1,           // a write or sync has failed: nothing is ordered or shown any more, and the process ends
  wait_cancelled,     // whoever waited was cancelled; of the store it says nothing
  directory_unusable, // the data directory cannot be made, locked or read, or others may read it
  in_use,             // another process has the data directory open
  format_newer,       // a newer version has written it
  not_opened,         // RocksDB refuses it
  promise_broken,     // less is there than was promised: synced changes are missing
  row_damaged,        // a row breaks its table's grammar, or a block its checksum
  keeps_nothing,      // there is nothing on a disk that could be copied
  backup_refused,     // nothing can be copied to this place
  backup_under_way,   // another copy is being made
  backup_failed,      // a copy was begun and did not end; it is removed
};

std::string_view room_of(errc) noexcept;
std::string_view describe(errc value) noexcept;
boost::system::error_code make_error_code(errc value) noexcept;

} // namespace statefund::store

STATEFUND_ERRC(statefund::store::errc)
