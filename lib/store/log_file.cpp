#include "store/log_file.hpp"

#include "store/errc.hpp"

#include <rocksdb/env.h>

#include <charconv>
#include <memory>

namespace statefund::store::log_file {

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

std::optional<std::size_t> find_zeros_in_block(std::string_view block) noexcept {
  for (std::size_t at = 0; at + header_bytes <= block.size();) {
    auto const low = static_cast<unsigned char>(block[at + 4]);
    auto const high = static_cast<unsigned char>(block[at + 5]);
    std::size_t const length = low + (std::size_t{high} << 8U);
    if (length == 0 && block[at + 6] == 0)
      return at;
    at += header_bytes + length;
  }
  return std::nullopt;
}

result<std::optional<std::uint64_t>> find_zeros(rocksdb::Env& environment, std::string const& path) {
  auto const unreadable = [&path](rocksdb::Status const& why) {
    return error{errc::directory_unusable, path + ": " + why.ToString()};
  };
  std::unique_ptr<rocksdb::SequentialFile> file;
  if (auto const opened = environment.NewSequentialFile(path, &file, rocksdb::EnvOptions()); !opened.ok())
    return unreadable(opened);
  std::string into(block_bytes, '\0');
  for (std::uint64_t begin = 0;; begin += block_bytes) {
    rocksdb::Slice block;
    if (auto const read = file->Read(block_bytes, &block, into.data()); !read.ok())
      return unreadable(read);
    if (auto const at = find_zeros_in_block({block.data(), block.size()}))
      return std::optional(begin + *at);
    if (block.size() < block_bytes)
      return std::optional<std::uint64_t>();
  }
}

} // namespace statefund::store::log_file
