#pragma once

#include "crash/disk_image.hpp"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace statefund::crash {

enum class fault_cause {
  input_output, // EIO
  no_space,     // ENOSPC
};
enum class fault_end {
  heals, // one step fails
  stays, // every step from then on does, on any file
};

struct fault {
  file_kind kind = file_kind::log;
  std::size_t at_step = 0; // of those on files of this kind, 0 being the first
  fault_cause cause = fault_cause::input_output;
  fault_end end = fault_end::heals;
};

// A disk in memory as RocksDB's file system. It keeps every step that changes it, and can fail one. Any thread. While a
// database has it open it is not copied.
class faulty_disk final : public rocksdb::FileSystem {
 public:
  explicit faulty_disk(disk_image before = {});

  // That step does not come about. Of an append half the bytes do.
  void fail(fault const& chosen);
  // Likewise, of reads.
  void fail_read(std::size_t at_read);
  // Nothing fails from here on.
  void heal();

  std::size_t steps_count() const;
  std::size_t reads_count() const;
  std::optional<disk_step> failed_step() const; // the first one
  bool has_failed_read() const;
  std::vector<disk_step> steps() const;
  disk_image image() const;

  char const* Name() const override { return "statefund.faulty_disk"; }
  rocksdb::IOStatus NewSequentialFile(std::string const& path, rocksdb::FileOptions const&,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* opened,
                                      rocksdb::IODebugContext*) override;
  rocksdb::IOStatus NewRandomAccessFile(std::string const& path, rocksdb::FileOptions const&,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* opened,
                                        rocksdb::IODebugContext*) override;
  rocksdb::IOStatus NewWritableFile(std::string const& path, rocksdb::FileOptions const&,
                                    std::unique_ptr<rocksdb::FSWritableFile>* opened,
                                    rocksdb::IODebugContext*) override;
  rocksdb::IOStatus NewRandomRWFile(std::string const& path, rocksdb::FileOptions const&,
                                    std::unique_ptr<rocksdb::FSRandomRWFile>* opened,
                                    rocksdb::IODebugContext*) override;
  rocksdb::IOStatus NewDirectory(std::string const& path, rocksdb::IOOptions const&,
                                 std::unique_ptr<rocksdb::FSDirectory>* opened, rocksdb::IODebugContext*) override;
  rocksdb::IOStatus FileExists(std::string const& path, rocksdb::IOOptions const&, rocksdb::IODebugContext*) override;
  rocksdb::IOStatus GetChildren(std::string const& directory, rocksdb::IOOptions const&,
                                std::vector<std::string>* children, rocksdb::IODebugContext*) override;
  rocksdb::IOStatus DeleteFile(std::string const& path, rocksdb::IOOptions const&, rocksdb::IODebugContext*) override;
  rocksdb::IOStatus CreateDir(std::string const& path, rocksdb::IOOptions const&, rocksdb::IODebugContext*) override;
  rocksdb::IOStatus CreateDirIfMissing(std::string const& path, rocksdb::IOOptions const&,
                                       rocksdb::IODebugContext*) override;
  rocksdb::IOStatus DeleteDir(std::string const& path, rocksdb::IOOptions const&, rocksdb::IODebugContext*) override;
  rocksdb::IOStatus GetFileSize(std::string const& path, rocksdb::IOOptions const&, std::uint64_t* bytes,
                                rocksdb::IODebugContext*) override;
  rocksdb::IOStatus GetFileModificationTime(std::string const& path, rocksdb::IOOptions const&, std::uint64_t* time,
                                            rocksdb::IODebugContext*) override;
  rocksdb::IOStatus RenameFile(std::string const& from, std::string const& to, rocksdb::IOOptions const&,
                               rocksdb::IODebugContext*) override;
  rocksdb::IOStatus LinkFile(std::string const& from, std::string const& to, rocksdb::IOOptions const&,
                             rocksdb::IODebugContext*) override;
  rocksdb::IOStatus LockFile(std::string const& path, rocksdb::IOOptions const&, rocksdb::FileLock** held,
                             rocksdb::IODebugContext*) override;
  rocksdb::IOStatus UnlockFile(rocksdb::FileLock* held, rocksdb::IOOptions const&, rocksdb::IODebugContext*) override;
  rocksdb::IOStatus GetTestDirectory(rocksdb::IOOptions const&, std::string*, rocksdb::IODebugContext*) override;
  rocksdb::IOStatus NewLogger(std::string const&, rocksdb::IOOptions const&, std::shared_ptr<rocksdb::Logger>* made,
                              rocksdb::IODebugContext*) override;
  rocksdb::IOStatus GetAbsolutePath(std::string const& path, rocksdb::IOOptions const&, std::string* absolute,
                                    rocksdb::IODebugContext*) override;
  rocksdb::IOStatus GetFreeSpace(std::string const&, rocksdb::IOOptions const&, std::uint64_t* bytes,
                                 rocksdb::IODebugContext*) override;
  rocksdb::IOStatus IsDirectory(std::string const& path, rocksdb::IOOptions const&, bool* is,
                                rocksdb::IODebugContext*) override;

  // For its files.
  rocksdb::IOStatus take(disk_step step);
  rocksdb::IOStatus read(std::uint64_t file, std::uint64_t offset, std::size_t count, rocksdb::Slice* found,
                         char* into) const;
  std::size_t size_of(std::uint64_t file) const;

 private:
  rocksdb::IOStatus take_locked(disk_step step);

  mutable std::mutex mutex_;
  disk_image image_;
  std::vector<disk_step> steps_;
  std::map<file_kind, std::size_t> steps_by_kind_; // with those that failed
  std::uint64_t next_file_;
  std::optional<fault> fault_;
  std::optional<std::size_t> failing_read_;
  mutable std::size_t reads_count_ = 0;
  std::optional<disk_step> failed_step_;
  std::set<std::string> locked_;
};

// With the threads of the process's own environment. RocksDB sleeps for a second after a failure; here it does not.
std::unique_ptr<rocksdb::Env> make_environment(std::shared_ptr<faulty_disk> const& on);

} // namespace statefund::crash
