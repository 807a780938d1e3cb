#include "store/directory.hpp"

#include "store/errc.hpp"

#include <rocksdb/env.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>

namespace statefund::store {

namespace {

error unusable(std::string const& path) {
  return {errc::directory_unusable, path + ": " + std::strerror(errno)};
}

// Of the names that are not the store's, one; empty: none.
std::string foreign_name_in(std::string const& path) {
  constexpr std::array<std::string_view, 5> expected{"db", "promise", "promise.new", "lock", "lost+found"};
  std::error_code why;
  for (auto const& one : std::filesystem::directory_iterator(path, why))
    if (auto name = one.path().filename().string(); std::find(expected.begin(), expected.end(), name) == expected.end())
      return name;
  return {};
}

} // namespace

result<void> make_private_directory(std::string const& path) {
  std::error_code why;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), why);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return unusable(path);
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0)
    return unusable(path);
  if (!S_ISDIR(found.st_mode))
    return error{errc::directory_unusable, path + " is not a directory"};
  if (found.st_uid != ::geteuid())
    return error{errc::directory_unusable, path + " belongs to the user " + std::to_string(found.st_uid) +
                                               "; it has to be the daemon's own, " + std::to_string(::geteuid())};
  if ((found.st_mode & 077) == 0)
    return {};
  if (auto const name = foreign_name_in(path); !name.empty())
    return error{errc::directory_unusable, path + " is open to others and holds " + name +
                                               ", which is not statefund's; the store needs a directory of its own"};
  if (::chmod(path.c_str(), 0700) != 0)
    return error{errc::directory_unusable, path + " is open to others: " + std::strerror(errno)};
  return {};
}

result<void> can_be_opened(std::string const& path) {
  int const opened = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (opened < 0)
    return unusable(path);
  ::close(opened);
  return {};
}

result<bool> is_there(rocksdb::Env& environment, std::string const& path) {
  auto const found = environment.FileExists(path);
  if (!found.ok() && !found.IsNotFound())
    return error{errc::directory_unusable, path + ": " + found.ToString()};
  struct stat own {};
  // To RocksDB what it may not look at is not there.
  if (!found.ok() && ::stat(path.c_str(), &own) != 0 && errno != ENOENT)
    return unusable(path);
  return found.ok();
}

result<void> sync_names_to(rocksdb::Env& environment, std::string const& path) {
  std::error_code why;
  auto below = std::filesystem::canonical(path, why);
  if (why)
    return error{errc::directory_unusable, path + ": " + why.message()};
  struct stat own {};
  if (::stat(below.c_str(), &own) != 0)
    return unusable(path);
  for (; below.has_relative_path(); below = below.parent_path()) {
    auto const above = below.parent_path().string();
    struct stat found {};
    if (::stat(above.c_str(), &found) != 0)
      return unusable(above);
    if (found.st_dev != own.st_dev)
      break;
    // What may neither be read nor written was not made by this process, which cannot sync it either.
    if (::access(above.c_str(), R_OK) != 0 && ::access(above.c_str(), W_OK) != 0)
      continue;
    if (auto const synced = sync_directory(environment, above); !synced.ok())
      return error{errc::directory_unusable, above + ": " + synced.ToString()};
  }
  return {};
}

rocksdb::Status sync_directory(rocksdb::Env& environment, std::string const& path) {
  std::unique_ptr<rocksdb::Directory> own;
  auto const opened = environment.NewDirectory(path, &own);
  return opened.ok() ? own->Fsync() : opened;
}

} // namespace statefund::store
