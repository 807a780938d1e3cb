#include "crash/faulty_disk.hpp"

#include <rocksdb/system_clock.h>

#include <algorithm>
#include <thread>
#include <utility>

namespace statefund::crash {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

namespace {

class sequential_file final : public rocksdb::FSSequentialFile {
 public:
  sequential_file(faulty_disk& on, std::uint64_t file) : disk_(on), file_(file) {}

  IOStatus Read(std::size_t count, IOOptions const&, Slice* found, char* into, IODebugContext*) override {
    auto const status = disk_.read(file_, at_, count, found, into);
    at_ += status.ok() ? found->size() : 0;
    return status;
  }
  IOStatus Skip(std::uint64_t count) override {
    at_ += count;
    return IOStatus::OK();
  }

 private:
  faulty_disk& disk_;
  std::uint64_t const file_;
  std::uint64_t at_ = 0;
};

class random_file final : public rocksdb::FSRandomAccessFile {
 public:
  random_file(faulty_disk& on, std::uint64_t file) : disk_(on), file_(file) {}

  IOStatus Read(std::uint64_t offset, std::size_t count, IOOptions const&, Slice* found, char* into,
                IODebugContext*) const override {
    return disk_.read(file_, offset, count, found, into);
  }

 private:
  faulty_disk& disk_;
  std::uint64_t const file_;
};

class writable_file final : public rocksdb::FSWritableFile {
 public:
  writable_file(faulty_disk& on, std::uint64_t file, std::string path)
      : disk_(on),
        file_(file),
        path_(std::move(path)) {}

