#include "store/backup.hpp"

#include "store/directory.hpp"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/utilities/checkpoint.h>

#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>
#include <vector>

namespace statefund::store {

namespace {

error failed(std::string const& doing, std::string const& why) {
  return {errc::backup_failed, doing + ": " + why};
}

result<std::string> place_of(std::string const& directory) {
  auto const normal = std::filesystem::path(directory).lexically_normal();
  auto const place = normal.has_filename() ? normal : normal.parent_path();
  if (!place.is_absolute() || !place.has_filename())
    return error{errc::backup_refused, "'" + directory + "' is no absolute path of a new directory"};
  std::error_code why;
  auto const found = std::filesystem::symlink_status(place, why);
  if (std::filesystem::exists(found) &&
      !(std::filesystem::is_directory(found) && std::filesystem::is_empty(place, why)))
    return error{errc::backup_refused, place.string() + " is there already, and is no empty directory"};
  return place.string();
}

result<void> make_directory(std::string const& path) {
  if (::mkdir(path.c_str(), 0700) == 0)
    return {};
  if (errno == EEXIST)
    return error{errc::backup_refused, path + " is there, from a backup that did not end; remove it"};
  return error{errc::backup_refused, path + " cannot be made: " + std::strerror(errno)};
}

// The last number of the order in the copy.
result<std::uint64_t> make_checkpoint(database& from, rocksdb::Env& environment, std::string const& directory) {
  rocksdb::Checkpoint* made = nullptr;
  auto status = rocksdb::Checkpoint::Create(&from.get(), &made);
  std::unique_ptr<rocksdb::Checkpoint> const checkpoint(made);
  if (status.ok())
    status = checkpoint->CreateCheckpoint(directory + "/db",
                                          0); // flushes first: a log of which a part is not synced is no copy
  if (!status.ok())
    return failed("a checkpoint", status.ToString());
  auto const order = read_order(environment, directory);
  if (!order)
    return failed("reading the copy", order.error().to_string());
  if (order->recovered < order->witnessed)
    return failed("reading the copy", "it ends at " + std::to_string(order->recovered) + ", and was durable up to " +
                                          std::to_string(order->witnessed));
  return order->recovered;
}

// Their bytes.
result<std::uint64_t> sync_files(rocksdb::Env& environment, std::string const& directory) {
  std::vector<std::string> names;
  auto status = environment.GetChildren(directory, &names);
  std::uint64_t bytes = 0;
  for (auto const& name : names) {
    auto const path = directory + '/' + name;
    bool is_directory = false;
    if (status.ok())
      status = environment.IsDirectory(path, &is_directory);
    if (!status.ok() || is_directory)
      continue;
    std::unique_ptr<rocksdb::RandomRWFile> file;
    status = environment.NewRandomRWFile(path, &file, rocksdb::EnvOptions());
    if (status.ok())
      status = file->Fsync();
    std::uint64_t size = 0;
    if (status.ok())
      status = environment.GetFileSize(path, &size);
    bytes += size;
  }
  if (!status.ok())
    return failed("a sync of the copy", status.ToString());
  return bytes;
}

error not_synced(std::string const& path, rocksdb::Status const& why) {
  return failed("a sync of " + path, why.ToString());
}

result<backup_report> fill(database& from, std::string const& directory) {
  auto& environment = *from.get().GetEnv();
  auto const number = make_checkpoint(from, environment, directory);
  if (!number)
    return number.error();
  if (auto const promised = promise::make(environment, directory, *number); !promised)
    return failed("the promise of the copy", promised.error().detail);
  backup_report told{*number, 0, {}};
  for (auto const& of : {directory + "/db", directory}) {
    auto const bytes = sync_files(environment, of);
    if (!bytes)
      return bytes.error();
    told.bytes += *bytes;
    if (auto const synced = sync_directory(environment, of); !synced.ok())
      return not_synced(of, synced);
  }
  return told;
}

} // namespace

result<backup_report> copy_into(database& from, std::string const& directory) {
  auto const began = std::chrono::steady_clock::now();
  auto const place = place_of(directory);
  if (!place)
    return place.error();
  auto const partial = *place + ".partial";
  if (auto const made = make_directory(partial); !made)
    return made.error();
  auto told = fill(from, partial);
  std::error_code why;
  if (told)
    std::filesystem::rename(partial, *place, why);
  if (!told || why) {
    std::error_code left;
    std::filesystem::remove_all(partial, left);
    return told ? failed("renaming " + partial, why.message()) : told.error();
  }
  auto const parent = std::filesystem::path(*place).parent_path().string();
  if (auto const synced = sync_directory(*from.get().GetEnv(), parent); !synced.ok())
    return not_synced(parent, synced);
  told->took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
  return told;
}

} // namespace statefund::store
