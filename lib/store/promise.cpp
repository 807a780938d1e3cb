#include "store/promise.hpp"

#include "store/directory.hpp"
#include "store/errc.hpp"
#include "store/row_parts.hpp"

#include <rocksdb/env.h>
#include <zlib.h>

#include <algorithm>
#include <array>

namespace statefund::store {

namespace {

constexpr std::string_view magic = "promise1";
constexpr std::array<std::uint64_t, 2> slots{0, 512};
constexpr std::size_t signed_bytes = 16;
constexpr std::size_t slot_bytes = signed_bytes + 4;

std::uint32_t checksum_of(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32(0, reinterpret_cast<unsigned char const*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

std::string slot_of(std::uint64_t number) {
  std::string slot(magic);
  put_number(slot, number);
  put_index(slot, checksum_of(slot));
  return slot;
}

std::optional<std::uint64_t> parse(std::string_view slot) {
  std::uint64_t number = 0;
  key_reader in(slot.substr(std::min(slot.size(), magic.size())));
  if (slot.size() != slot_bytes || !in.take(number) || slot_of(number) != slot)
    return std::nullopt;
  return number;
}

std::string path_of(std::string const& directory) {
  return directory + '/' + promise::file_name;
}

error unusable(rocksdb::Status const& why, std::string const& path) {
  return {errc::directory_unusable, path + ": " + why.ToString()};
}

} // namespace

result<std::optional<std::uint64_t>> promise::read(rocksdb::Env& environment, std::string const& directory) {
  auto const path = path_of(directory);
  auto const there = is_there(environment, path);
  if (!there)
    return there.error();
  if (!*there)
    return std::optional<std::uint64_t>();
  std::string all;
  if (auto const read = rocksdb::ReadFileToString(&environment, path, &all); !read.ok())
    return unusable(read, path);
  std::optional<std::uint64_t> found;
  for (auto const at : slots)
    if (at < all.size())
      if (auto const number = parse(std::string_view(all).substr(at, slot_bytes)))
        found = std::max(found.value_or(0), *number);
  if (!found)
    return error{errc::row_damaged, path + " holds no whole slot"};
  return found;
}

result<void> promise::make(rocksdb::Env& environment, std::string const& directory, std::uint64_t number) {
  auto const path = path_of(directory);
  auto whole = slot_of(number);
  whole.resize(slots[1], '\0');
  whole += slot_of(number);
  auto const beside = path + ".new";
  auto done = rocksdb::WriteStringToFile(&environment, whole, beside, true);
  if (done.ok())
    done = environment.RenameFile(beside, path);
  if (done.ok())
    done = sync_directory(environment, directory);
  if (!done.ok())
    return unusable(done, path);
  return {};
}

result<promise> promise::open(rocksdb::Env& environment, std::string const& directory) {
  std::unique_ptr<rocksdb::RandomRWFile> file;
  auto const path = path_of(directory);
  if (auto const opened = environment.NewRandomRWFile(path, &file, rocksdb::EnvOptions()); !opened.ok())
    return unusable(opened, path);
  return promise(std::move(file));
}

promise::promise(std::unique_ptr<rocksdb::RandomRWFile> file) : file_(std::move(file)) {}
promise::promise(promise&&) noexcept = default;
promise::~promise() = default;

result<void> promise::write(std::uint64_t number) {
  second_slot_ = !second_slot_;
  if (auto const written = file_->Write(slots[second_slot_ ? 1 : 0], slot_of(number)); !written.ok())
    return error{errc::lost, "the promise file: " + written.ToString()};
  return {};
}

result<void> promise::sync() {
  if (auto const synced = file_->Sync(); !synced.ok())
    return error{errc::lost, "the promise file: " + synced.ToString()};
  return {};
}

} // namespace statefund::store
