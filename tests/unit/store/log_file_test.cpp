#include "store/log_file.hpp"

#include "support/temporary_directory.hpp"

#include <catch2/catch.hpp>
#include <rocksdb/env.h>

#include <cstdint>
#include <fstream>
#include <optional>
#include <string>

using namespace statefund;
using namespace statefund::store;

namespace {

std::string record(std::size_t length, char kind = 1) {
  std::string bytes("sum_", 4);
  bytes += static_cast<char>(length & 0xFFU);
  bytes += static_cast<char>(length >> 8U);
  bytes += kind;
  return bytes + std::string(length, '\0');
}

std::optional<std::uint64_t> broken_at(std::string const& block) {
  return log_file::read_block(block, log_file::depth::headers).broken_at;
}

} // namespace

TEST_CASE("a file of the log is told by its name") {
  CHECK(log_file::number_in("000123.log") == 123);
  CHECK(log_file::number_in("18446744073709551615.log") == 18446744073709551615U);
  for (auto const* name : {"000123.sst", "log", ".log", "x.log", "1x.log", "-1.log", "18446744073709551616.log"})
    CHECK_FALSE(log_file::number_in(name));
}

TEST_CASE("what is no record is found where one should begin, and nowhere else") {
  auto const records = record(300) + record(0) + record(1, 4);
  std::string const rest(1000, '\0');
  CHECK_FALSE(broken_at(""));
  CHECK_FALSE(broken_at(records));
  CHECK(broken_at(std::string(7, '\0')) == 0);
  CHECK(broken_at(records + rest) == records.size());
  CHECK(broken_at(records + rest + records) == records.size());
  CHECK(broken_at(records + "cut") == records.size());
  CHECK(broken_at(records + record(65535).substr(0, 100)) == records.size());
  for (char const kind : {'\5', '\10'}) {
    auto const found = log_file::read_block(records + record(3, kind) + rest, log_file::depth::headers);
    CHECK(found.broken_at == records.size());
    CHECK(found.any_overwritten);
  }
  for (char const kind : {'\0', '\11', '\377'}) {
    auto const found = log_file::read_block(records + record(3, kind) + rest, log_file::depth::headers);
    CHECK(found.broken_at == records.size());
    CHECK_FALSE(found.any_overwritten);
  }
}

TEST_CASE("what is left of a block holds no record") {
  auto const full = record(log_file::block_bytes - 2 * log_file::header_bytes);
  CHECK(broken_at(full + std::string(log_file::header_bytes, '\0')) == full.size());
  auto const fuller = record(log_file::block_bytes - 2 * log_file::header_bytes + 1);
  CHECK_FALSE(broken_at(fuller + std::string(log_file::header_bytes - 1, '\0')));
}

TEST_CASE("a record's checksum is of its kind and its payload") {
  // CRC-32C of 01 31 32 33 34 35 36 37 38 39, masked.
  std::string const whole("\xa8\xcb\x5f\x86\x09\x00\x01"
                          "123456789",
                          16);
  CHECK_FALSE(log_file::read_block(whole, log_file::depth::payloads).broken_at);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    auto damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x40);
    CHECK(log_file::read_block(damaged, log_file::depth::payloads).broken_at == 0);
  }
}

TEST_CASE("whole records behind a broken one are found, in its block and in those behind it") {
  std::string const whole("\xa8\xcb\x5f\x86\x09\x00\x01"
                          "123456789",
                          16);
  CHECK(log_file::has_whole_record(whole));
  CHECK(log_file::has_whole_record("no record" + whole));
  CHECK_FALSE(log_file::has_whole_record(whole.substr(0, 15)));
  CHECK_FALSE(log_file::has_whole_record(record(9) + record(300)));
  CHECK_FALSE(log_file::has_whole_record(""));

  std::string broken = whole;
  broken[5] = '\x40';
  std::string const a_block(log_file::block_bytes, '\0');
  support::temporary_directory directory;
  auto const read = [&](std::string const& bytes) {
    auto const path = directory.path() / "manifest";
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    auto seen = log_file::read(*rocksdb::Env::Default(), path.string(), log_file::depth::payloads);
    REQUIRE(seen.has_value());
    return *seen;
  };
  CHECK_FALSE(read(whole + whole).broken_at);
  CHECK_FALSE(read(whole + whole).any_whole_behind);
  CHECK(read(whole + broken).broken_at == whole.size());
  CHECK_FALSE(read(whole + broken).any_whole_behind);
  CHECK(read(whole + broken + whole).broken_at == whole.size());
  CHECK(read(whole + broken + whole).any_whole_behind);
  CHECK(read(broken + a_block.substr(broken.size()) + whole).any_whole_behind);
  CHECK(read(broken + a_block.substr(broken.size()) + a_block + whole).any_whole_behind);
  CHECK_FALSE(read(broken + a_block.substr(broken.size()) + a_block).any_whole_behind);
}
