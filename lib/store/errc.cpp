#include "store/errc.hpp"

namespace statefund::store {

std::string_view room_of(errc) noexcept {
  return "store";
}

std::string_view describe(errc value) noexcept {
  switch (value) {
  case errc::lost:
    return "the store was lost: a write, a sync or a read failed";
  case errc::wait_cancelled:
    return "nobody waits for it any more";
  case errc::directory_unusable:
    return "the data directory cannot be used";
  case errc::in_use:
    return "another process has the data directory open";
  case errc::format_newer:
    return "the data directory was written by a newer version";
  case errc::not_opened:
    return "RocksDB does not open the data directory";
  case errc::promise_broken:
    return "changes are missing that were durable";
  case errc::row_damaged:
    return "the data directory is damaged";
  case errc::keeps_nothing:
    return "this store keeps nothing on a disk";
  case errc::backup_refused:
    return "no backup can be made there";
  case errc::backup_under_way:
    return "another backup is being made";
  case errc::backup_failed:
    return "the backup did not end";
  }
  return "unknown error";
}

boost::system::error_code make_error_code(errc value) noexcept {
  return error_category::code_of(value);
}

} // namespace statefund::store
