#include "unit/module/reference_page.hpp"

#include <catch2/catch.hpp>

#include <cctype>
#include <fstream>
#include <regex>
#include <utility>

namespace reference {
namespace {

// As GitHub makes it.
std::string anchor_of(std::string const& heading) {
  std::string out;
  for (char const c : heading)
    if (c == ' ')
      out += '-';
    else if (c == '-' || c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0)
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::vector<std::string> cells_of(std::string const& line) {
  static std::regex const cell(R"(\| *(.*?) *(?=\|))");
  std::vector<std::string> out;
  for (std::sregex_iterator each(line.begin(), line.end(), cell); each != std::sregex_iterator(); ++each)
    out.push_back((*each)[1]);
  return out;
}

void add_line_of_table(std::string const& line, section& into) {
  auto const cells = cells_of(line);
  if (into.columns.empty()) {
    into.columns = cells;
    return;
  }
  REQUIRE(cells.size() == into.columns.size());
  if (line.starts_with("|---"))
    return;
  row made;
  for (std::size_t i = 0; i < cells.size(); ++i)
    made[into.columns[i]] = cells[i];
  into.rows.push_back(std::move(made));
}

std::vector<std::string> all_of(std::string const& text, std::regex const& pattern) {
  std::vector<std::string> out;
  for (std::sregex_iterator each(text.begin(), text.end(), pattern); each != std::sregex_iterator(); ++each)
    out.push_back((*each)[1]);
  return out;
}

} // namespace

page read_page(std::string const& path) {
  page out;
  section* current = &out[""];
  bool is_in_example = false;
  bool is_in_table = false;
  std::ifstream file(path);
  REQUIRE(file);
  for (std::string line; std::getline(file, line);) {
    INFO(line);
    bool const was_in_table = std::exchange(is_in_table, line.starts_with('|'));
    if (line.starts_with("```")) {
      is_in_example = line == "```yaml";
      if (is_in_example)
        current->examples.emplace_back();
    } else if (is_in_example) {
      current->examples.back() += line + '\n';
    } else if (line.starts_with('#')) {
      auto const [made, is_new] = out.try_emplace(anchor_of(line.substr(line.find(' ') + 1)));
      REQUIRE(is_new);
      current = &made->second;
    } else if (is_in_table) {
      REQUIRE((was_in_table || current->columns.empty()));
      add_line_of_table(line, *current);
    }
  }
  return out;
}

std::vector<std::string> code_in(std::string const& text) {
  static std::regex const code("`([^`]+)`");
  return all_of(text, code);
}

std::vector<std::string> links_in(std::string const& text) {
  static std::regex const link(R"(\]\(#([^)]+)\))");
  return all_of(text, link);
}

} // namespace reference
