#include "catalog/errc.hpp"
#include "catalog/keeper.hpp"
#include "unit/catalog/module_directory.hpp"

#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace statefund;
using namespace statefund::catalog;

namespace {

file_text endpoints(std::string path, std::set<std::string> const& types, std::string const& host) {
  file_text made{std::move(path), {}, {}};
  for (auto const& type : types)
    made.text += "---\nkind: io.statefun.endpoints.v2/http\nspec: {functions: " + type + ", urlPathTemplate: 'http://" +
                 host + "/'}\n";
  return made;
}

file_text broken(std::string path) {
  return {std::move(path), "kind: nothing\n", {}};
}

file_text faulty(std::string path) {
  return {std::move(path), {}, "the file cannot be opened: Permission denied"};
}

// The host that a type is bound to; empty: unbound.
std::string host_of(snapshot const& of, std::string const& name) {
  auto const* const bound = of.find(message::function_type{"ns", name});
  return bound ? bound->endpoint.url.host : "";
}

std::vector<file_state> states(snapshot const& of) {
  std::vector<file_state> found;
  for (auto const& each : of.files())
    found.push_back(each.state);
  return found;
}

std::vector<std::string> errors(snapshot const& of) {
  std::vector<std::string> found;
  for (auto const& each : of.errors())
    found.push_back(to_string(each));
  return found;
}

} // namespace

TEST_CASE("a file that breaks keeps its last good version, and loads again once it is mended") {
  keeper files("");
  auto const first = files.take({endpoints("a.yaml", {"ns/f"}, "one")});
  CHECK(first->generation() == 1);
  for (auto const& bad : {broken("a.yaml"), faulty("a.yaml"), broken("a.yaml")}) {
    auto const kept = files.take({bad});
    CHECK(states(*kept) == std::vector{file_state::kept});
    CHECK(host_of(*kept, "f") == "one");
    CHECK(kept->find(message::function_type{"ns", "f"})->where == module::place{"a.yaml", 3, 19});
    CHECK(kept->errors().size() == 1);
    CHECK(kept->has_kept_files());
    CHECK_FALSE(kept->has_refused_files());
  }
  CHECK(errors(*files.take({faulty("a.yaml")})) ==
        std::vector<std::string>{"a.yaml: error: the file cannot be opened: Permission denied"});
  auto const mended = files.take({endpoints("a.yaml", {"ns/f"}, "two")});
  CHECK(states(*mended) == std::vector{file_state::loaded});
  CHECK(host_of(*mended, "f") == "two");
  CHECK(mended->generation() == 6);
  CHECK(errors(*mended).empty());
  CHECK(host_of(*first, "f") == "one"); // made once, never changed
}

TEST_CASE("a file that was never good is refused until it is") {
  keeper files("");
  for (int i = 0; i < 2; ++i) {
    auto const made = files.take({broken("a.yaml"), endpoints("b.yaml", {"ns/g"}, "b")});
    CHECK(states(*made) == std::vector{file_state::refused, file_state::loaded});
    CHECK_FALSE(made->files()[0].in_force);
    CHECK(made->count(file_state::refused) == 1);
    CHECK(made->count(file_state::loaded) == 1);
    CHECK(made->count(file_state::kept) == 0);
  }
  auto const good = files.take({endpoints("a.yaml", {"ns/f"}, "a"), endpoints("b.yaml", {"ns/g"}, "b")});
  CHECK(states(*good) == std::vector{file_state::loaded, file_state::loaded});
}

TEST_CASE("a file that is gone takes its last good version with it") {
  keeper files("");
  files.take({endpoints("a.yaml", {"ns/f"}, "one")});
  CHECK(files.take({})->files().empty());
  auto const back = files.take({broken("a.yaml")});
  CHECK(states(*back) == std::vector{file_state::refused});
  CHECK(host_of(*back, "f").empty());
}

TEST_CASE("a file that comes to declare what an earlier one has keeps its last good version") {
  keeper files("");
  auto const first = endpoints("a.yaml", {"ns/f"}, "a");
  files.take({first, endpoints("b.yaml", {"ns/g"}, "b")});
  auto const made = files.take({first, endpoints("b.yaml", {"ns/f", "ns/h"}, "new")});
  CHECK(states(*made) == std::vector{file_state::loaded, file_state::kept});
  CHECK(host_of(*made, "f") == "a");
  CHECK(host_of(*made, "g") == "b");
  CHECK(host_of(*made, "h").empty()); // whole or not at all
  CHECK(errors(*made) ==
        std::vector<std::string>{"b.yaml:3:19: error: \"ns/f\" is bound already at a.yaml:3:19; expected it once"});
}

