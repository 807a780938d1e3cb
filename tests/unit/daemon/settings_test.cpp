#include "daemon/settings.hpp"

#include <catch2/catch.hpp>

#include <unistd.h>

#include <fstream>
#include <regex>
#include <sstream>

using namespace statefund;
using namespace statefund::daemon;
using namespace std::chrono_literals;

using lines = std::vector<std::string>;

namespace {

settings_result read(std::string text, std::vector<assignment> assignments = {}) {
  return combine(settings_file{"s.yaml", std::move(text)}, assignments);
}

assignment set(std::string path, std::string value) {
  return {"--set " + path, path, std::move(value)};
}

lines errors_of(settings_result const& combined) {
  lines all;
  if (!combined)
    for (auto const& each : combined.error())
      all.push_back(to_string(each));
  return all;
}

lines errors_of(std::string text, std::vector<assignment> assignments = {}) {
  return errors_of(read(std::move(text), std::move(assignments)));
}

std::string text_of(std::string const& path) {
  std::ifstream file(path);
  REQUIRE(file);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

} // namespace

TEST_CASE("without file and flags the settings are the documented defaults") {
  auto const combined = combine({}, {});
  REQUIRE(combined.has_value());
  settings const& all = combined->values;
  CHECK(combined->origins.empty());
  CHECK(all == settings{});
  CHECK(all.modules == "/etc/statefun.d");
  CHECK(all.ingress.socket == "/run/statefun/ingress.sock");
  CHECK(all.ingress.mode == 0660);
  CHECK(all.ingress.message_bytes_max == 16 * 1024 * 1024);
  CHECK(all.ingress.wait_max == 10s);
  CHECK(all.admin.actions == admin_actions::refused);
  CHECK(all.store.kind == store_kind::rocksdb);
  CHECK(all.store.sync_interval == 100ms);
  CHECK_FALSE(all.shards);
  CHECK(all.store.idempotency_window == 24h);
  CHECK(all.limits.waiting_addresses_max == 2'000'000);
  CHECK(all.limits.delayed_max == 10'000'000);
  CHECK(all.limits.idempotency_keys_max == 1'000'000);
  CHECK(all.limits.egress_queues_max == 10'000);
  CHECK(all.drain_timeout == 30s);
}

TEST_CASE("the settings file that is installed names every setting, and its defaults are the defaults") {
  std::string const installed = text_of(SETTINGS_FILE);
  REQUIRE(read(installed).has_value());
  CHECK(read(installed)->values == settings{});
  CHECK(read(installed)->origins.empty());
  // Words are a blank away from their #, settings are not.
  std::string const text = std::regex_replace(installed, std::regex("( |\n)#(?=[a-z][a-z_-]*:)"), "$1");
  auto const combined = read(text);
  REQUIRE(combined.has_value());
  CHECK(combined->values == settings{});
  for (std::string const& path : setting_paths()) {
    CAPTURE(path);
    CHECK((combined->origins.contains(path) || path == "module.global-config"));
  }
  CHECK_THAT(text, Catch::Contains("\n  global-config: {}\n"));
}

TEST_CASE("a file sets every kind of setting") {
  auto const combined = read(R"(
modules: ./mods
ingress: {mode: 0600, allow_uids: [0, 1000], connections_max: 7, message_bytes_max: 1 MiB, wait_max: 250}
admin: {listen: "[::1]:9810", actions: true}
store: {kind: memory, sync: interval, sync_interval: 5ms, idempotency_window: 10min}
limits: {idempotency_keys_max: 7, egress_queues_max: 8}
shards: 4
start_paused: true
log: {level: debug, format: json}
module:
  global-config: {a.b: 1, c: "two words"}
)");
  REQUIRE(combined.has_value());
  settings const& all = combined->values;
  CHECK(all.modules == "./mods");
  CHECK(all.ingress.mode == 0600);
  CHECK(all.ingress.allow_uids == std::vector<uid_t>{0, 1000});
  CHECK(all.ingress.connections_max == 7);
  CHECK(all.ingress.message_bytes_max == 1024 * 1024);
  CHECK(all.ingress.wait_max == 250ms);
  CHECK(all.admin.listen == "[::1]:9810");
  CHECK(all.admin.actions == admin_actions::allowed);
  CHECK(all.store.kind == store_kind::memory);
  CHECK(all.store.sync == store::sync_mode::interval);
  CHECK(all.store.sync_interval == 5ms);
  CHECK(all.store.idempotency_window == 10min);
  CHECK(all.limits.idempotency_keys_max == 7);
  CHECK(all.limits.egress_queues_max == 8);
  CHECK(all.shards == 4U);
  CHECK(all.starting == start::paused);
  CHECK(all.log.level == log::level::debug);
  CHECK(all.log.format == log::format::json);
  CHECK(all.global_config == decltype(all.global_config){{"a.b", "1"}, {"c", "two words"}});
  CHECK(to_string(combined->origins.at("ingress.mode")) == "s.yaml:3:17");
  CHECK(to_string(combined->origins.at("module.global-config.a.b")) == "s.yaml:11:24");
}

TEST_CASE("an unknown key is an error with its place and the nearest key") {
  CHECK(errors_of("ingress:\n  sokcet: /x\n") ==
        lines{R"(s.yaml:2:3: error: "ingress.sokcet" is not a setting; did you mean "socket"?)"});
  CHECK(errors_of("ingres: {}\n") == lines{R"(s.yaml:1:1: error: "ingres" is not a setting; did you mean "ingress"?)"});
  CHECK(errors_of("", {set("ingress.sokcet", "/x")}) ==
        lines{R"(--set ingress.sokcet: error: "ingress.sokcet" is not a setting; did you mean "socket"?)"});
  CHECK(errors_of("", {set("shrads", "1")}) ==
        lines{R"(--set shrads: error: "shrads" is not a setting; did you mean "shards"?)"});
}

TEST_CASE("a value of the wrong kind is an error that says what is expected") {
  auto const [text, error] = GENERATE(table<std::string, std::string>({
      {"shards: 0", R"(s.yaml:1:9: error: "shards" is "0"; expected auto or a whole number from 1 to 256)"},
      {"shards: [1]", R"(s.yaml:1:9: error: "shards" is a list; expected one value)"},
      {"shards:", R"(s.yaml:1:1: error: "shards" has no value; expected one, or the key left out)"},
      {"ingress: 3", R"(s.yaml:1:10: error: "ingress" is "3"; expected a map of its settings)"},
      {"ingress: {mode: 0888}",
       R"(s.yaml:1:17: error: "ingress.mode" is "0888"; expected the octal digits of a file mode, as in "0660")"},
      {"ingress: {allow_uids: root}",
       R"(s.yaml:1:23: error: "ingress.allow_uids" is "root"; expected a list, as in [1000, 1001])"},
      {"ingress: {allow_uids: [root]}",
       R"(s.yaml:1:23: error: "ingress.allow_uids" holds "root"; expected uids, which are whole numbers)"},
      {"ingress: {connections_max: -1}",
       R"(s.yaml:1:28: error: "ingress.connections_max" is "-1"; expected a whole number from 1 to 9223372036854775807)"},
      {"ingress: {message_bytes_max: 2GiB}",
       R"(s.yaml:1:30: error: "ingress.message_bytes_max" is "2GiB"; expected a size from 1B to 1GiB)"},
      {"admin: {listen: localhost}",
       R"(s.yaml:1:17: error: "admin.listen" is "localhost"; expected host:port, as in 127.0.0.1:9810 or [::1]:9810, or nothing)"},
      {"admin: {listen: \"::1\"}",
       R"(s.yaml:1:17: error: "admin.listen" is "::1"; expected host:port, as in 127.0.0.1:9810 or [::1]:9810, or nothing)"},
      {"store: {kind: disk}", R"(s.yaml:1:15: error: "store.kind" is "disk"; expected memory or rocksdb)"},
      {"store: {sync: maybe}", R"(s.yaml:1:15: error: "store.sync" is "maybe"; expected always, interval or never)"},
      {"store: {sync_interval: 0}", R"(s.yaml:1:24: error: "store.sync_interval" is "0"; expected at least 1ms)"},
      {"store: {idempotency_window: 999ms}",
       R"(s.yaml:1:29: error: "store.idempotency_window" is "999ms"; expected at least 1s)"},
      {"limits: {idempotency_keys_max: 0}",
       R"(s.yaml:1:32: error: "limits.idempotency_keys_max" is "0"; expected a whole number from 1 to 9223372036854775807)"},
      {"store: {accept_loss: all}",
       R"(s.yaml:1:22: error: "store.accept_loss" is "all"; expected the number that the store's refusal names, or nothing)"},
      {"store: {path: ''}", R"(s.yaml:1:15: error: "store.path" is ""; expected a path)"},
      {"start_paused: yes", R"(s.yaml:1:15: error: "start_paused" is "yes"; expected true or false)"},
      {"module: {global-config: {a: [1]}}", R"(s.yaml:1:29: error: "module.global-config.a" is a list; expected text)"},
      {"module: {global-config: 1}", R"(s.yaml:1:25: error: "module.global-config" is "1"; expected a map)"},
      {"- modules", R"(s.yaml:1:1: error: the file holds a list; expected a map of settings)"},
      {"shards: 1\n---\nshards: 2", R"(s.yaml:3:1: error: a second document begins here; expected one)"},
  }));
  CHECK(errors_of(text) == lines{error});
}

TEST_CASE("a size or duration that cannot be read is quoted") {
  CHECK_THAT(errors_of("limits: {unsynced_bytes_max: 64 apples}").at(0),
             Catch::StartsWith(R"(s.yaml:1:30: error: "limits.unsynced_bytes_max" is not a size: "64 apples" )"));
  CHECK_THAT(errors_of("drain_timeout: soon").at(0),
             Catch::StartsWith(R"(s.yaml:1:16: error: "drain_timeout" is not a duration: "soon" )"));
}

TEST_CASE("a file that is no YAML is an error with its place") {
  CHECK_THAT(errors_of("shards: 1\nlog: {level: [}\n").at(0), Catch::StartsWith("s.yaml:2:"));
}

TEST_CASE("a socket's path has to fit into an address") {
  CHECK(errors_of("", {set("admin.socket", "/" + std::string(106, 'a'))}).empty());
  CHECK_THAT(errors_of("", {set("admin.socket", "/" + std::string(107, 'a'))}).at(0),
             Catch::EndsWith("expected a path of at most 107 bytes, the longest that a unix socket can have"));
}

TEST_CASE("all errors come in one go, the file's first") {
  CHECK(errors_of("shards: none\nlog: {level: loud}\ningress: {x: 1}\n",
                  {set("store.sync", "no"), set("ingress", "1"), set("module.global-config", "{}")}) ==
        lines{
            R"(s.yaml:1:9: error: "shards" is "none"; expected auto or a whole number from 1 to 256)",
            R"(s.yaml:2:14: error: "log.level" is "loud"; expected debug, info, warning or error)",
            R"(s.yaml:3:11: error: "ingress.x" is not a setting; expected one of socket, mode, group, allow_uids, )"
            R"(connections_max, message_bytes_max, wait_max)",
            R"(--set store.sync: error: "store.sync" is "no"; expected always, interval or never)",
            R"(--set ingress: error: "ingress" is a section; expected one of its settings, as in ingress.socket=VALUE)",
            R"(--set module.global-config: error: "module.global-config" is a map; expected one of its keys, as in )"
            R"(module.global-config.KEY=VALUE)",
        });
}

TEST_CASE("settings that contradict each other are an error") {
  CHECK(errors_of("ingress: {socket: /a}\nadmin: {socket: /a}\n") ==
        lines{R"(s.yaml:2:17: error: "ingress.socket" and "admin.socket" are both "/a"; expected a path each)"});
  CHECK(
      errors_of("limits: {buffered_bytes_max: 1MiB}\n") ==
      lines{R"(s.yaml:1:30: error: "ingress.message_bytes_max" is 16MiB, more than "limits.buffered_bytes_max", 1MiB; )"
            R"(expected what could ever be accepted)"});
  CHECK(errors_of("", {{"--ingress-socket", "ingress.socket", "/run/statefun/admin.sock"}}) ==
        lines{R"(--ingress-socket: error: "ingress.socket" and "admin.socket" are both "/run/statefun/admin.sock"; )"
              R"(expected a path each)"});
}

TEST_CASE("assignments win over the file, and later ones over earlier ones") {
  auto const combined =
      read("shards: 2\nstore: {path: /file}\ningress: {allow_uids: [1]}\nmodule: {global-config: {a: f, b: f}}\n",
           {set("shards", "3"),
            {"--shards", "shards", "5"},
            set("ingress.allow_uids", "7,8"),
            set("module.global-config.b", "flag"),
            set("module.global-config.c.d", "flag")});
  REQUIRE(combined.has_value());
  CHECK(combined->values.shards == 5U);
  CHECK(to_string(combined->origins.at("shards")) == "--shards");
  CHECK(combined->values.store.path == "/file");
  CHECK(to_string(combined->origins.at("store.path")) == "s.yaml:2:15");
  CHECK(combined->values.ingress.allow_uids == std::vector<uid_t>{7, 8});
  CHECK(combined->values.global_config ==
        decltype(settings::global_config){{"a", "f"}, {"b", "flag"}, {"c.d", "flag"}});
}

TEST_CASE("an empty assignment empties a list and a text") {
  auto const combined =
      read("ingress: {allow_uids: [1], group: wheel}\n", {set("ingress.allow_uids", ""), set("ingress.group", "")});
  REQUIRE(combined.has_value());
  CHECK(combined->values.ingress.allow_uids.empty());
  CHECK(combined->values.ingress.group.empty());
}

TEST_CASE("what is printed reads back as the same settings") {
  auto const combined = read(R"(
modules: "/tmp/a b # \"c\"\\"
ingress: {mode: "0600", group: "null", allow_uids: [0, 1000], message_bytes_max: 1000, wait_max: 1500ms}
admin: {socket: "-x", listen: "[::1]:1", actions: true}
store: {kind: rocksdb, sync: never, accept_loss: 17}
shards: 3
start_paused: true
log: {level: error, format: text}
module: {global-config: {"k: 1": "- v", plain: v, empty: ""}}
)",
                             {set("drain_timeout", "90s")});
  REQUIRE(combined.has_value());
  std::string const printed = to_yaml(*combined);
  CAPTURE(printed);
  auto const again = read(printed);
  REQUIRE(again.has_value());
  CHECK(again->values == combined->values);
  CHECK(again->values.modules == "/tmp/a b # \"c\"\\");
  CHECK(again->values.store.accept_loss == 17);
}

TEST_CASE("printed settings say where each comes from") {
  auto const combined = read("log:\n  level: error\nmodule: {global-config: {k: v}}\n", {{"--shards", "shards", "2"}});
  REQUIRE(combined.has_value());
  std::string const printed = to_yaml(*combined);
  CHECK_THAT(printed, Catch::StartsWith("# the settings in force, and where each comes from; read from s.yaml\n"
                                        "modules: /etc/statefun.d                # default\n"
                                        "ingress:\n"
                                        "  socket: /run/statefun/ingress.sock    # default\n"
                                        "  mode: \"0660\"                          # default\n"
                                        "  group: \"\"                             # default\n"
                                        "  allow_uids: []                        # default\n"));
  CHECK_THAT(printed, Catch::Contains("\nshards: 2                               # --shards\n"));
  CHECK_THAT(printed, Catch::Contains("\n  level: error                          # s.yaml:2:10\n"));
  CHECK_THAT(printed,
             Catch::EndsWith("\nmodule:\n  global-config:\n    k: v                                # s.yaml:3:29\n"));
  std::string const defaults = to_yaml(*combine({}, {}));
  CHECK_THAT(defaults,
             Catch::StartsWith("# the settings in force, and where each comes from; no settings file was read\n"));
  CHECK_THAT(defaults, Catch::EndsWith("\nmodule:\n  global-config: {}                     # default\n"));
}

TEST_CASE("a value that is very long has its remark behind it, and moves no other") {
  std::string const path = "/" + std::string(90, 'x');
  std::string const printed = to_yaml(*read("modules: " + path + "\n"));
  CHECK_THAT(printed, Catch::Contains("\nmodules: " + path + "  # s.yaml:1:10\n"));
  CHECK_THAT(printed, Catch::Contains("\ndrain_timeout: 30s                      # default\n"));
}

TEST_CASE("what is wrong in the file is shown with its line") {
  auto const combined = read("ingress:\n  socket: /a\n  mode: 0888\nmodule: {global-config: {a: [1]}}\nshards: 300\n");
  REQUIRE_FALSE(combined.has_value());
  REQUIRE(combined.error().size() == 3);
  CHECK(render(combined.error()[0], module::colours::none) ==
        "s.yaml:3:9: error: \"ingress.mode\" is \"0888\"; expected the octal digits of a file mode, as in \"0660\"\n"
        "    3 |   mode: 0888\n"
        "      |         ^~~~\n");
  auto const together = read("admin: {socket: /run/statefun/ingress.sock}\n");
  REQUIRE_FALSE(together.has_value());
  CHECK_THAT(render(together.error().front(), module::colours::none),
             Catch::EndsWith("    1 | admin: {socket: /run/statefun/ingress.sock}\n"
                             "      |                 ^~~~~~~~~~~~~~~~~~~~~~~~~~\n"));
}

TEST_CASE("a remark cannot leave its line") {
  auto const combined = combine(settings_file{"a\nshards: 7\n#", "shards: 2\n"}, {});
  REQUIRE(combined.has_value());
  auto const again = read(to_yaml(*combined));
  REQUIRE(again.has_value());
  CHECK(again->values.shards == 2U);
}

TEST_CASE("a named file must be there, the default one need not") {
  std::string directory = std::filesystem::temp_directory_path() / ("statefund-settings-" + std::string(6, 'X'));
  REQUIRE(mkdtemp(directory.data()));
  std::string const file = directory + "/statefund.yaml";
  CHECK(load_settings({}, {}, file)->values == settings{});
  CHECK(errors_of(load_settings(file, {})) == lines{file + ": error: cannot be read: No such file or directory"});
  CHECK(errors_of(load_settings({}, {}, directory)) == lines{directory + ": error: cannot be read: Is a directory"});
  CHECK(load_settings(file, {set("shards", "0")}).error().size() == 2);
  std::ofstream(file) << "shards: 9\n";
  CHECK(load_settings({}, {}, file)->values.shards == 9U);
  CHECK(load_settings(file, {}, "/nonexistent")->values.shards == 9U);
  CHECK(load_settings(file, {set("shards", "1")})->values.shards == 1U);
  unlink(file.c_str());
  rmdir(directory.c_str());
}
