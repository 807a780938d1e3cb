// config/statefun.d, from which administrators copy.
#include "module/not_running.hpp"
#include "unit/module/module_text.hpp"
#include "unit/module/reference_page.hpp"

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

using namespace statefund::module;

namespace {

// By their names.
std::map<std::string, std::string> const& examples() {
  static auto const all = [] {
    std::map<std::string, std::string> found;
    for (auto const& entry : std::filesystem::directory_iterator(MODULE_EXAMPLES)) {
      std::ifstream file(entry.path());
      REQUIRE(file);
      std::ostringstream text;
      text << file.rdbuf();
      found[entry.path().filename().string()] = text.str();
    }
    return found;
  }();
  return all;
}

bool holds(std::string const& text, std::string const& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("every example loads, and says so if something in it does not run") {
  for (auto const& [name, text] : examples()) {
    INFO(name);
    CHECK(name.ends_with(".yaml"));
    CHECK(holds(text, "does not run in this version") == !not_running_of(read(text)).empty());
  }
}

TEST_CASE("there is an example of each format, and of each component by its name") {
  std::string all;
  for (auto const& [name, text] : examples())
    all += text;
  for (auto const* const version : {"1.0", "2.0", "3.0"}) {
    INFO(version);
    CHECK(holds(all, "version: \"" + std::string(version) + "\"\n"));
  }
  auto const components = reference::read_page(MODULE_REFERENCE).at("components").rows;
  CHECK(components.size() > 10);
  for (auto const& row : components) {
    auto const name = reference::code_in(row.at("name")).at(0);
    INFO(name);
    CHECK((holds(all, "kind: " + name + '\n') || holds(all, "type: " + name + '\n')));
  }
}

TEST_CASE("the examples of endpoints have defaults where they say so") {
  for (auto const* const generation : {"v1", "v2"}) {
    INFO(generation);
    auto const& example = examples().at("endpoints-" + std::string(generation) + ".yaml");
    REQUIRE(holds(example, "hese are the defaults."));
    auto full = read(example).functions.at(0);
    auto least = read("kind: io.statefun.endpoints." + std::string(generation) + "/http\nspec: {functions: '" +
                      to_text(full.functions) + "', urlPathTemplate: '" + to_string(full.endpoint.url) + "'}\n")
                     .functions.at(0);
    full.where = least.where;
    CHECK(full == least);
  }
}
