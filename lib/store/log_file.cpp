#include "store/log_file.hpp"

#include "store/errc.hpp"

#include <boost/crc.hpp>
#include <rocksdb/env.h>

#include <bit>
#include <charconv>
#include <memory>

namespace statefund::store::log_file {

namespace {

std::uint32_t little_endian(std::string_view bytes) noexcept {
  std::uint32_t value = 0;
  for (auto const byte : {bytes[3], bytes[2], bytes[1], bytes[0]})
    value = value << 8U | static_cast<unsigned char>(byte);
  return value;
}

std::uint32_t checksum_of(std::string_view kind_and_payload) noexcept {
  boost::crc_optimal<32, 0x1edc6f41, 0xffffffff, 0xffffffff, true, true> sum;
  sum.process_bytes(kind_and_payload.data(), kind_and_payload.size());
  return std::rotr(static_cast<std::uint32_t>(sum.checksum()), 15) + 0xa282ead8U;
}

} // namespace

std::optional<std::uint64_t> number_in(std::string_view name) noexcept {
  constexpr std::string_view ending = ".log";
  if (!name.ends_with(ending))
    return std::nullopt;
  name.remove_suffix(ending.size());
  std::uint64_t number = 0;
  auto const [end, why] = std::from_chars(name.data(), name.data() + name.size(), number);
  bool const is_number = why == std::errc() && end == name.data() + name.size();
  return is_number ? std::optional(number) : std::nullopt;
}

seen read_block(std::string_view block, depth how) noexcept {
  seen found;
  bool const is_last = block.size() < block_bytes;
  std::size_t at = 0;
  while (at + header_bytes <= block.size()) {
    auto const low = static_cast<unsigned char>(block[at + 4]);
    auto const high = static_cast<unsigned char>(block[at + 5]);
    auto const kind = static_cast<unsigned char>(block[at + 6]);
    std::size_t const length = low + (std::size_t{high} << 8U);
    bool const is_ours = kind >= 1 && kind <= 4;
    bool const has_room = length <= block.size() - at - header_bytes;
    bool const is_whole =
        is_ours && has_room &&
        (how == depth::headers || checksum_of(block.substr(at + 6, 1 + length)) == little_endian(block.substr(at, 4)));
    if (!is_whole) {
      found.broken_at = at;
      found.any_overwritten = kind >= 5 && kind <= 8;
      return found;
    }
    at += header_bytes + length;
  }
  if (is_last && at < block.size())
    found.broken_at = at;
  return found;
}

result<seen> read(rocksdb::Env& environment, std::string const& path, depth how) {
  auto const unreadable = [&path](rocksdb::Status const& why) {
    return error{errc::directory_unusable, path + ": " + why.ToString()};
  };
  std::unique_ptr<rocksdb::SequentialFile> file;
  if (auto const opened = environment.NewSequentialFile(path, &file, rocksdb::EnvOptions()); !opened.ok())
    return unreadable(opened);
  seen all;
  std::string into(block_bytes, '\0');
  for (std::uint64_t begin = 0;; begin += block_bytes) {
    rocksdb::Slice block;
    if (auto const got = file->Read(block_bytes, &block, into.data()); !got.ok())
      return unreadable(got);
    auto const found = read_block({block.data(), block.size()}, how);
    if (!all.broken_at && found.broken_at)
      all.broken_at = begin + *found.broken_at;
    all.any_overwritten = all.any_overwritten || found.any_overwritten;
    if (block.size() < block_bytes)
      return all;
  }
}

} // namespace statefund::store::log_file
