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

unsigned kind_of(std::string_view record) noexcept {
  return static_cast<unsigned char>(record[6]);
}

// Of the record at the beginning of what is left of a block, which holds a header at least; absent: it is none of this
// store's, or is not whole.
std::optional<std::size_t> whole_record_bytes(std::string_view left, depth how) noexcept {
  auto const low = static_cast<unsigned char>(left[4]);
  auto const high = static_cast<unsigned char>(left[5]);
  std::size_t const length = low + (std::size_t{high} << 8U);
  bool const is_ours = kind_of(left) >= 1 && kind_of(left) <= 4;
  if (!is_ours || length > left.size() - header_bytes)
    return std::nullopt;
  if (how == depth::payloads && checksum_of(left.substr(6, 1 + length)) != little_endian(left.substr(0, 4)))
    return std::nullopt;
  return header_bytes + length;
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
    auto const bytes = whole_record_bytes(block.substr(at), how);
    if (!bytes) {
      auto const kind = kind_of(block.substr(at));
      found.broken_at = at;
      found.any_overwritten = kind >= 5 && kind <= 8;
      return found;
    }
    at += *bytes;
  }
  if (is_last && at < block.size())
    found.broken_at = at;
  return found;
}

bool has_whole_record(std::string_view of_block) noexcept {
  for (; of_block.size() >= header_bytes; of_block.remove_prefix(1))
    if (whole_record_bytes(of_block, depth::payloads))
      return true;
  return false;
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
    std::string_view const bytes(block.data(), block.size());
    auto const found = read_block(bytes, how);
    bool const is_first_broken = !all.broken_at && found.broken_at;
    if (is_first_broken)
      all.broken_at = begin + *found.broken_at;
    if (all.broken_at && !all.any_whole_behind)
      all.any_whole_behind = has_whole_record(is_first_broken ? bytes.substr(*found.broken_at + 1) : bytes);
    all.any_overwritten = all.any_overwritten || found.any_overwritten;
    if (block.size() < block_bytes)
      return all;
  }
}

} // namespace statefund::store::log_file
