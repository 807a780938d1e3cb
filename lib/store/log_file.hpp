#pragma once

#include "error/result.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rocksdb {
class Env;
} // namespace rocksdb

// A file of RocksDB's log (its wiki: "Write Ahead Log File Format"): blocks of 32 KiB, the last one shorter, of records
// that do not cross them:
//   record = checksum 4 bytes, length 2 bytes little-endian, kind 1 byte, payload
// What is left of a block is filled with zeros where it cannot hold a record's first 7 bytes. A record of kind and
// length 0 is none; RocksDB takes it for space that was set aside, and what follows for the file's end.
namespace statefund::store::log_file {

constexpr std::size_t block_bytes = 32U << 10U;
constexpr std::size_t header_bytes = 7;

// Of a name like 000123.log; absent: it is no file of the log.
std::optional<std::uint64_t> number_in(std::string_view name) noexcept;

// Where in a block zeros stand for a record; absent: nowhere before the block's first other damage.
std::optional<std::size_t> find_zeros_in_block(std::string_view block) noexcept;

// The same for a file. errc::directory_unusable: it cannot be read. Blocks on the disk.
result<std::optional<std::uint64_t>> find_zeros(rocksdb::Env& environment, std::string const& path);

} // namespace statefund::store::log_file
