#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace statefund::crash {

enum class file_kind { log, table, manifest, current, promise, directory, other };
file_kind kind_of(std::string_view path) noexcept;
std::string_view to_string(file_kind kind) noexcept;

enum class step_verb {
  make_directory,
  create, // an empty file, instead of one of that name
  link,   // another name of a file
  append,
  overwrite,
  sync,
  lose_sync, // it has failed: what was written before is never synced any more, but can be read
  rename,
  remove,
  sync_directory,
};

// One step of a process on a disk.
struct disk_step {
  step_verb verb = step_verb::sync;
  std::uint64_t file = 0; // 0: a directory
  std::string path;       // by which the file was opened
  std::string to_path;    // rename
  std::size_t offset = 0; // overwrite
  std::string bytes;      // append, overwrite

  file_kind kind() const noexcept { return file == 0 ? file_kind::directory : kind_of(path); }
};
std::string to_string(disk_step const& step);

// What lies on a disk, in two layers: what was written, which outlives the process, and what of it was synced, which
// outlives the power. Names have the same two layers: a directory's sync keeps them. A value.
class disk_image {
 public:
  std::uint64_t next_file() const noexcept { return files_.empty() ? 1 : files_.rbegin()->first + 1; }
  void apply(disk_step const& step);

  // What was not synced stays or goes by chance: of a directory's steps the first ones; of each file nothing, all, the
  // first bytes, or some sectors and not those before them. Sectors of 512 bytes are whole.
  void lose_power(std::mt19937_64& chance);
  // What was not synced of this file goes, and everything else stays. Whether there was any.
  bool lose_unsynced(std::string const& path);

  bool has(std::string const& path) const { return names_.contains(path); }
  bool is_directory(std::string const& path) const;
  std::vector<std::string> children_of(std::string const& directory) const;
  // Requires that the name is there.
  std::uint64_t file_at(std::string const& path) const { return names_.at(path); }
  std::string const& content(std::uint64_t id) const { return files_.at(id).written; }
  std::vector<std::string> paths() const; // of files

  // Damage, of both layers.
  void set_content(std::string const& path, std::string bytes);
  void lose_file(std::string const& path);

 private:
  struct patch {
    std::size_t offset;
    std::string bytes;
  };
  struct file {
    std::string written;
    std::string synced;
    std::vector<patch> unsynced;
  };
  using names = std::map<std::string, std::uint64_t>; // to a file, or to 0

  static void change(names& in, disk_step const& step);
  static void put(std::string& into, patch const& one);
  static std::string after_power_loss(file const& one, std::mt19937_64& chance);

  std::map<std::uint64_t, file> files_;
  names names_;
  names synced_names_;
  std::vector<disk_step> unsynced_names_;
};

} // namespace statefund::crash
