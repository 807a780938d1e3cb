#include "store/directory.hpp"

#include "store/errc.hpp"

#include <rocksdb/env.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>

namespace statefund::store {

namespace {

error unusable(std::string const& path) {
  return {errc::directory_unusable, path + ": " + std::strerror(errno)};
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
  if ((found.st_mode & 077) != 0 && ::chmod(path.c_str(), 0700) != 0)
    return error{errc::directory_unusable, path + " is open to others: " + std::strerror(errno)};
  return {};
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
