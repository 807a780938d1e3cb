#pragma once

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <unistd.h>

namespace statefund::catalog {

// A real directory, gone with its end.
class module_directory {
 public:
  module_directory() {
    std::string shape =
        (std::filesystem::temp_directory_path() / ("statefund-catalog-" + std::string(6, 'X'))).string();
    REQUIRE(::mkdtemp(shape.data()));
    path_ = shape;
  }
  ~module_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  module_directory(module_directory const&) = delete;
  module_directory& operator=(module_directory const&) = delete;

  std::string path() const { return path_.string(); }
  std::string path(std::string const& name) const { return (path_ / name).string(); }
  void write(std::string const& name, std::string const& text) const { std::ofstream(path_ / name) << text; }
  void endpoint(std::string const& name, std::string const& functions) const {
    write(name, "kind: io.statefun.endpoints.v1/http\nspec: {functions: '" + functions +
                    "', urlPathTemplate: 'http://host/'}\n");
  }

 private:
  std::filesystem::path path_;
};

} // namespace statefund::catalog
