#include "house/source_tree.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace house {

namespace {

std::filesystem::path const root = SOURCE_DIRECTORY;

bool is_left_out(std::filesystem::path const& name) {
  return name == ".git" || name == "build" || name == "node_modules" || name == ".cache" ||
         name == "compile_commands.json";
}

std::string read_whole(std::filesystem::path const& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in)
    throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

std::string to_string(source_line const& line) {
  return line.file.string() + ":" + std::to_string(line.number) + ": " + line.text;
}

std::string read(std::filesystem::path const& file) {
  return read_whole(root / file);
}

std::vector<std::filesystem::path> files_under(std::filesystem::path const& folder,
                                               std::set<std::string> const& extensions) {
  std::vector<std::filesystem::path> found;
  for (auto at = std::filesystem::recursive_directory_iterator(root / folder);
       at != std::filesystem::recursive_directory_iterator(); ++at) {
    if (is_left_out(at->path().filename())) {
      at.disable_recursion_pending();
      continue;
    }
    if (!at->is_regular_file() || (!extensions.empty() && !extensions.contains(at->path().extension().string())))
      continue;
    found.push_back(std::filesystem::relative(at->path(), root));
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<source_line> lines_of(std::filesystem::path const& file) {
  std::vector<source_line> lines;
  std::istringstream text(read(file));
  for (std::string line; std::getline(text, line);)
    lines.push_back({file, lines.size() + 1, line});
  return lines;
}

std::set<std::string> rooms() {
  std::set<std::string> found;
  for (auto const& entry : std::filesystem::directory_iterator(root / "lib"))
    if (entry.is_directory())
      found.insert(entry.path().filename().string());
  return found;
}

std::map<std::string, std::size_t> floors() {
  std::vector<std::vector<std::string>> from_the_top;
  bool inside = false;
  for (source_line const& line : lines_of("lib/README.md")) {
    if (line.text.starts_with("```")) {
      inside = line.text == "```floors";
      continue;
    }
    if (!inside)
      continue;
    std::istringstream words(line.text);
    from_the_top.emplace_back(std::istream_iterator<std::string>(words), std::istream_iterator<std::string>());
  }
  std::map<std::string, std::size_t> found;
  for (std::size_t i = 0; i < from_the_top.size(); ++i)
    for (std::string const& room : from_the_top[i])
      if (!found.emplace(room, from_the_top.size() - i).second)
        throw std::runtime_error("lib/README.md puts " + room + " on two floors");
  return found;
}

std::map<std::string, std::set<std::string>> dependencies() {
  std::map<std::string, std::set<std::string>> found;
  std::istringstream text(read_whole(ROOMS_FILE));
  for (std::string line; std::getline(text, line);) {
    auto const colon = line.find(':');
    if (colon == std::string::npos)
      continue;
    std::istringstream words(line.substr(colon + 1));
    found[line.substr(0, colon)] = {std::istream_iterator<std::string>(words), std::istream_iterator<std::string>()};
  }
  for (bool grown = true; grown;) {
    grown = false;
    for (auto& [room, reached] : found)
      for (std::string const& next : std::set<std::string>(reached))
        for (std::string const& further : found[next])
          grown = reached.insert(further).second || grown;
  }
  return found;
}

std::string_view included(std::string_view line) {
  auto const start = line.find_first_not_of(" \t");
  if (start == std::string_view::npos || !line.substr(start).starts_with("#include"))
    return {};
  auto const open = line.find_first_of("\"<");
  auto const close = line.find_last_of("\">");
  return open < close && close != std::string_view::npos ? line.substr(open + 1, close - open - 1) : std::string_view{};
}

} // namespace house
