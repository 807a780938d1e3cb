#include "catalog/errc.hpp"
#include "catalog/watch.hpp"
#include "support/event_loop.hpp"
#include "task/gate.hpp"
#include "unit/catalog/module_directory.hpp"

#include <boost/asio/error.hpp>

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

namespace asio = boost::asio;
using namespace statefund;
using namespace statefund::catalog;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

asio::awaitable<void> count(watch& seen, int& changes, std::optional<error>& end) {
  while (!end) {
    auto const next = co_await seen.changed();
    if (next)
      ++changes;
    else
      end = next.error();
  }
}

// A directory `statefun.d` in one that nobody else touches, and the changes that were told of it.
class watched {
 public:
  explicit watched(std::string const& name = "etc/statefun.d") : seen_(loop_.executor(), above_.path(name)) {
    fs::create_directories(above_.path("etc/statefun.d"));
  }
  ~watched() {
    seen_.cancel();
    loop_.run(tasks_.close());
  }
  watched(watched const&) = delete;
  watched& operator=(watched const&) = delete;

  void open() { REQUIRE(seen_.open().has_value()); }
  void listen() { tasks_.start(count(seen_, changes_, end_)); }
  void open_and_listen() {
    open();
    listen();
    loop_.settle();
  }

  std::string path(std::string const& name) const { return above_.path(name); }
  std::string file(std::string const& name) const { return path("etc/statefun.d/" + name); }
  void write(std::string const& name) const { above_.write("etc/statefun.d/" + name, "text"); }
  void exchange(std::string const& old) { // for a new directory
    fs::rename(file(""), path(old));
    fs::create_directory(file(""));
    loop_.settle();
  }
  support::event_loop& loop() noexcept { return loop_; }
  task::gate& tasks() noexcept { return tasks_; }
  catalog::watch& watch() noexcept { return seen_; }
  std::optional<error> const& end() const noexcept { return end_; }

  // How many changes are told in that time, after all that the system has to say was heard.
  int changes_within(clock::steady::duration time) {
    loop_.settle();
    int const before = changes_;
    for (; time > settling::quiet_time; time -= settling::quiet_time) // so that what comes of a timer settles too
      loop_.advance(settling::quiet_time);
    loop_.advance(time);
    return changes_ - before;
  }

 private:
  support::event_loop loop_;
  module_directory above_;
  catalog::watch seen_;
  task::gate tasks_{loop_.executor()};
  int changes_ = 0;
  std::optional<error> end_;
};

bool set_watches_max(int count) {
  return (std::ofstream("/proc/sys/user/max_inotify_watches") << count << std::flush).good();
}

// In a user namespace of its own, that has a limit of its own: what is said at a first look that gets no watch, and at
// a second one after the directory was exchanged. Empty where there are no such namespaces.
std::string said_without_watches() {
  watched modules;
  if (::unshare(CLONE_NEWUSER) != 0 || !set_watches_max(1))
    return {};
  auto const refused = modules.watch().open();
  set_watches_max(2);
  if (refused.has_value() || !modules.watch().open().has_value())
    return "not as expected";
  modules.listen();
  modules.exchange("etc/old");
  if (modules.end())
    return "watches are not given back";
  set_watches_max(1);
  modules.exchange("etc/older");
  auto said = refused.error().to_string() + '\n' + (modules.end() ? modules.end()->to_string() : "no end");
  for (auto at = said.find(modules.path("")); at != std::string::npos; at = said.find(modules.path("")))
    said.replace(at, modules.path("").size(), "/");
  return said;
}