TEST_CASE("a last good version holds its place against later files, and the error says that it does") {
  keeper files("");
  files.take(
      {endpoints("a.yaml", {"ns/f"}, "a"), {"b.yaml", "kind: statefund.egress.v1/queue\nspec: {id: ns/out}\n", {}}});
  file_text queue{"c.yaml", "kind: statefund.egress.v1/queue\nspec: {id: ns/out}\n", {}};
  auto const made = files.take({broken("a.yaml"), broken("b.yaml"), queue, endpoints("d.yaml", {"ns/f"}, "d")});
  CHECK(states(*made) == std::vector{file_state::kept, file_state::kept, file_state::refused, file_state::refused});
  CHECK(host_of(*made, "f") == "a");
  auto const said = errors(*made);
  REQUIRE(said.size() == 4);
  CHECK(said[2] == "c.yaml:2:12: error: the egress \"ns/out\" is declared already at b.yaml:2:12; expected it once; "
                   "b.yaml is kept at its last good version");
  CHECK(said[3] == "d.yaml:3:19: error: \"ns/f\" is bound already at a.yaml:3:19; expected it once; "
                   "a.yaml is kept at its last good version");
}

TEST_CASE("an earlier file wins over a later one's last good version, which comes back when the earlier lets go") {
  keeper files("");
  auto const later = endpoints("b.yaml", {"ns/f"}, "b");
  files.take({later});
  auto const taken = files.take({endpoints("a.yaml", {"ns/f"}, "a"), later});
  CHECK(states(*taken) == std::vector{file_state::loaded, file_state::refused});
  CHECK(host_of(*taken, "f") == "a");
  CHECK(states(*files.take({endpoints("a.yaml", {"ns/f"}, "a"), broken("b.yaml")})) ==
        std::vector{file_state::loaded, file_state::refused});
  auto const freed = files.take({endpoints("a.yaml", {"ns/g"}, "a"), broken("b.yaml")});
  CHECK(states(*freed) == std::vector{file_state::loaded, file_state::kept});
  CHECK(host_of(*freed, "f") == "b");
}

TEST_CASE("a text that has not changed is not parsed again, good or broken") {
  keeper files("");
  auto const good = endpoints("a.yaml", {"ns/f"}, "a");
  auto const first = files.take({good});
  auto const same = files.take({good});
  CHECK(same->files()[0].in_force == first->files()[0].in_force);
  files.take({broken("a.yaml")});
  files.take({faulty("a.yaml")});
  CHECK(files.take({good})->files()[0].in_force == first->files()[0].in_force);
  // The text alone does not tell a file that is empty from one that could not be read.
  CHECK(states(*files.take({faulty("a.yaml")})) == std::vector{file_state::kept});
  CHECK(states(*files.take({file_text{"a.yaml", {}, {}}})) == std::vector{file_state::loaded});
  CHECK(states(*files.take({faulty("a.yaml")})) == std::vector{file_state::kept});
}

TEST_CASE("a directory is read again and again, and what changed is in force") {
  module_directory const modules;
  modules.endpoint("20-second.yaml", "ns/f");
  modules.endpoint("10-first.yaml", "ns/f");
  keeper files(modules.path());
  auto const first = files.load();
  REQUIRE(first.has_value());
  CHECK(errors(**first) ==
        std::vector<std::string>{modules.path("20-second.yaml") + ":2:19: error: \"ns/f\" is bound already at " +
                                 modules.path("10-first.yaml") + ":2:19; expected it once"});
  std::filesystem::remove(modules.path("10-first.yaml"));
  auto const second = files.load();
  REQUIRE(second.has_value());
  CHECK((*second)->generation() == 2);
  CHECK(states(**second) == std::vector{file_state::loaded});
  std::filesystem::remove(modules.path("20-second.yaml"));
  REQUIRE(::mkfifo(modules.path("20-second.yaml").c_str(), 0600) == 0);
  auto const third = files.load();
  REQUIRE(third.has_value());
  CHECK(states(**third) == std::vector{file_state::kept});
  CHECK((*third)->find(message::function_type{"ns", "f"})->where.file == modules.path("20-second.yaml"));
  CHECK(errors(**third) == std::vector<std::string>{modules.path("20-second.yaml") +
                                                    ": error: it is no regular file; expected one, or a link to one"});
  std::filesystem::remove(modules.path("20-second.yaml"));
  auto const nothing = files.load();
  REQUIRE(nothing.has_value());
  CHECK((*nothing)->files().empty());
}

TEST_CASE("a directory that cannot be read is an error, and nothing is forgotten over it") {
  module_directory const modules;
  modules.endpoint("a.yaml", "ns/f");
  keeper files(modules.path());
  REQUIRE(files.load().has_value());
  std::filesystem::rename(modules.path(), modules.path() + "-away");
  auto const missing = files.load();
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().code == errc::directory_missing);
  std::filesystem::rename(modules.path() + "-away", modules.path());
  modules.write("a.yaml", "kind: [");
  auto const back = files.load();
  REQUIRE(back.has_value());
  CHECK((*back)->generation() == 2);
  CHECK(states(**back) == std::vector{file_state::kept});
}

