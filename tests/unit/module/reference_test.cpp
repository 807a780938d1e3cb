// docs/module-reference.md held against the parser. What the parser knows is found out by parsing: from what it says of
// a key or a name that there is not.
#include "module/document.hpp"
#include "module/not_running.hpp"
#include "module/reader.hpp"
#include "unit/module/module_text.hpp"
#include "unit/module/reference_page.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

using namespace statefund::module;
using reference::code_in;
using reference::links_in;

namespace {

using words = std::set<std::string>;

std::string const unknown = "zzzzzzzz";
std::string const unknown_quoted = "\"zzzzzzzz\"";

reference::page const& page() {
  static reference::page const read = reference::read_page(MODULE_REFERENCE);
  return read;
}

// One name of a component in one generation. A format itself is one without a name.
struct spelling {
  std::string generation; // "1.0", "v2"
  std::string under;      // "ingresses[].ingress", "kind"
  std::string name;
  std::vector<std::string> sections; // that have its keys

  bool is_format() const { return name.empty(); }
  bool is_document() const { return under == "kind"; }
  std::string name_key() const {
    return under.starts_with("functions") || under.starts_with("endpoints") ? "meta.kind" : "meta.type";
  }
};

std::string to_text(spelling const& of) {
  return "in " + of.generation + ' ' + of.under + ' ' + of.name;
}

words generations_in(std::string const& cell) {
  static std::regex const generation("[^, ]+");
  words out;
  for (std::sregex_iterator each(cell.begin(), cell.end(), generation); each != std::sregex_iterator(); ++each)
    out.insert(each->str());
  return out;
}

std::vector<spelling> const& components() {
  static auto const read = [] {
    std::vector<spelling> out;
    for (auto const& row : page().at("components").rows)
      for (auto const& generation : generations_in(row.at("in")))
        out.push_back(
            {generation, code_in(row.at("under")).at(0), code_in(row.at("name")).at(0), links_in(row.at("keys"))});
    return out;
  }();
  return read;
}

std::vector<spelling> components_and_formats() {
  auto out = components();
  for (auto const* const format : {"1.0", "2.0", "3.0"})
    out.push_back({format, {}, {}, {"modules"}});
  return out;
}

// What stands at each path of a file: "a.b" in a map, "a[].b" in the map that is the only item of a list.
using values = std::map<std::string, std::string>;

std::string yaml_of(values const& all) {
  std::map<std::string, values> below;
  for (auto const& [path, value] : all) {
    auto const dot = path.find('.');
    below[path.substr(0, dot)][dot == std::string::npos ? "" : path.substr(dot + 1)] = value;
  }
  std::string out;
  for (auto& [head, inner] : below) {
    if (inner.size() > 1)
      inner.erase("");
    bool const is_list = head.ends_with("[]");
    std::string const value = inner.contains("") ? inner.at("") : yaml_of(inner);
    out += (out.empty() ? "" : ", ") + head.substr(0, head.size() - (is_list ? 2 : 0)) + ": " +
           (is_list ? '[' + value + ']' : value);
  }
  return '{' + out + '}';
}

// A default of a key: a line of a table has one for each of its columns of defaults.
struct key_row {
  std::string key;
  std::string value_cell;
  std::string default_cell;
  values beside; // with which that is its default
};

// "default with `transport.type: x`"
values values_in(std::string const& column) {
  values out;
  for (auto const& each : code_in(column))
    out[each.substr(0, each.find(": "))] = each.substr(each.find(": ") + 2);
  return out;
}

std::vector<key_row> rows_of(spelling const& of) {
  std::vector<key_row> out;
  for (auto const& name : of.sections) {
    auto const& section = page().at(name);
    for (auto const& row : section.rows)
      if (row.contains("key") && (row.at("in") == "all" || generations_in(row.at("in")).contains(of.generation)))
        for (auto const& column : section.columns)
          if (column == "default" || (column.starts_with("default with") && !row.at(column).empty()))
            out.push_back({code_in(row.at("key")).at(0), row.at("value"), row.at(column), values_in(column)});
  }
  return out;
}

// The words that a value's cell begins with, as in "`earliest` or `latest`: where it begins".
words words_in(key_row const& of) {
  static std::regex const list("^`[^`]+`(, `[^`]+`)*( or `[^`]+`)?(?=$|[,:;])");
  std::smatch found;
  if (!std::regex_search(of.value_cell, found, list))
    return {};
  auto const all = code_in(found.str());
  return {all.begin(), all.end()};
}

// A default that can be written: `10s`.
bool is_value(std::string const& cell) {
  auto const code = code_in(cell);
  return code.size() == 1 && cell == '`' + code[0] + '`';
}

// What makes it what it is, its keys aside.
values identity_of(spelling const& of) {
  if (of.is_format())
    return {{"version", '\'' + of.generation + '\''}};
  if (of.is_document())
    return {};
  return {{of.name_key(), of.name}};
}

// The least that parses: what is required, and what something else has no effect without.
values specimen_of(spelling const& of) {
  static values const samples{
      {"module.meta.type", "remote"},
      {"meta.type", "a/b"},
      {"meta.id", "a/b"},
      {"id", "a/b"},
      {"functions", "a/b"},
      {"endpoint", "https://h"},
      {"urlPathTemplate", "https://h"},
      {"states[].name", "s"},
      {"states[].expireAfter", "5min"},
      {"address", "h:9092"},
      {"topics", "[t]"},
      {"topics[].topic", "t"},
      {"topics[].typeUrl", "a/b"},
      {"topics[].valueType", "a/b"},
      {"topics[].targets", "[a/b]"},
      {"messageType", "M"},
      {"descriptorSet", "/d"},
      {"ingress", "a/b"},
      {"target", "a/b/c"},
      {"port", "1"},
  };
  values out = identity_of(of);
  for (auto const& row : rows_of(of))
    if (auto const sample = samples.find(row.key); sample != samples.end())
      out.insert(*sample);
  return out;
}

void add(std::string const& prefix, values const& keys, values& into) {
  for (auto const& [key, value] : keys)
    into[prefix + (key.starts_with("meta.") ? "" : "spec.") + key] = value;
}

// A whole file that has one component with these keys, and what its names lead to.
std::string text_of(spelling const& of, values const& keys) {
  values file;
  if (of.is_format()) {
    file = keys;
    file["module.spec"] = "{}";
  } else if (of.is_document()) {
    file = {{"kind", of.name}};
    add("", keys, file);
  } else {
    std::string const entry = "module.spec." + of.under + '.';
    file = {{"version", '\'' + of.generation + '\''}, {"module.meta.type", "remote"}, {entry + "spec", "{}"}};
    add(entry, keys, file);
    bool const is_router = of.sections.front() == "router";
    if (is_router || of.sections.front() == "kafka-ingress-with-routers")
      for (auto const& other : components())
        if (other.generation == of.generation &&
            other.sections.front() == (is_router ? "kafka-ingress-with-routers" : "router"))
          add("module.spec." + other.under + '.', specimen_of(other), file);
  }
  return yaml_of(file);
}

values without(std::string const& key, values from) {
  from.erase(key);
  return from;
}

values with(values const& more, values into) {
  for (auto const& [key, value] : more)
    into[key] = value;
  return into;
}

parse_result parsed(spelling const& of, values const& keys) {
  return parse("m.yaml", text_of(of, keys));
}

// Without places.
bool are_equal(specs left, specs right) {
  for (auto* const each : {&left, &right}) {
    for (auto& one : each->functions)
      one.where = {};
    for (auto& one : each->ingresses)
      one.where = {};
    for (auto& one : each->egresses)
      one.where = {};
    for (auto& one : each->routers)
      one.where = {};
  }
  return left.functions == right.functions && left.ingresses == right.ingresses && left.egresses == right.egresses &&
         left.routers == right.routers;
}

// What the error that begins so says is expected: "...; expected a, b or c". Empty: there is no such error.
words expected_by(parse_result const& result, std::string const& error) {
  if (result.has_value())
    return {};
  static std::regex const list("expected (?:one of )?(.*)$");
  static std::regex const word("([^ ,]+)(?:, | or |$)");
  words out;
  for (auto const& each : result.error()) {
    std::string const& said = each.hint.empty() ? each.message : each.hint;
    std::smatch found;
    if (each.message.starts_with(error) && std::regex_search(said, found, list)) {
      std::string const all = found[1];
      for (std::sregex_iterator one(all.begin(), all.end(), word); one != std::sregex_iterator(); ++one)
        out.insert((*one)[1]);
    }
  }
  return out;
}

// The keys of one map. Some are known beside a word alone, as `date` is beside `type: date`.
words known_keys(spelling const& of, std::string const& map) {
  std::vector<values> tried{identity_of(of)};
  for (auto const& row : rows_of(of))
    if (row.key.starts_with(map) && row.key.find('.', map.size()) == std::string::npos)
      for (auto const& word : words_in(row))
        tried.push_back(with({{row.key, word}}, identity_of(of)));
  words out;
  for (auto const& each : tried)
    out.merge(expected_by(parsed(of, with({{map + unknown, "1"}}, each)), unknown_quoted + " is not a key of "));
  return out;
}

// The paths of all keys that are not maps themselves, from one map downwards.
words known_paths(spelling const& of, std::string const& map) {
  words out;
  for (auto const& key : known_keys(of, map)) {
    words below = known_paths(of, map + key + '.');
    below.merge(known_paths(of, map + key + "[]."));
    if (below.empty())
      below.insert(map + key);
    out.merge(below);
  }
  return out;
}

} // namespace

