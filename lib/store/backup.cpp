#include "store/backup.hpp"

#include "store/directory.hpp"
#include "store/kept_order.hpp"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/metadata.h>
#include <rocksdb/options.h>

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>
#include <vector>

namespace statefund::store {

namespace {

constexpr std::size_t copied_at_once_bytes = 1U << 20U;

error failed(std::string const& doing, rocksdb::Status const& why) {
  return {errc::backup_failed, doing + ": " + why.ToString()};
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
  if (struct stat own{}, above{}; ::stat(place.c_str(), &own) == 0 &&
                                  ::stat(place.parent_path().c_str(), &above) == 0 && own.st_dev != above.st_dev)
    return error{errc::backup_refused, place.string() + " is where a file system begins, and a copy gets its name once "
                                                        "it is whole; name a new directory in it"};
  return place.string();
}

result<void> make_directory(rocksdb::Env& environment, std::string const& path) {
  if (::mkdir(path.c_str(), 0700) != 0)
    return error{errc::backup_refused, errno == EEXIST ? path + " is there, from a backup that did not end; remove it"
                                                       : path + " cannot be made: " + std::strerror(errno)};
  // An environment may have files of its own.
  if (auto const made = environment.CreateDirIfMissing(path); !made.ok())
    return error{errc::backup_refused, path + " cannot be made: " + made.ToString()};
  return {};
}

struct file_deletions_held_off {
  rocksdb::DB& in;
  ~file_deletions_held_off() { in.EnableFileDeletions(false).PermitUncheckedError(); }
};

// RocksDB's files as they are at one moment, and where they go.
struct copying {
  rocksdb::Env& environment;
  std::string const& into;
  std::atomic<bool> const& cancelled;

  rocksdb::Status copy(rocksdb::LiveFileStorageInfo const& file, std::string const& to) const;
  rocksdb::Status place(rocksdb::LiveFileStorageInfo const& file) const;
};

rocksdb::Status copying::copy(rocksdb::LiveFileStorageInfo const& file, std::string const& to) const {
  std::unique_ptr<rocksdb::SequentialFile> from;
  std::unique_ptr<rocksdb::WritableFile> copied;
  auto status = environment.NewSequentialFile(file.directory + '/' + file.relative_filename, &from, {});
  if (status.ok())
    status = environment.NewWritableFile(to, &copied, {});
  std::string room(copied_at_once_bytes, '\0');
  for (auto left = file.size; status.ok() && left > 0;) {
    if (cancelled)
      return rocksdb::Status::Aborted("it is cancelled");
    rocksdb::Slice part;
    status = from->Read(std::min<std::uint64_t>(left, room.size()), &part, room.data());
    if (status.ok() && part.empty())
      status = rocksdb::Status::Corruption(file.relative_filename + " is too short");
    if (status.ok())
      status = copied->Append(part);
    left -= part.size();
  }
  return status.ok() ? copied->Close() : status;
}

// Durable but for its name. On one file system what does not change any more is the same file.
rocksdb::Status copying::place(rocksdb::LiveFileStorageInfo const& file) const {
  auto const to = into + '/' + file.relative_filename;
  if (cancelled)
    return rocksdb::Status::Aborted("it is cancelled");
  auto placed = rocksdb::Status::NotSupported();
  if (!file.replacement_contents.empty())
    placed = rocksdb::WriteStringToFile(&environment, file.replacement_contents, to);
  else if (!file.trim_to_size)
    placed = environment.LinkFile(file.directory + '/' + file.relative_filename, to);
  if (placed.IsNotSupported())
    placed = copy(file, to);
  std::unique_ptr<rocksdb::RandomRWFile> own;
  if (placed.ok())
    placed = environment.NewRandomRWFile(to, &own, {});
  return placed.ok() ? own->Fsync() : placed;
}

// Their bytes.
result<std::uint64_t> copy_files(database& from, std::string const& into, std::atomic<bool> const& cancelled) {
  auto& db = from.get();
  std::vector<rocksdb::LiveFileStorageInfo> files;
  if (auto const held = db.DisableFileDeletions(); !held.ok())
    return failed("holding off deletions", held);
  file_deletions_held_off const until_the_end{db};
  // Flushes first.
  if (auto const listed = db.GetLiveFilesStorageInfo({}, &files); !listed.ok())
    return failed("a list of the files", listed);
  copying const to{*db.GetEnv(), into, cancelled};
  auto status = to.environment.CreateDir(into);
  std::uint64_t bytes = 0;
  for (auto file = files.begin(); status.ok() && file != files.end(); ++file) {
    status = to.place(*file);
    bytes += file->size;
  }
  if (status.ok())
    status = sync_directory(to.environment, into);
  if (!status.ok())
    return failed("a copy of the files", status);
  return bytes;
}

// The last number of the order in the copy.
result<std::uint64_t> number_in(rocksdb::Env& environment, std::string const& directory, std::uint64_t written) {
  auto const order = read_order(environment, directory);
  if (!order)
    return error{errc::backup_failed, "reading the copy: " + order.error().to_string()};
  if (auto const expected = std::max(written, order->witnessed); order->recovered < expected)
    return error{errc::backup_failed, "the copy ends at " + std::to_string(order->recovered) +
                                          ", and what it was made of held more: " + std::to_string(expected)};
  return order->recovered;
}

result<backup_report> fill(database& from, std::string const& directory, std::atomic<bool> const& cancelled) {
  auto& environment = *from.get().GetEnv();
  auto const written = read_head(from.get());
  if (!written)
    return error{errc::backup_failed, written.error().to_string()};
  auto const bytes = copy_files(from, directory + "/db", cancelled);
  if (!bytes)
    return bytes.error();
  auto const number = number_in(environment, directory, written->last_number);
  if (!number)
    return number.error();
  if (auto const promised = promise::make(environment, directory, *number); !promised)
    return error{errc::backup_failed, "the promise of the copy: " + promised.error().detail};
  return backup_report{*number, *bytes, {}};
}

} // namespace

result<backup_report> copy_into(database& from, std::string const& directory, std::atomic<bool> const& cancelled) {
  auto const began = std::chrono::steady_clock::now();
  auto& environment = *from.get().GetEnv();
  auto const place = place_of(directory);
  if (!place)
    return place.error();
  auto const partial = *place + ".partial";
  if (auto const made = make_directory(environment, partial); !made)
    return made.error();
  auto told = fill(from, partial, cancelled);
  if (told)
    if (auto const renamed = environment.RenameFile(partial, *place); !renamed.ok())
      told = failed("renaming " + partial, renamed);
  if (!told) {
    std::error_code left;
    std::filesystem::remove_all(partial, left);
    return told.error();
  }
  auto const parent = std::filesystem::path(*place).parent_path().string();
  if (auto const synced = sync_directory(environment, parent); !synced.ok())
    return failed("a sync of " + parent, synced);
  told->took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
  return told;
}

} // namespace statefund::store
