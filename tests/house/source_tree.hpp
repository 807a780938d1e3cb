#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace house {

// The project's files as text, for tests that hold its rules against it. Paths are relative to the project's root.

struct source_line {
  std::filesystem::path file;
  std::size_t number = 0;
  std::string text;
};
std::string to_string(source_line const& line); // "lib/a/b.cpp:12: text"

std::string read(std::filesystem::path const& file);

// Every text file under `folder` with one of these extensions (".hpp"; all text files when empty), in name order.
// What is built, installed or recorded by tools is left out.
std::vector<std::filesystem::path> files_under(std::filesystem::path const& folder,
                                               std::set<std::string> const& extensions = {});
std::vector<source_line> lines_of(std::filesystem::path const& file);

// The folders directly in lib/, that is, the rooms.
std::set<std::string> rooms();

// From lib/README.md's block of floors: each room's floor, counted from the ground up.
std::map<std::string, std::size_t> floors();

// What each room's target may include: its DEPENDS, and what these depend on.
std::map<std::string, std::set<std::string>> dependencies();

// `#include "room/file.hpp"` or `#include <a/b.hpp>`: what stands between; empty for another line.
std::string_view included(std::string_view line);

} // namespace house