  using FSWritableFile::Append;
  IOStatus Append(Slice const& bytes, IOOptions const&, IODebugContext*) override {
    return disk_.take({step_verb::append, file_, path_, {}, 0, bytes.ToString()});
  }
  IOStatus Close(IOOptions const&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Flush(IOOptions const&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(IOOptions const&, IODebugContext*) override {
    return disk_.take({step_verb::sync, file_, path_, {}, 0, {}});
  }
  bool IsSyncThreadSafe() const override { return true; }
  std::uint64_t GetFileSize(IOOptions const&, IODebugContext*) override { return disk_.size_of(file_); }

 private:
  faulty_disk& disk_;
  std::uint64_t const file_;
  std::string const path_;
};

class overwritten_file final : public rocksdb::FSRandomRWFile {
 public:
  overwritten_file(faulty_disk& on, std::uint64_t file, std::string path)
      : disk_(on),
        file_(file),
        path_(std::move(path)) {}

  IOStatus Write(std::uint64_t offset, Slice const& bytes, IOOptions const&, IODebugContext*) override {
    return disk_.take({step_verb::overwrite, file_, path_, {}, static_cast<std::size_t>(offset), bytes.ToString()});
  }
  IOStatus Read(std::uint64_t offset, std::size_t count, IOOptions const&, Slice* found, char* into,
                IODebugContext*) const override {
    return disk_.read(file_, offset, count, found, into);
  }
  IOStatus Flush(IOOptions const&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(IOOptions const&, IODebugContext*) override {
    return disk_.take({step_verb::sync, file_, path_, {}, 0, {}});
  }
  IOStatus Close(IOOptions const&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  faulty_disk& disk_;
  std::uint64_t const file_;
  std::string const path_;
};

class directory final : public rocksdb::FSDirectory {
 public:
  directory(faulty_disk& on, std::string path) : disk_(on), path_(std::move(path)) {}

  IOStatus Fsync(IOOptions const&, IODebugContext*) override {
    return disk_.take({step_verb::sync_directory, 0, path_, {}, 0, {}});
  }
  IOStatus Close(IOOptions const&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  faulty_disk& disk_;
  std::string const path_;
};

class no_logger final : public rocksdb::Logger {
 public:
  using Logger::Logv;
  void Logv(char const*, va_list) override {}
  std::size_t GetLogFileSize() const override { return 0; }
};

struct held_lock final : rocksdb::FileLock {
  explicit held_lock(std::string of) : path(std::move(of)) {}
  std::string const path;
};

class sleepless_clock final : public rocksdb::SystemClockWrapper {
 public:
  using SystemClockWrapper::SystemClockWrapper;
  char const* Name() const override { return "statefund.sleepless_clock"; }
  void SleepForMicroseconds(int) override { std::this_thread::yield(); }
};

class sleepless_environment final : public rocksdb::EnvWrapper {
 public:
  explicit sleepless_environment(std::shared_ptr<faulty_disk> const& on) : EnvWrapper(rocksdb::NewCompositeEnv(on)) {
    file_system_ = on;
    system_clock_ = std::make_shared<sleepless_clock>(rocksdb::SystemClock::Default());
  }
  char const* Name() const override { return "statefund.sleepless_environment"; }
};

IOStatus not_found(std::string const& path) {
  return IOStatus::PathNotFound(path);
}

// RocksDB writes some paths with two slashes.
std::string normal(std::string path) {
  for (auto at = path.find("//"); at != std::string::npos; at = path.find("//"))
    path.erase(at, 1);
  if (path.size() > 1 && path.back() == '/')
    path.pop_back();
  return path;
}

} // namespace

faulty_disk::faulty_disk(disk_image before) : image_(std::move(before)), next_file_(image_.next_file()) {}

void faulty_disk::fail(fault const& chosen) {
  std::lock_guard const lock(mutex_);
  fault_ = chosen;
}

void faulty_disk::fail_read(std::size_t at_read) {
  std::lock_guard const lock(mutex_);
  failing_read_ = at_read;
}

void faulty_disk::heal() {
  std::lock_guard const lock(mutex_);
  fault_.reset();
  failing_read_.reset();
}

std::size_t faulty_disk::steps_count() const {
  std::lock_guard const lock(mutex_);
  return steps_.size();
}

std::size_t faulty_disk::reads_count() const {
  std::lock_guard const lock(mutex_);
  return reads_count_;
}

std::optional<disk_step> faulty_disk::failed_step() const {
  std::lock_guard const lock(mutex_);
  return failed_step_;
}

bool faulty_disk::has_failed_read() const {
  std::lock_guard const lock(mutex_);
  return failing_read_ && reads_count_ > *failing_read_;
}

std::vector<disk_step> faulty_disk::steps() const {
  std::lock_guard const lock(mutex_);
  return steps_;
}

disk_image faulty_disk::image() const {
  std::lock_guard const lock(mutex_);
  return image_;
}

IOStatus faulty_disk::take(disk_step step) {
  std::lock_guard const lock(mutex_);
  return take_locked(std::move(step));
}

IOStatus faulty_disk::take_locked(disk_step step) {
  auto const number = steps_by_kind_[step.kind()]++;
  bool const is_it = fault_ && step.kind() == fault_->kind && number == fault_->at_step;
  bool const fails = is_it || (fault_ && fault_->end == fault_end::stays && failed_step_);
  auto failure = IOStatus::OK();
  if (fails) {
    if (!failed_step_)
      failed_step_ = step;
    failure = fault_->cause == fault_cause::no_space ? IOStatus::NoSpace(step.path) : IOStatus::IOError(step.path);
    failure.SetRetryable(fault_->cause == fault_cause::no_space);
    if (step.verb == step_verb::append)
      step.bytes.resize(step.bytes.size() / 2);
    else if (step.verb == step_verb::sync)
      step.verb = step_verb::lose_sync;
    else
      return failure;
  }
  image_.apply(step);
  steps_.push_back(std::move(step));
  return failure;
}

IOStatus faulty_disk::read(std::uint64_t file, std::uint64_t offset, std::size_t count, Slice* found,
                           char* into) const {
  std::lock_guard const lock(mutex_);
  if (reads_count_++ == failing_read_)
    return IOStatus::IOError("a read");
  auto const& content = image_.content(file);
  auto const start = std::min(static_cast<std::size_t>(offset), content.size());
  auto const bytes = content.copy(into, count, start);
  *found = Slice(into, bytes);
  return IOStatus::OK();
}

std::size_t faulty_disk::size_of(std::uint64_t file) const {
  std::lock_guard const lock(mutex_);
  return image_.content(file).size();
}

IOStatus faulty_disk::NewSequentialFile(std::string const& path, rocksdb::FileOptions const&,
                                        std::unique_ptr<rocksdb::FSSequentialFile>* opened, IODebugContext*) {
  std::lock_guard const lock(mutex_);
  if (!image_.has(normal(path)))
    return not_found(path);
  *opened = std::make_unique<sequential_file>(*this, image_.file_at(normal(path)));
  return IOStatus::OK();
}

IOStatus faulty_disk::NewRandomAccessFile(std::string const& path, rocksdb::FileOptions const&,
                                          std::unique_ptr<rocksdb::FSRandomAccessFile>* opened, IODebugContext*) {
  std::lock_guard const lock(mutex_);
  if (!image_.has(normal(path)))
    return not_found(path);
  *opened = std::make_unique<random_file>(*this, image_.file_at(normal(path)));
  return IOStatus::OK();
}

IOStatus faulty_disk::NewWritableFile(std::string const& path, rocksdb::FileOptions const&,
                                      std::unique_ptr<rocksdb::FSWritableFile>* opened, IODebugContext*) {
  std::lock_guard const lock(mutex_);
  auto const file = next_file_++;
  auto const created = take_locked({step_verb::create, file, normal(path), {}, 0, {}});
  if (created.ok())
    *opened = std::make_unique<writable_file>(*this, file, normal(path));
  return created;
}

IOStatus faulty_disk::NewRandomRWFile(std::string const& path, rocksdb::FileOptions const&,
                                      std::unique_ptr<rocksdb::FSRandomRWFile>* opened, IODebugContext*) {
  std::lock_guard const lock(mutex_);
  if (!image_.has(normal(path)))
    return not_found(path);
  *opened = std::make_unique<overwritten_file>(*this, image_.file_at(normal(path)), normal(path));
  return IOStatus::OK();
}

IOStatus faulty_disk::NewDirectory(std::string const& path, IOOptions const&,
                                   std::unique_ptr<rocksdb::FSDirectory>* opened, IODebugContext*) {
  *opened = std::make_unique<directory>(*this, normal(path));
  return IOStatus::OK();
}

IOStatus faulty_disk::FileExists(std::string const& path, IOOptions const&, IODebugContext*) {
  std::lock_guard const lock(mutex_);
  return image_.has(normal(path)) ? IOStatus::OK() : IOStatus::NotFound(path);
}

IOStatus faulty_disk::GetChildren(std::string const& path, IOOptions const&, std::vector<std::string>* children,
                                  IODebugContext*) {
  std::lock_guard const lock(mutex_);
  *children = image_.children_of(normal(path));
  return children->empty() && !image_.is_directory(normal(path)) ? IOStatus::NotFound(path) : IOStatus::OK();
}

IOStatus faulty_disk::DeleteFile(std::string const& path, IOOptions const&, IODebugContext*) {
  std::lock_guard const lock(mutex_);
  if (!image_.has(normal(path)))
    return not_found(path);
  return take_locked({step_verb::remove, image_.file_at(normal(path)), normal(path), {}, 0, {}});
}

IOStatus faulty_disk::CreateDir(std::string const& path, IOOptions const&, IODebugContext*) {
  std::lock_guard const lock(mutex_);
  if (image_.has(normal(path)))
    return IOStatus::IOError(path + " is there");
  return take_locked({step_verb::make_directory, 0, normal(path), {}, 0, {}});
}

IOStatus faulty_disk::CreateDirIfMissing(std::string const& path, IOOptions const& options, IODebugContext* debug) {
  return FileExists(path, options, debug).ok() ? IOStatus::OK() : CreateDir(path, options, debug);
}

IOStatus faulty_disk::DeleteDir(std::string const&, IOOptions const&, IODebugContext*) {
  return IOStatus::NotSupported("nobody deletes directories");
}

IOStatus faulty_disk::GetFileSize(std::string const& path, IOOptions const&, std::uint64_t* bytes, IODebugContext*) {
  std::lock_guard const lock(mutex_);
  if (!image_.has(normal(path)))
    return not_found(path);
  *bytes = image_.content(image_.file_at(normal(path))).size();
  return IOStatus::OK();
}

IOStatus faulty_disk::GetFileModificationTime(std::string const&, IOOptions const&, std::uint64_t* time,
                                              IODebugContext*) {
  *time = 0;
  return IOStatus::OK();
}

IOStatus faulty_disk::RenameFile(std::string const& from, std::string const& to, IOOptions const&, IODebugContext*) {
  std::lock_guard const lock(mutex_);
  if (!image_.has(normal(from)))
    return not_found(from);
  return take_locked({step_verb::rename, image_.file_at(normal(from)), normal(from), normal(to), 0, {}});
}

IOStatus faulty_disk::LinkFile(std::string const& from, std::string const& to, IOOptions const&, IODebugContext*) {
  std::lock_guard const lock(mutex_);
  if (!image_.has(normal(from)))
    return not_found(from);
  return take_locked({step_verb::link, image_.file_at(normal(from)), normal(to), {}, 0, {}});
}

IOStatus faulty_disk::LockFile(std::string const& path, IOOptions const&, rocksdb::FileLock** held, IODebugContext*) {
  std::lock_guard const lock(mutex_);
  if (!locked_.insert(normal(path)).second)
    return IOStatus::IOError(path + " is locked");
  *held = new held_lock(normal(path));
  return IOStatus::OK();
}

IOStatus faulty_disk::UnlockFile(rocksdb::FileLock* held, IOOptions const&, IODebugContext*) {
  std::lock_guard const lock(mutex_);
  std::unique_ptr<held_lock> const own(static_cast<held_lock*>(held));
  locked_.erase(own->path);
  return IOStatus::OK();
}

IOStatus faulty_disk::GetTestDirectory(IOOptions const&, std::string*, IODebugContext*) {
  return IOStatus::NotSupported("nobody asks for it");
}

IOStatus faulty_disk::NewLogger(std::string const&, IOOptions const&, std::shared_ptr<rocksdb::Logger>* made,
                                IODebugContext*) {
  *made = std::make_shared<no_logger>();
  return IOStatus::OK();
}

IOStatus faulty_disk::GetAbsolutePath(std::string const& path, IOOptions const&, std::string* absolute,
                                      IODebugContext*) {
  *absolute = normal(path);
  return IOStatus::OK();
}

IOStatus faulty_disk::GetFreeSpace(std::string const&, IOOptions const&, std::uint64_t* bytes, IODebugContext*) {
  *bytes = std::uint64_t{1} << 40U;
  return IOStatus::OK();
}

IOStatus faulty_disk::IsDirectory(std::string const& path, IOOptions const&, bool* is, IODebugContext*) {
  std::lock_guard const lock(mutex_);
  *is = image_.is_directory(normal(path));
  return image_.has(normal(path)) ? IOStatus::OK() : IOStatus::NotFound(path);
}

std::unique_ptr<rocksdb::Env> make_environment(std::shared_ptr<faulty_disk> const& on) {
  return std::make_unique<sleepless_environment>(on);
}

} // namespace statefund::crash
