#pragma once

#include <map>
#include <string>
#include <vector>

// docs/module-reference.md as data: its tables and examples, section by section. A page that has not the shape that
// this reads fails the test that reads it.
namespace reference {

// A line of a table: what stands in each column, by the column's heading.
using row = std::map<std::string, std::string>;

struct section {
  std::vector<std::string> columns; // of its only table; empty: it has none
  std::vector<row> rows;
  std::vector<std::string> examples; // its YAML blocks
};

// By the anchor of the heading: "failure-policy".
using page = std::map<std::string, section>;

page read_page(std::string const& path);

// What stands between `these` in a text.
std::vector<std::string> code_in(std::string const& text);
// The anchors of this page that a text links to.
std::vector<std::string> links_in(std::string const& text);

} // namespace reference
