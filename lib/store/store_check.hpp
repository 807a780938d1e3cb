#pragma once

#include "error/result.hpp"
#include "store/errc.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace statefund::store {

// What is not as docs/format/store.md says. `table` is a table's name, or "promise".
struct store_finding {
  std::string table;
  std::string key; // of the row, or what else it is about, for a person; empty: the table as a whole
  std::string what;

  bool operator==(store_finding const&) const = default;
};

struct table_count {
  std::string name;
  std::uint64_t rows_count = 0;
  std::uint64_t bytes = 0;         // of keys and values
  std::uint64_t expired_count = 0; // rows whose time is over and that compaction has not met yet
};

struct checked_store {
  static constexpr std::size_t findings_max = 1000;

  std::uint32_t format_version = 0; // 0: none was written yet
  std::uint32_t partition_count = 0;
  std::uint64_t last_number = 0;
  std::optional<std::uint64_t> promised;
  std::vector<table_count> tables;
  std::vector<store_finding> findings; // the first ones
  std::uint64_t findings_count = 0;    // all there are

  bool is_clean() const noexcept { return findings_count == 0; }
};

// Reads a data directory whole, and changes nothing in it: every block's checksum, every row's grammar, what rows say
// of each other, and the order against the promise. As long as it reads, no daemon can open the directory. Blocks on
// the disk. errc::directory_unusable; in_use: a daemon has it open; format_newer; not_opened: RocksDB refuses it.
result<checked_store> check_store(std::filesystem::path const& directory);

} // namespace statefund::store