TEST_CASE("the reference names every component that the parser knows, and no other") {
  std::map<std::string, words> named; // by the file that has an unknown one there
  for (auto const& each : components()) {
    spelling const none{each.generation, each.under, unknown, {""}};
    named[text_of(none, identity_of(none))].insert(each.name);
  }
  REQUIRE(named.size() == 12);
  for (auto const& [text, names] : named) {
    INFO(text);
    auto const result = parse("m.yaml", text);
    REQUIRE_FALSE(result.has_value());
    words known;
    for (auto const* const what : {"kind", "ingress type", "egress type", "router type"})
      known.merge(expected_by(result, std::string(what) + ' ' + unknown_quoted + " is unknown"));
    CHECK(names == known);
  }
}

TEST_CASE("the reference has every key that the parser knows, and no other") {
  for (auto const& each : components_and_formats()) {
    INFO(to_text(each));
    words documented;
    for (auto const& row : rows_of(each))
      documented.insert(row.key);
    words known = known_paths(each, "");
    if (!each.is_format() && !each.is_document())
      known.merge(known_paths(each, "meta."));
    CHECK(documented == known);
    if (each.is_document())
      CHECK(expected_by(parse("m.yaml", "{kind: " + each.name + ", " + unknown + ": 1}"), unknown_quoted) ==
            words{"kind", "spec"});
  }
}

