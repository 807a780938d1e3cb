#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// What the store says of itself, in RocksDB's default column family:
//   "format" = FormatRow, written once
//   "head"   = HeadRow, in every batch
namespace statefund::store::head_table {

inline constexpr std::string_view format_key = "format";
inline constexpr std::string_view head_key = "head";

inline constexpr std::uint32_t format_version = 1;

struct format {
  std::uint32_t version = format_version;
  std::uint32_t partition_count = 0;
};

struct head {
  std::uint64_t last_number = 0;    // of the newest change, or of its last record
  std::uint64_t synced_through = 0; // what was synced before this was written
  std::uint64_t number_before = 0;  // last_number of the batch before
  std::uint64_t delayed_count = 0;  // rows of the table `delayed`
};

std::string value_of(format const& one);
std::optional<format> parse_format(std::string_view value);
std::string value_of(head const& one);
std::optional<head> parse_head(std::string_view value);

} // namespace statefund::store::head_table
