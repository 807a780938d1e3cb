#pragma once

#include "catalog/snapshot.hpp"
#include "error/result.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace statefund::catalog {

// Makes a process's snapshots of one module directory, one after the other, and keeps each file's last good version
// between them: the newest that was in force, which is in force again while the file cannot be. One a process, owned by
// whoever loads; used by one thread at a time.
//
// What history changes, as against a start with the same directory: a file that a start refuses may be in force by its
// last good version (it is `kept`), and then a file behind it that declares the same cannot be. Nothing else does: a
// snapshot without kept files is the one that a start makes.
class keeper {
 public:
  explicit keeper(std::string directory);

  // Reads the directory and makes the next snapshot. Blocks on the disk. A text that has not changed is not parsed
  // again. An error says that the directory cannot be read (errc); then nothing has happened. An empty directory is no
  // error: snapshot::files() is empty, which is worth a warning.
  result<std::shared_ptr<snapshot const>> load();

  // The same with files that were read: in name order, and all that there are. A file that is not among them is
  // forgotten with its last good version; one that has a fault is broken, not gone.
  std::shared_ptr<snapshot const> take(std::vector<file_text> files);

 private:
  struct remembered {
    std::shared_ptr<version const> newest;    // never null
    std::shared_ptr<version const> last_good; // null: there was none
  };

  file_versions versions_of(file_text read) const;

  std::string directory_;
  std::uint64_t generation_ = 0; // of the last snapshot
  std::unordered_map<std::string, remembered> files_;
};

} // namespace statefund::catalog