TEST_CASE("what the reference calls required is, and everything else may be left out") {
  for (auto const& each : components_and_formats()) {
    auto const specimen = specimen_of(each);
    INFO(text_of(each, specimen));
    CHECK(parsed(each, specimen).has_value());
    for (auto const& row : rows_of(each)) {
      INFO(row.key);
      CHECK(parsed(each, without(row.key, with(row.beside, specimen))).has_value() == (row.default_cell != "required"));
    }
  }
}

TEST_CASE("a default that the reference gives is what the parser does without the key") {
  std::size_t count = 0;
  for (auto const& each : components_and_formats())
    for (auto const& row : rows_of(each)) {
      INFO(to_text(each) << ' ' << row.key << " without a value is " << row.default_cell);
      if (!is_value(row.default_cell)) {
        CHECK(row.default_cell.find_first_of("0123456789") == std::string::npos); // a number must be held against
        CHECK_FALSE(row.default_cell.empty());
        continue;
      }
      auto const specimen = with(row.beside, specimen_of(each));
      auto const left_out = parsed(each, without(row.key, specimen));
      auto const written = parsed(each, with({{row.key, code_in(row.default_cell).at(0)}}, specimen));
      REQUIRE(left_out.has_value());
      REQUIRE(written.has_value());
      CHECK(are_equal(*left_out, *written));
      words others = words_in(row);
      others.insert("1");
      CHECK(std::any_of(others.begin(), others.end(), [&](std::string const& other) {
        auto const result = parsed(each, with({{row.key, other}}, specimen));
        return result.has_value() && !are_equal(*left_out, *result);
      }));
      ++count;
    }
  CHECK(count > 50);
}

