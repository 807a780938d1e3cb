#include "catalog/errc.hpp"
#include "catalog/load.hpp"

#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>

using namespace statefund;
using namespace statefund::catalog;

namespace {

class directory {
 public:
  directory() {
    std::string shape =
        (std::filesystem::temp_directory_path() / ("statefund-catalog-" + std::string(6, 'X'))).string();
    REQUIRE(::mkdtemp(shape.data()));
    path_ = shape;
  }
  ~directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  directory(directory const&) = delete;
  directory& operator=(directory const&) = delete;

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

} // namespace

TEST_CASE("module files are read in name order, and what editors and packages leave behind is not") {
  directory const modules;
  for (auto const* name : {"b.yaml", "a.yml", "B.yaml", "10.yaml", "9.yaml"})
    modules.endpoint(name, std::string(name) + "/f");
  for (auto const* name : {".hidden.yaml", "a.yaml~", ".#a.yaml", "a.yaml.swp", ".a.yaml.swp", "a.yaml.dpkg-new",
                           "a.yaml.dpkg-old", "a.yaml.example", "README", "a.json", "yaml", "a.YAML"})
    modules.write(name, "this is no module");
  auto const files = read_directory(modules.path());
  REQUIRE(files.has_value());
  std::vector<std::string> paths;
  for (auto const& each : *files) {
    CHECK(each.fault.empty());
    paths.push_back(each.path);
  }
  CHECK(paths == std::vector<std::string>{modules.path("10.yaml"), modules.path("9.yaml"), modules.path("B.yaml"),
                                          modules.path("a.yml"), modules.path("b.yaml")});
  auto const made = load(modules.path() + "/", 3);
  REQUIRE(made.has_value());
  CHECK((*made)->generation() == 3);
  CHECK((*made)->functions().size() == 5);
  CHECK_FALSE((*made)->has_refused_files());
}

TEST_CASE("of two files with the same type the first by name wins, and the error names both") {
  directory const modules;
  modules.endpoint("20-second.yaml", "ns/f");
  modules.endpoint("10-first.yaml", "ns/f");
  auto const made = load(modules.path(), 1);
  REQUIRE(made.has_value());
  auto const errors = (*made)->errors();
  REQUIRE(errors.size() == 1);
  CHECK(to_string(errors[0]) == modules.path("20-second.yaml") + ":2:19: error: \"ns/f\" is bound already at " +
                                    modules.path("10-first.yaml") + ":2:19; expected it once");
  CHECK((*made)->find(message::function_type{"ns", "f"})->where.file == modules.path("10-first.yaml"));
}

TEST_CASE("a file that cannot be read is refused, and the others load") {
  directory const modules;
  modules.endpoint("good.yaml", "ns/f");
  std::filesystem::create_symlink("nowhere", modules.path("dangling.yaml"));
  std::filesystem::create_symlink("loop.yaml", modules.path("loop.yaml"));
  std::filesystem::create_symlink("good.yaml", modules.path("zlink.yaml"));
  std::filesystem::create_directory(modules.path("folder.yaml"));
  REQUIRE(::mkfifo(modules.path("pipe.yaml").c_str(), 0600) == 0);
  modules.write("large.yaml", std::string(4 * 1024 * 1024 + 1, '\n'));
  modules.write("largest.yaml", std::string(4 * 1024 * 1024, '\n'));
  auto const made = load(modules.path(), 1);
  REQUIRE(made.has_value());
  struct row {
    char const* name;
    char const* error; // null: loaded
  };
  std::array const expected{
      row{"dangling.yaml", "the file cannot be opened: No such file or directory"},
      row{"folder.yaml", "it is no regular file; expected one, or a link to one"},
      row{"good.yaml", nullptr},
      row{"large.yaml", "the file has more than 4194304 bytes; expected at most that"},
      row{"largest.yaml", nullptr},
      row{"loop.yaml", "the file cannot be opened: Too many levels of symbolic links"},
      row{"pipe.yaml", "it is no regular file; expected one, or a link to one"},
  };
  REQUIRE((*made)->files().size() == expected.size() + 1);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    auto const& file = (*made)->files()[i];
    INFO(file.path);
    CHECK(file.path == modules.path(expected[i].name));
    CHECK(file.state == (expected[i].error ? file_state::refused : file_state::loaded));
    if (expected[i].error) {
      REQUIRE(file.errors.size() == 1);
      CHECK(to_string(file.errors[0]) == file.path + ": error: " + expected[i].error);
    }
  }
  // The link is read, and what it binds is bound already.
  CHECK((*made)->files().back().errors.at(0).message.find("is bound already at") != std::string::npos);
}

TEST_CASE("a file without permission is refused, not passed over") {
  if (::geteuid() == 0)
    return; // root reads everything
  directory const modules;
  modules.endpoint("a.yaml", "ns/f");
  REQUIRE(::chmod(modules.path("a.yaml").c_str(), 0) == 0);
  auto const made = load(modules.path(), 1);
  REQUIRE(made.has_value());
  CHECK(to_string((*made)->errors().at(0)) ==
        modules.path("a.yaml") + ": error: the file cannot be opened: Permission denied");
}

TEST_CASE("a directory that is missing or no directory is an error") {
  directory const modules;
  auto const missing = load(modules.path("nowhere"), 1);
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().code == errc::directory_missing);
  CHECK(missing.error().to_string() ==
        "there is no such module directory: " + modules.path("nowhere") + " (No such file or directory)");
  modules.write("file", "");
  auto const file = load(modules.path("file"), 1);
  REQUIRE_FALSE(file.has_value());
  CHECK(file.error().code == errc::directory_missing);
  std::filesystem::create_symlink("self", modules.path("self"));
  auto const loop = load(modules.path("self"), 1);
  REQUIRE_FALSE(loop.has_value());
  CHECK(loop.error().code == errc::directory_unreadable);
}

TEST_CASE("an empty directory loads as nothing, and a file that comes later is found") {
  directory const modules;
  auto const nothing = load(modules.path(), 1);
  REQUIRE(nothing.has_value());
  CHECK((*nothing)->files().empty());
  modules.endpoint("a.yaml", "ns/*");
  auto const something = load(modules.path(), 2);
  REQUIRE(something.has_value());
  CHECK((*something)->find(message::function_type{"ns", "f"}));
  CHECK_FALSE((*nothing)->find(message::function_type{"ns", "f"})); // made once, never changed
}

TEST_CASE("a broken file that is mended loads") {
  directory const modules;
  modules.write("a.yaml", "kind: [");
  auto const broken = load(modules.path(), 1);
  REQUIRE(broken.has_value());
  CHECK((*broken)->has_refused_files());
  CHECK((*broken)->functions().empty());
  modules.endpoint("a.yaml", "ns/f");
  auto const mended = load(modules.path(), 2);
  REQUIRE(mended.has_value());
  CHECK_FALSE((*mended)->has_refused_files());
  CHECK((*mended)->functions().size() == 1);
}
