#include "store/log_file.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace statefund::store;

namespace {

std::string record(std::size_t length) {
  std::string bytes("sum_", 4);
  bytes += static_cast<char>(length & 0xFFU);
  bytes += static_cast<char>(length >> 8U);
  bytes += '\1';
  return bytes + std::string(length, '\0');
}

} // namespace

TEST_CASE("a file of the log is told by its name") {
  CHECK(log_file::number_in("000123.log") == 123);
  CHECK(log_file::number_in("18446744073709551615.log") == 18446744073709551615U);
  for (auto const* name : {"000123.sst", "log", ".log", "x.log", "1x.log", "-1.log", "18446744073709551616.log"})
    CHECK_FALSE(log_file::number_in(name));
}

TEST_CASE("zeros are found where a record should begin, and nowhere else") {
  auto const records = record(300) + record(0) + record(1);
  CHECK_FALSE(log_file::find_zeros_in_block(""));
  CHECK_FALSE(log_file::find_zeros_in_block(records));
  CHECK(log_file::find_zeros_in_block(std::string(7, '\0')) == 0);
  CHECK(log_file::find_zeros_in_block(records + std::string(7, '\0')) == records.size());
  CHECK(log_file::find_zeros_in_block(records + std::string(1000, '\0') + records) == records.size());

  // What is left of a block holds no record.
  auto const full = record(log_file::block_bytes - 2 * log_file::header_bytes);
  CHECK(log_file::find_zeros_in_block(full + std::string(log_file::header_bytes, '\0')) == full.size());
  auto const fuller = record(log_file::block_bytes - 2 * log_file::header_bytes + 1);
  CHECK_FALSE(log_file::find_zeros_in_block(fuller + std::string(log_file::header_bytes - 1, '\0')));

  // A length that leads out of the block is another kind of damage.
  CHECK_FALSE(log_file::find_zeros_in_block(record(65535).substr(0, 100)));
}
