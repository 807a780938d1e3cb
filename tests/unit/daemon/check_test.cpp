#include "daemon/check.hpp"
#include "unit/catalog/module_directory.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

using namespace statefund;
using namespace statefund::daemon;
using catalog::module_directory;

namespace {

std::string const good = "kind: io.statefun.endpoints.v2/http\n"
                         "spec:\n"
                         "  functions: ns/f\n"
                         "  urlPathTemplate: http://host/\n";
std::string const queue = "kind: statefund.egress.v1/queue\nspec: {id: ns/out}\n";

std::string shown(checked const& value) {
  return render(value, module::colours::none);
}

} // namespace

TEST_CASE("all errors of all files are told, and counted in the last line") {
  module_directory const modules;
  modules.write("a.yaml", good);
  modules.write("b.yaml", good + "  transport: {conect: 1s}\n  color: red\n");
  modules.write("c.yaml", good);
  modules.write("d.yaml", queue);
  auto const judged = check_modules(modules.path());
  CHECK(judged.has_errors());
  CHECK_FALSE(judged.is_good());
  CHECK(shown(judged) == modules.path("b.yaml") +
                             ":5:15: error: \"conect\" is not a key of the transport\n"
                             "    5 |   transport: {conect: 1s}\n"
                             "      |               ^~~~~~\n"
                             "      = hint: did you mean \"connect\"?\n" +
                             modules.path("b.yaml") +
                             ":6:3: error: \"color\" is not a key of the spec of io.statefun.endpoints.v2/http\n"
                             "    6 |   color: red\n"
                             "      |   ^~~~~\n"
                             "      = hint: " +
                             judged.found.at(1).hint + "\n" + modules.path("c.yaml") +
                             ":3:14: error: \"ns/f\" is bound already at " + modules.path("a.yaml") +
                             ":3:14; expected it once\n"
                             "    3 |   functions: ns/f\n"
                             "      |              ^~~~\n" +
                             modules.path("a.yaml") +
                             ":3:14: note: the first is here\n"
                             "3 errors in 2 of 4 files\n");
  CHECK(judged.modules->functions().size() == 1); // what is good is still there to connect to
}

TEST_CASE("one error in one file is counted in the singular") {
  module_directory const modules;
  modules.write("a.yaml", "kind: [\n");
  CHECK_THAT(shown(check_modules(modules.path())), Catch::EndsWith("\n1 error in 1 of 1 file\n"));
}

TEST_CASE("a directory in which all is good says what it holds") {
  module_directory const modules;
  modules.write("a.yaml", good);
  modules.write("b.yaml", queue);
  auto const judged = check_modules(modules.path());
  CHECK(judged.is_good());
  CHECK(shown(judged).empty());
  CHECK(summary(judged) == modules.path() + ": 2 files, 1 function, 1 egress: all good\n");
}

TEST_CASE("what a file declares and this version does not do is a warning, and the file is good") {
  module_directory const modules;
  modules.write("a.yaml", good + "---\nkind: io.statefun.playground.v1/ingress\nspec: {port: 8090}\n");
  auto const judged = check_modules(modules.path());
  CHECK(judged.is_good());
  REQUIRE(judged.found.size() == 1);
  CHECK(shown(judged) == modules.path("a.yaml") +
                             ":6:7: warning: the playground ingress on port 8090 does not run: no playground port is "
                             "opened in this version\n"
                             "    6 | kind: io.statefun.playground.v1/ingress\n"
                             "      |       ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
                             "1 warning\n");
  CHECK(summary(judged) == modules.path() + ": 1 file, 1 function, 0 egresses\n");
}

TEST_CASE("an empty directory is a warning, a missing one an error") {
  module_directory const modules;
  auto const empty = check_modules(modules.path());
  CHECK(empty.is_good());
  CHECK(shown(empty) == modules.path() + ": warning: the directory holds no module file\n"
                                         "      = hint: files are read whose names end in .yaml or .yml\n"
                                         "1 warning\n");
  CHECK(summary(empty) == modules.path() + ": 0 files, 0 functions, 0 egresses\n");

  std::string const nowhere = modules.path("nowhere");
  auto const missing = check_modules(nowhere);
  CHECK(missing.has_errors());
  CHECK(shown(missing) == nowhere + ": error: SF0002: there is no such module directory: " + nowhere +
                              " (No such file or directory)\n1 error\n");
  modules.write("file.yaml", good);
  CHECK_THAT(shown(check_modules(modules.path("file.yaml"))),
             Catch::EndsWith("      = hint: it is a file; name the directory that it is in\n1 error\n"));
}