namespace {

// What the model knows of a file: the types it declares and the host that names its text.
struct good_text {
  std::set<std::string> types;
  std::string host;
};

struct model_file {
  file_text read;
  std::optional<good_text> good; // absent: broken or faulty
};

// By the rule's own words, with sets in the place of specs.
struct model {
  std::map<std::string, good_text> last_good;
  std::vector<file_state> states;
  std::map<std::string, std::string> hosts; // type -> host

  bool is_free(good_text const& text) const {
    return std::none_of(text.types.begin(), text.types.end(), [&](auto const& type) { return hosts.contains(type); });
  }
  void put_in_force(good_text const& text, file_state as) {
    states.push_back(as);
    for (auto const& type : text.types)
      hosts[type] = text.host;
  }
  void take(std::map<std::string, model_file> const& files) {
    states.clear();
    hosts.clear();
    std::erase_if(last_good, [&](auto const& each) { return !files.contains(each.first); });
    for (auto const& [path, file] : files) {
      auto const before = last_good.find(path);
      if (file.good && is_free(*file.good)) {
        last_good[path] = *file.good;
        put_in_force(*file.good, file_state::loaded);
      } else if (before != last_good.end() && is_free(before->second)) {
        put_in_force(before->second, file_state::kept);
      } else {
        states.push_back(file_state::refused);
      }
    }
  }
};

class edits {
 public:
  explicit edits(unsigned seed) : random_(seed) {}

  void edit(std::map<std::string, model_file>& files) {
    std::string const path = std::string(1, "abc"[below(3)]) + ".yaml";
    switch (below(6)) {
    case 0:
      files.erase(path);
      return;
    case 1:
      files[path] = {broken(path), {}};
      return;
    case 2:
      files[path] = {faulty(path), {}};
      return;
    default:
      good_text text{{}, std::string("h") + "0123"[below(4)]};
      for (unsigned left = 1 + below(2); left > 0; --left)
        text.types.insert(std::string("ns/") + "fghi"[below(4)]);
      files[path] = {endpoints(path, text.types, text.host), text};
    }
  }

 private:
  unsigned below(unsigned count) { return static_cast<unsigned>(random_()) % count; }

  std::minstd_rand random_;
};

std::vector<file_text> texts_of(std::map<std::string, model_file> const& files) {
  std::vector<file_text> texts;
  for (auto const& [path, file] : files)
    texts.push_back(file.read);
  return texts;
}

void hold_against(model const& expected, snapshot const& made) {
  REQUIRE(states(made) == expected.states);
  for (std::string const type : {"f", "g", "h", "i"}) {
    auto const host = expected.hosts.find("ns/" + type);
    REQUIRE(host_of(made, type) == (host == expected.hosts.end() ? "" : host->second));
  }
  REQUIRE(made.functions().size() == expected.hosts.size());
  for (auto const& file : made.files())
    REQUIRE(file.errors.empty() == (file.state == file_state::loaded));
}

} // namespace

TEST_CASE("whatever is done to the files, each is in force by the rule, and history shows in kept files alone") {
  std::size_t kept_count = 0;
  std::size_t refused_count = 0;
  for (unsigned seed = 1; seed <= 1000; ++seed) {
    INFO("seed " << seed);
    edits random(seed);
    std::map<std::string, model_file> files;
    model expected;
    keeper tried("");
    for (int step = 0; step < 8; ++step) {
      random.edit(files);
      expected.take(files);
      auto const made = tried.take(texts_of(files));
      hold_against(expected, *made);
      kept_count += made->count(file_state::kept);
      refused_count += made->count(file_state::refused);
    }
    model anew;
    anew.take(files);
    auto const restarted = snapshot::make(texts_of(files), 1);
    hold_against(anew, *restarted);
    if (std::count(expected.states.begin(), expected.states.end(), file_state::kept) == 0) {
      REQUIRE(anew.states == expected.states);
      REQUIRE(anew.hosts == expected.hosts);
    }
  }
  CHECK(kept_count > 1000);
  CHECK(refused_count > 1000);
}

TEST_CASE("the examples that are installed are in force together") {
  keeper versions(MODULE_EXAMPLES);
  auto const loaded = versions.load();
  REQUIRE(loaded.has_value());
  CHECK(errors(**loaded) == std::vector<std::string>{});
  CHECK((*loaded)->count(file_state::loaded) == (*loaded)->files().size());
  CHECK((*loaded)->files().size() >= 10);
}
