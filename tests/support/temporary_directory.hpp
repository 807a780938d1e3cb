#pragma once

#include "error/ensure.hpp"

#include <stdlib.h>

#include <filesystem>
#include <string>
#include <system_error>

namespace statefund::support {

// A directory of its own, gone with this object.
class temporary_directory {
 public:
  temporary_directory()
      : path_((std::filesystem::temp_directory_path() / ("statefund-" + std::string(6, 'X'))).string()) {
    ensure(::mkdtemp(path_.data()) != nullptr, "there is room for a directory");
  }
  ~temporary_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  temporary_directory(temporary_directory const&) = delete;
  temporary_directory& operator=(temporary_directory const&) = delete;

  std::filesystem::path path() const { return path_; }

 private:
  std::string path_;
};

} // namespace statefund::support
