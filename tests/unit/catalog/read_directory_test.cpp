#include "catalog/errc.hpp"
#include "catalog/read_directory.hpp"
#include "unit/catalog/module_directory.hpp"

#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <set>
#include <string>
#include <thread>

using namespace statefund;
using namespace statefund::catalog;

TEST_CASE("module files are read in name order, and what editors and packages leave behind is not") {
  module_directory const modules;
  for (auto const* name : {"b.yaml", "a.yml", "B.yaml", "10.yaml", "9.yaml"})
    modules.write(name, std::string("text of ") + name);
  for (auto const* name : {".hidden.yaml", "a.yaml~", ".#a.yaml", "a.yaml.swp", ".a.yaml.swp", "a.yaml.dpkg-new",
                           "a.yaml.dpkg-old", "a.yaml.example", "README", "a.json", "yaml", "a.YAML"})
    modules.write(name, "this is no module");
  for (std::string const end : {"", "/"}) {
    auto const files = read_directory(modules.path() + end);
    REQUIRE(files.has_value());
    REQUIRE(files->size() == 5);
    std::size_t i = 0;
    for (auto const* name : {"10.yaml", "9.yaml", "B.yaml", "a.yml", "b.yaml"}) {
      auto const& file = (*files)[i++];
      CHECK(file.path == modules.path(name));
      CHECK(file.text == std::string("text of ") + name);
      CHECK(file.fault.empty());
    }
  }
}

TEST_CASE("a file that cannot be read is there with its fault, and the others are read") {
  module_directory const modules;
  modules.write("good.yaml", "text");
  std::filesystem::create_symlink("nowhere", modules.path("dangling.yaml"));
  std::filesystem::create_symlink("loop.yaml", modules.path("loop.yaml"));
  std::filesystem::create_symlink("good.yaml", modules.path("zlink.yaml"));
  std::filesystem::create_directory(modules.path("folder.yaml"));
  REQUIRE(::mkfifo(modules.path("pipe.yaml").c_str(), 0600) == 0);
  modules.write("large.yaml", std::string(4 * 1024 * 1024 + 1, '\n'));
  modules.write("largest.yaml", std::string(4 * 1024 * 1024, '\n'));
  struct row {
    char const* name;
    std::size_t text_bytes;
    char const* fault;
  };
  std::array const expected{
      row{"dangling.yaml", 0, "the file cannot be opened: No such file or directory"},
      row{"folder.yaml", 0, "it is no regular file; expected one, or a link to one"},
      row{"good.yaml", 4, ""},
      row{"large.yaml", 0, "the file has more than 4194304 bytes; expected at most that"},
      row{"largest.yaml", 4 * 1024 * 1024, ""},
      row{"loop.yaml", 0, "the file cannot be opened: Too many levels of symbolic links"},
      row{"pipe.yaml", 0, "it is no regular file; expected one, or a link to one"},
      row{"zlink.yaml", 4, ""},
  };
  auto const files = read_directory(modules.path());
  REQUIRE(files.has_value());
  REQUIRE(files->size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    auto const& file = (*files)[i];
    CHECK(file.path == modules.path(expected[i].name));
    CHECK(file.text.size() == expected[i].text_bytes);
    CHECK(file.fault == expected[i].fault);
  }
}

TEST_CASE("a file without permission is there with its fault, not passed over") {
  if (::geteuid() == 0)
    return; // root reads everything
  module_directory const modules;
  modules.write("a.yaml", "text");
  REQUIRE(::chmod(modules.path("a.yaml").c_str(), 0) == 0);
  auto const files = read_directory(modules.path());
  REQUIRE(files.has_value());
  CHECK(files->at(0).fault == "the file cannot be opened: Permission denied");
}

TEST_CASE("a file that comes and goes is there or gone, never faulty") {
  module_directory const modules;
  modules.write("stays.yaml", "text");
  std::atomic<bool> done = false;
  std::thread editor([&] {
    while (!done) {
      modules.write("flickers.yaml", "");
      std::filesystem::remove(modules.path("flickers.yaml"));
    }
  });
  std::set<std::string> wrongs;
  for (int i = 0; i < 2000; ++i) {
    auto const files = read_directory(modules.path());
    if (!files.has_value() || files->empty() || files->back().path != modules.path("stays.yaml"))
      wrongs.insert("what stays is missing");
    if (files.has_value())
      for (auto const& each : *files)
        if (!each.fault.empty())
          wrongs.insert(each.fault);
  }
  done = true;
  editor.join();
  CHECK(wrongs == std::set<std::string>{});
}

TEST_CASE("a directory that is missing or no directory is an error") {
  module_directory const modules;
  auto const missing = read_directory(modules.path("nowhere"));
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().code == errc::directory_missing);
  CHECK(missing.error().to_string() ==
        "there is no such module directory: " + modules.path("nowhere") + " (No such file or directory)");
  modules.write("file", "");
  auto const file = read_directory(modules.path("file"));
  REQUIRE_FALSE(file.has_value());
  CHECK(file.error().code == errc::directory_missing);
  std::filesystem::create_symlink("self", modules.path("self"));
  auto const loop = read_directory(modules.path("self"));
  REQUIRE_FALSE(loop.has_value());
  CHECK(loop.error().code == errc::directory_unreadable);
}
