#pragma once

#include "error/result.hpp"

#include <string>

namespace rocksdb {
class Env;
class Status;
} // namespace rocksdb

namespace statefund::store {

// Makes a data directory, with what is missing above it, or takes the one that is there, which has to be the process's
// own, and shuts it to others; not where it holds anything else. Not on the disk yet. errc::directory_unusable.
result<void> make_private_directory(std::string const& path);

// Whether the process could write this file, which is made where it is missing: who could, and cannot lock it, knows
// that another process has. Takes locks back that this process has on it. errc::directory_unusable.
result<void> can_be_opened(std::string const& path);

// Whether there is such a file or directory. errc::directory_unusable: it cannot be told, for want of a permission say.
result<bool> is_there(rocksdb::Env& environment, std::string const& path);

// Onto the disk: the directory's name and those above it, by whomever they were made, up to where its file system
// begins. errc::directory_unusable.
result<void> sync_names_to(rocksdb::Env& environment, std::string const& path);

// Onto the disk: the names in it.
rocksdb::Status sync_directory(rocksdb::Env& environment, std::string const& path);

} // namespace statefund::store
