#pragma once

#include "catalog/snapshot.hpp"
#include "error/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace statefund::catalog {

inline constexpr std::size_t files_max = 10'000; // module files in a directory

// Whether a directory entry of this name is read: *.yaml and *.yml, but for hidden names and what editors and package
// managers leave behind (*~, .#*, *.swp, *.dpkg-*).
bool is_module_name(std::string_view name) noexcept;

// The module files of a directory in the order of their names, byte by byte; links are followed. All are read from one
// directory, though its name may come to mean another one meanwhile. A file that cannot be read, is larger than a
// module may be, or is no regular file, is there with its fault; one that is gone before it is opened is not there.
// Blocks on the disk. Errors: errc, with the path and the system's reason.
result<std::vector<file_text>> read_directory(std::string const& directory);

} // namespace statefund::catalog
