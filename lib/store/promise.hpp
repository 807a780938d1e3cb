#pragma once

#include "error/result.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace rocksdb {
class Env;
class RandomRWFile;
} // namespace rocksdb

namespace statefund::store {

// How far the order has been durable, kept outside of RocksDB: a log that lost its end cannot tell that it did. A file
// of two slots that are written in turn, so that one of them is whole at any time:
//   slot = "promise1", number 8 bytes big-endian, CRC-32 (zlib's) of both 4 bytes big-endian; at bytes 0 and 512
// Owned by the database, used on the committer's thread.
class promise {
 public:
  static constexpr char const* file_name = "promise";

  // The number in a directory's file; absent: there is no such file. errc::directory_unusable; errc::row_damaged: no
  // slot is whole.
  static result<std::optional<std::uint64_t>> read(rocksdb::Env& environment, std::string const& directory);
  // Makes the file, durable, with this number in it. errc::directory_unusable.
  static result<void> make(rocksdb::Env& environment, std::string const& directory, std::uint64_t number);

  static result<promise> open(rocksdb::Env& environment, std::string const& directory);

  promise(promise&&) noexcept;
  ~promise();

  // Into the system's cache: it outlives the process. errc::lost.
  result<void> write(std::uint64_t number);
  // Onto the disk. errc::lost.
  result<void> sync();

 private:
  explicit promise(std::unique_ptr<rocksdb::RandomRWFile> file);

  std::unique_ptr<rocksdb::RandomRWFile> file_;
  bool second_slot_ = false;
};

} // namespace statefund::store