TEST_CASE("settings that cannot be used are told before the modules, and counted apart") {
  module_directory const modules;
  modules.write("a.yaml", "kind: [\n");
  auto judged = check_modules(modules.path());
  judged.settings.push_back({{"--store"}, "SF0001: no such store", {}});
  CHECK_THAT(shown(judged), Catch::StartsWith("--store: error: SF0001: no such store\n"));
  CHECK_THAT(shown(judged), Catch::EndsWith("\n1 error in the settings, 1 error in 1 of 1 file\n"));
  checked none;
  none.settings = judged.settings;
  CHECK(shown(none) == "--store: error: SF0001: no such store\n1 error in the settings\n");
  CHECK(to_json(none) == R"({"directory":"","ok":false,"files":[],"diagnostics":[{"file":"--store","line":null,)"
                         R"("column":null,"severity":"error","message":"SF0001: no such store","hint":null,)"
                         R"("first":null,"source":null}]})"
                         "\n");
}

TEST_CASE("as JSON the same is one document in a line") {
  module_directory const modules;
  modules.write("a.yaml", queue);
  modules.write("b.yaml", queue + "---\n" + queue);
  auto const a = modules.path("a.yaml");
  auto const b = modules.path("b.yaml");
  CHECK(to_json(check_modules(modules.path())) ==
        R"({"directory":")" + modules.path() + R"(","ok":false,"files":[)" + R"({"file":")" + a +
            R"(","state":"loaded","functions":0,"egresses":1},)" + R"({"file":")" + b +
            R"(","state":"refused","functions":0,"egresses":0}],"diagnostics":[)" + R"({"file":")" + b +
            R"(","line":5,"column":12,"severity":"error","message":"the egress \"ns/out\" is )" +
            "declared already at " + b + R"(:2:12; expected it once","hint":null,"first":{"file":")" + b +
            R"(","line":2,"column":12},"source":"spec: {id: ns/out}"}]})" + "\n");
}

TEST_CASE("JSON is UTF-8 whatever the names of files are") {
  module_directory const modules;
  modules.write("\xff.yaml", queue);
  CHECK_THAT(to_json(check_modules(modules.path())), Catch::Contains("/\xef\xbf\xbd.yaml\",\"state\":\"loaded\""));
}

TEST_CASE("what could be reached is data, and what could not is not good") {
  module_directory const modules;
  modules.write("a.yaml", good);
  auto judged = check_modules(modules.path());
  judged.connections = std::vector<reached>{{"ns/f", "http://host/", reachability::reachable, ""}};
  CHECK(judged.is_good());
  CHECK_THAT(to_json(judged), Catch::EndsWith(R"("diagnostics":[],"connections":[{"functions":"ns/f",)"
                                              R"("endpoint":"http://host/","state":"reachable","reason":null}]})"
                                              "\n"));
  judged.connections->push_back({"a/*", "http://{function.name}/", reachability::unknown, "the name"});
  CHECK(judged.is_good());
  judged.connections->push_back({"ns/g", "http://host/", reachability::unreachable, "connection refused"});
  CHECK_FALSE(judged.is_good());
  CHECK_FALSE(judged.has_errors());
  CHECK_THAT(to_json(judged), Catch::Contains(R"("ok":false)"));
}

TEST_CASE("a file or a pipe is sent no colours") {
  int const nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  REQUIRE(nowhere >= 0);
  CHECK(colours_of(nowhere) == module::colours::none);
  ::close(nowhere);
}

TEST_CASE("a terminal is sent colours unless somebody does not want them") {
  int const leader = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  REQUIRE(leader >= 0);
  REQUIRE(::grantpt(leader) == 0);
  REQUIRE(::unlockpt(leader) == 0);
  int const terminal = ::open(::ptsname(leader), O_RDWR | O_NOCTTY | O_CLOEXEC);
  REQUIRE(terminal >= 0);
  ::setenv("TERM", "xterm", 1);
  ::unsetenv("NO_COLOR");
  CHECK(colours_of(terminal) == module::colours::terminal);
  ::setenv("NO_COLOR", "", 1);
  CHECK(colours_of(terminal) == module::colours::terminal);
  ::setenv("NO_COLOR", "1", 1);
  CHECK(colours_of(terminal) == module::colours::none);
  ::unsetenv("NO_COLOR");
  ::setenv("TERM", "dumb", 1);
  CHECK(colours_of(terminal) == module::colours::none);
  ::close(terminal);
  ::close(leader);
}