TEST_CASE("the words that the reference gives for a key are those that the parser expects") {
  std::size_t count = 0;
  for (auto const& each : components_and_formats())
    for (auto const& row : rows_of(each))
      if (auto const documented = words_in(row); !documented.empty()) {
        INFO(to_text(each) << ' ' << row.key);
        CHECK(expected_by(parsed(each, with({{row.key, unknown}}, specimen_of(each))), "") == documented);
        ++count;
      }
  CHECK(count > 20);
}

TEST_CASE("the reference says of everything that does not run what happens instead") {
  words reasons;
  for (auto const& each : components()) {
    auto const result = parsed(each, specimen_of(each));
    REQUIRE(result.has_value());
    for (auto const& found : not_running_of(*result))
      reasons.insert(found.why);
  }
  words documented;
  for (auto const& row : page().at("read-and-not-running-yet").rows)
    documented.insert(row.at("what happens"));
  CHECK(documented == reasons);
}

TEST_CASE("what the reference calls refused by name is") {
  for (auto const& row : page().at("refused-by-name").rows)
    for (auto const& name : code_in(row.at("name"))) {
      std::string told;
      auto const try_in = [&](std::string const& text) {
        auto const result = parse("m.yaml", text);
        REQUIRE_FALSE(result.has_value());
        for (auto const& each : result.error())
          told += to_string(each) + '\n';
      };
      try_in("{kind: " + name + ", spec: {}}");
      try_in("{version: '1.0', module: {meta: {type: " + name + "}, spec: {}}}");
      for (auto const& each : components())
        if (!each.is_document())
          try_in(text_of({each.generation, each.under, name, {""}}, {{each.name_key(), name}}));
      INFO(told);
      CHECK(told.find(name + "\" is not supported by ") != std::string::npos);
    }
}

TEST_CASE("the limits that the reference gives are the parser's") {
  document_limits const limits{.text_bytes_max = text_bytes_max};
  std::vector<std::size_t> const enforced{limits.text_bytes_max, limits.nodes_max,      limits.levels_max,
                                          limits.brackets_max,   limits.line_bytes_max, error_list::shown_max};
  std::vector<std::size_t> documented;
  for (auto const& row : page().at("limits").rows)
    documented.push_back(std::stoul(row.at("at most")));
  CHECK(documented == enforced);
}

TEST_CASE("every example in the reference loads, and together they have a file of each format") {
  words versions;
  for (auto const& [anchor, section] : page())
    for (auto const& example : section.examples) {
      INFO(anchor);
      auto const declared = read(example);
      CHECK(declared.functions.size() > 0);
      versions.insert(example.substr(0, example.find('\n')));
    }
  CHECK(versions ==
        words{"version: \"1.0\"", "version: \"2.0\"", "version: \"3.0\"", "kind: io.statefun.endpoints.v2/http"});
}

TEST_CASE("every link within the reference leads somewhere") {
  std::ifstream file(MODULE_REFERENCE);
  std::ostringstream text;
  text << file.rdbuf();
  auto const links = links_in(text.str());
  CHECK(links.size() > 50);
  for (auto const& each : links) {
    INFO(each);
    CHECK(page().contains(each));
  }
}