// What `say` returns in a process of its own.
std::string from_child(std::string (*say)()) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  pid_t const child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::string const said = say();
    ::_exit(::write(ends[1], said.data(), said.size()) == static_cast<ssize_t>(said.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  std::string heard(4096, '\0');
  auto const length = ::read(ends[0], heard.data(), heard.size());
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  heard.resize(static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
  return heard;
}

} // namespace

TEST_CASE("a module file that is written, replaced, moved or removed is a change, once it has settled") {
  watched modules;
  modules.open_and_listen();
  auto const is_told_once = [&] {
    CHECK(modules.changes_within(249ms) == 0);
    CHECK(modules.changes_within(1ms) == 1);
    CHECK(modules.changes_within(10s) == 0);
  };
  modules.write("a.yaml"); // made and written
  is_told_once();
  modules.write("a.yaml"); // written in place
  is_told_once();
  modules.write("a.yaml.new");
  fs::rename(modules.file("a.yaml.new"), modules.file("a.yaml"));
  is_told_once();
  fs::rename(modules.file("a.yaml"), modules.file("a.off"));
  is_told_once();
  fs::rename(modules.file("a.off"), modules.file("b.yml"));
  is_told_once();
  fs::remove(modules.file("b.yml"));
  is_told_once();
  fs::create_directory(modules.file("c.yaml")); // an error to be told
  is_told_once();
}

TEST_CASE("links have no close, and count as they are made") {
  watched modules;
  modules.write("text");
  modules.open_and_listen();
  fs::create_symlink("text", modules.file("a.yaml"));
  CHECK(modules.changes_within(250ms) == 1);
  fs::create_hard_link(modules.file("text"), modules.file("b.yaml"));
  CHECK(modules.changes_within(250ms) == 1);
}

TEST_CASE("the files of a Kubernetes mount change with the link that they lead through") {
  watched modules;
  for (auto const* version : {"..2024_01", "..2024_02"}) {
    fs::create_directory(modules.file(version));
    modules.write(std::string(version) + "/a.yaml");
  }
  fs::create_directory_symlink("..2024_01", modules.file("..data"));
  fs::create_symlink("..data/a.yaml", modules.file("a.yaml"));
  modules.open_and_listen();
  fs::create_directory_symlink("..2024_02", modules.file("..data_tmp"));
  CHECK(modules.changes_within(10s) == 0);
  fs::rename(modules.file("..data_tmp"), modules.file("..data"));
  CHECK(modules.changes_within(250ms) == 1);
  fs::remove_all(modules.file("..2024_01"));
  CHECK(modules.changes_within(10s) == 0);
}

TEST_CASE("what editors leave behind and what is no module is no change") {
  watched modules;
  modules.open_and_listen();
  for (auto const* name : {"4913", ".a.yaml.swp", "a.yaml~", ".#a.yaml", "README", "a.yaml.dpkg-new", "..data_tmp"}) {
    modules.write(name);
    fs::remove(modules.file(name));
  }
  fs::create_directory(modules.file("old"));
  modules.write("old/a.yaml");
  CHECK(modules.changes_within(10s) == 0);
}

TEST_CASE("several changes within a quarter of a second are told once") {
  watched modules;
  modules.open_and_listen();
  for (auto const* name : {"a.yaml", "b.yaml", "c.yaml", "a.yaml"}) {
    modules.write(name);
    CHECK(modules.changes_within(249ms) == 0);
  }
  CHECK(modules.changes_within(1ms) == 1);
  CHECK(modules.changes_within(10s) == 0);
}

TEST_CASE("changes without end are told every two seconds") {
  watched modules;
  modules.open_and_listen();
  for (int told = 0; told < 3; ++told) {
    for (int i = 0; i < 9; ++i) {
      modules.write("a.yaml");
      CHECK(modules.changes_within(200ms) == 0);
    }
    modules.write("a.yaml");
    CHECK(modules.changes_within(199ms) == 0);
    CHECK(modules.changes_within(1ms) == 1);
  }
}

TEST_CASE("a new file is not told of while it is being written") {
  watched modules;
  modules.open_and_listen();
  int const file = ::open(modules.file("a.yaml").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  REQUIRE(file >= 0);
  CHECK(modules.changes_within(1s) == 0);
  REQUIRE(::write(file, "kind", 4) == 4);
  CHECK(modules.changes_within(900ms) == 0);
  REQUIRE(::close(file) == 0);
  CHECK(modules.changes_within(99ms) == 0);
  CHECK(modules.changes_within(1ms) == 1);
}

TEST_CASE("a file that comes whole, under one name and without a close, is told of after two seconds") {
  watched modules;
  modules.write("text");
  modules.open_and_listen();
  fs::create_hard_link(modules.file("text"), modules.file("a.yaml"));
  fs::remove(modules.file("text"));
  CHECK(modules.changes_within(1999ms) == 0);
  CHECK(modules.changes_within(1ms) == 1);
  CHECK(modules.changes_within(10s) == 0);
}

TEST_CASE("what happens while nobody waits is kept for the next wait") {
  watched modules;
  modules.open();
  modules.write("a.yaml");
  modules.loop().advance(10s);
  modules.listen();
  CHECK(modules.changes_within(249ms) == 0);
  CHECK(modules.changes_within(1ms) == 1);
  CHECK(modules.changes_within(10s) == 0);
}

TEST_CASE("a directory that is gone is told once, and again when it is back") {
  watched modules;
  modules.write("a.yaml");
  modules.open_and_listen();
  fs::remove_all(modules.file(""));
  CHECK(modules.changes_within(250ms) == 1);
  CHECK(modules.changes_within(10s) == 0);
  fs::create_directory(modules.file(""));
  CHECK(modules.changes_within(250ms) == 1);
  modules.write("a.yaml");
  CHECK(modules.changes_within(250ms) == 1);
  CHECK(modules.changes_within(10s) == 0);
}

TEST_CASE("a directory that comes back with all above it is found within a second") {
  watched modules;
  modules.open_and_listen();
  fs::remove_all(modules.path("etc"));
  CHECK(modules.changes_within(250ms) == 1);
  CHECK(modules.changes_within(749ms) == 0);
  fs::create_directories(modules.file(""));
  CHECK(modules.changes_within(1ms) == 0); // the look that finds it
  CHECK(modules.changes_within(249ms) == 0);
  CHECK(modules.changes_within(1ms) == 1);
  modules.write("a.yaml");
  CHECK(modules.changes_within(250ms) == 1);
  CHECK(modules.changes_within(10s) == 0);
}

TEST_CASE("another directory under the name is a change, and is watched from then on") {
  watched modules;
  modules.open_and_listen();
  modules.exchange("etc/old");
  CHECK(modules.changes_within(250ms) == 1);
  fs::create_symlink("nowhere", modules.path("etc/old/a.yaml"));
  CHECK(modules.changes_within(10s) == 0);
  modules.write("a.yaml");
  CHECK(modules.changes_within(250ms) == 1);
}

TEST_CASE("a directory that is not there at first is told of once it comes") {
  watched modules("etc/later.d");
  modules.open_and_listen();
  CHECK(modules.changes_within(10s) == 0);
  fs::create_directory(modules.path("etc/later.d"));
  CHECK(modules.changes_within(250ms) == 1);
}

TEST_CASE("of a directory that is a link, what it leads to is watched, and so is the link") {
  watched modules("link/"); // as operators write it
  fs::create_directory(modules.path("other"));
  fs::create_directory_symlink("etc/statefun.d", modules.path("link"));
  modules.open_and_listen();
  modules.write("a.yaml");
  CHECK(modules.changes_within(250ms) == 1);
  fs::create_directory_symlink("other", modules.path("new"));
  fs::rename(modules.path("new"), modules.path("link"));
  CHECK(modules.changes_within(250ms) == 1);
  modules.write("a.yaml");
  CHECK(modules.changes_within(10s) == 0);
  fs::create_symlink("nowhere", modules.path("other/a.yaml"));
  CHECK(modules.changes_within(250ms) == 1);
}

TEST_CASE("events that the system has dropped count as a change") {
  watched modules;
  modules.write("x1");
  modules.open();
  for (int i = 0; i < 10'000; ++i) { // two events each; the system keeps 16,384
    fs::rename(modules.file("x1"), modules.file("x2"));
    fs::rename(modules.file("x2"), modules.file("x1"));
  }
  modules.listen();
  CHECK(modules.changes_within(250ms) == 1);
  modules.write("a.yaml");
  CHECK(modules.changes_within(250ms) == 1);
}

TEST_CASE("a cancelled wait ends, and so does every later one") {
  watched modules;
  modules.open_and_listen();
  modules.write("a.yaml");
  modules.loop().settle();
  modules.watch().cancel();
  modules.loop().settle();
  REQUIRE(modules.end());
  CHECK(modules.end()->code == asio::error::operation_aborted);
  int changes = 0;
  std::optional<error> end;
  modules.loop().run(count(modules.watch(), changes, end));
  CHECK(end->code == asio::error::operation_aborted);
  CHECK(changes == 0);
}

TEST_CASE("a wait ends with the cancellation of its coroutine, and what had happened is not lost") {
  watched modules;
  modules.open_and_listen();
  modules.write("a.yaml");
  modules.loop().settle();
  modules.tasks().cancel();
  modules.loop().settle();
  REQUIRE(modules.end());
  CHECK(modules.end()->code == asio::error::operation_aborted);
  int changes = 0;
  std::optional<error> end;
  task::gate again(modules.loop().executor());
  again.start(count(modules.watch(), changes, end));
  modules.loop().settle();
  modules.loop().advance(250ms);
  CHECK(changes == 1);
  modules.watch().cancel();
  modules.loop().run(again.close());
}

TEST_CASE("where the system gives no inotify, the error says what to raise, and it can be tried again") {
  watched modules;
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit none = before;
  none.rlim_cur = 0;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  auto const refused = modules.watch().open();
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == errc::watch_unavailable);
  CHECK(refused.error().to_string() ==
        "the module directory cannot be watched: inotify_init1 (Too many open files); raise the sysctl "
        "fs.inotify.max_user_instances, or the limit on open files");
  modules.open_and_listen();
  modules.write("a.yaml");
  CHECK(modules.changes_within(250ms) == 1);
}

TEST_CASE("where the user's watches are used up, the error says what to raise, at the first look and later") {
  std::string const said = from_child(said_without_watches);
  if (said.empty()) {
    WARN("no user namespaces here: not tried");
    return;
  }
  std::string const sentence = "the module directory cannot be watched: inotify_add_watch of /etc/statefun.d "
                               "(No space left on device); raise the sysctl fs.inotify.max_user_watches";
  CHECK(said == sentence + '\n' + sentence);
}
