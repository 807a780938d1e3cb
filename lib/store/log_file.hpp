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

// A file of RocksDB's log, or its manifest (its wiki: "Write Ahead Log File Format"): blocks of 32 KiB, the last one
// shorter, of records that do not cross them:
//   record = checksum 4 bytes little-endian, length 2 bytes little-endian, kind 1 byte, payload
//   checksum = CRC-32C of kind and payload, turned right by 15 bits, plus 0xa282ead8
// What is left of a block is filled with zeros where it cannot hold a record's first 7 bytes.
//
// RocksDB (7.8.3) compares checksums of the kinds that this store has it write: 1 to 4. A record of kind and length 0
// is none to it, and what follows the file's end, for files may have been made longer than what is in them. Nor is a
// record of the kinds 5 to 8, for files may have been written over; and where it is to pass over damage it never gets
// past such a one.
namespace statefund::store::log_file {

constexpr std::size_t block_bytes = 32U << 10U;
constexpr std::size_t header_bytes = 7;

// Of a name like 000123.log; absent: it is no file of the log.
std::optional<std::uint64_t> number_in(std::string_view name) noexcept;

// As far as each record is looked at: its first bytes, or all that its checksum is of.
enum class depth { headers, payloads };

struct seen {
  std::optional<std::uint64_t> broken_at; // the first record that is none of this store's, or is not whole
  bool any_overwritten = false;           // one of the kinds 5 to 8
  bool any_whole_behind = false;          // a record with its checksum, behind the broken one; told of a whole file
};

// Up to the first broken record.
seen read_block(std::string_view block, depth how) noexcept;

// Whether a record that is whole, with its checksum, begins anywhere in it.
bool has_whole_record(std::string_view of_block) noexcept;

// Of all blocks. errc::directory_unusable: the file cannot be read. Blocks on the disk.
result<seen> read(rocksdb::Env& environment, std::string const& path, depth how);

} // namespace statefund::store::log_file
