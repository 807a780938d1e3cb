#include "crash/disk_image.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace statefund::crash {

namespace {

constexpr std::size_t sector_bytes = 512;

std::string directory_of(std::string const& path) {
  return path.substr(0, path.rfind('/'));
}

std::size_t below(std::size_t end, std::mt19937_64& chance) {
  return static_cast<std::size_t>(chance() % end);
}

} // namespace

file_kind kind_of(std::string_view path) noexcept {
  auto const name = path.substr(path.rfind('/') + 1);
  if (name.ends_with(".log"))
    return file_kind::log;
  if (name.ends_with(".sst"))
    return file_kind::table;
  if (name.starts_with("MANIFEST"))
    return file_kind::manifest;
  if (name == "CURRENT" || (name.ends_with(".dbtmp") && !name.starts_with("OPTIONS")))
    return file_kind::current;
  if (name.starts_with("promise"))
    return file_kind::promise;
  return file_kind::other;
}

std::string_view to_string(file_kind kind) noexcept {
  constexpr std::array<std::string_view, 7> texts{"log",     "table",     "manifest", "current",
                                                  "promise", "directory", "other"};
  return texts[static_cast<std::size_t>(kind)];
}

std::string to_string(disk_step const& step) {
  constexpr std::array<std::string_view, 10> verbs{
      "make the directory", "create", "link",   "append to",         "overwrite", "sync",
      "lose a sync of",     "rename", "remove", "sync the directory"};
  auto text = std::string(verbs[static_cast<std::size_t>(step.verb)]) + ' ' + step.path;
  if (!step.to_path.empty())
    text += " to " + step.to_path;
  if (!step.bytes.empty())
    text += " (" + std::to_string(step.bytes.size()) + " bytes)";
  return text;
}

void disk_image::change(names& in, disk_step const& step) {
  switch (step.verb) {
  case step_verb::make_directory:
  case step_verb::create:
  case step_verb::link:
    in[step.path] = step.file;
    break;
  case step_verb::rename: {
    auto const is_moved = [&](auto const& one) {
      return one.first == step.path || one.first.starts_with(step.path + '/');
    };
    names moved;
    for (auto const& one : in)
      if (is_moved(one))
        moved[step.to_path + one.first.substr(step.path.size())] = one.second;
    std::erase_if(in, is_moved);
    for (auto const& [path, id] : moved)
      in[path] = id;
    break;
  }
  case step_verb::remove:
    in.erase(step.path);
    break;
  default:
    break;
  }
}

void disk_image::put(std::string& into, patch const& one) {
  into.resize(std::max(into.size(), one.offset + one.bytes.size()), '\0');
  into.replace(one.offset, one.bytes.size(), one.bytes);
}

void disk_image::apply(disk_step const& step) {
  switch (step.verb) {
  case step_verb::create:
    files_.try_emplace(step.file);
    [[fallthrough]];
  case step_verb::make_directory:
  case step_verb::link:
  case step_verb::rename:
  case step_verb::remove:
    change(names_, step);
    unsynced_names_.push_back(step);
    break;
  case step_verb::append:
  case step_verb::overwrite: {
    auto& to = files_.at(step.file);
    to.unsynced.push_back({step.verb == step_verb::append ? to.written.size() : step.offset, step.bytes});
    put(to.written, to.unsynced.back());
    break;
  }
  case step_verb::sync: {
    auto& of = files_.at(step.file);
    for (auto const& one : of.unsynced)
      put(of.synced, one);
    of.unsynced.clear();
    break;
  }
  case step_verb::lose_sync:
    files_.at(step.file).unsynced.clear();
    break;
  case step_verb::sync_directory: {
    auto const is_here = [&](disk_step const& one) { return directory_of(one.path) == step.path; };
    for (auto const& one : unsynced_names_)
      if (is_here(one))
        change(synced_names_, one);
    std::erase_if(unsynced_names_, is_here);
    break;
  }
  }
}

std::string disk_image::after_power_loss(file const& one, std::mt19937_64& chance) {
  auto content = one.synced;
  std::size_t unsynced_bytes = 0;
  for (auto const& part : one.unsynced)
    unsynced_bytes += part.bytes.size();
  enum { nothing, all, first_bytes, some_sectors };
  auto const what = below(4, chance);
  if (unsynced_bytes == 0 || what == nothing)
    return content;
  bool const in_place = std::any_of(one.unsynced.begin(), one.unsynced.end(),
                                    [&](patch const& part) { return part.offset < one.synced.size(); });
  if (what == some_sectors || (what == first_bytes && in_place)) {
    std::set<std::size_t> kept;
    for (std::size_t sector = 0; sector <= one.written.size() / sector_bytes; ++sector)
      if (below(2, chance) == 0)
        kept.insert(sector);
    for (auto const& part : one.unsynced)
      for (std::size_t at = 0; at < part.bytes.size();) {
        auto const sector = (part.offset + at) / sector_bytes;
        auto const bytes = std::min(part.bytes.size() - at, (sector + 1) * sector_bytes - part.offset - at);
        if (kept.contains(sector))
          put(content, {part.offset + at, part.bytes.substr(at, bytes)});
        at += bytes;
      }
    return content;
  }
  auto left = what == all ? unsynced_bytes : below(unsynced_bytes, chance);
  for (auto const& part : one.unsynced) {
    auto const bytes = std::min(left, part.bytes.size());
    if (bytes > 0)
      put(content, {part.offset, part.bytes.substr(0, bytes)});
    left -= bytes;
  }
  return content;
}

void disk_image::lose_power(std::mt19937_64& chance) {
  // The directory that everything lies in is not among the names; the shortest of them is in there.
  auto const uppermost = names_.empty() ? std::string() : directory_of(names_.begin()->first);
  std::map<std::string, std::vector<disk_step>> by_directory;
  for (auto const& step : unsynced_names_)
    by_directory[directory_of(step.path)].push_back(step);
  names_ = synced_names_;
  // A directory that is renamed takes along what is in it.
  for (auto next = by_directory.rbegin(); next != by_directory.rend(); ++next) {
    auto const& steps = next->second;
    auto const choice = below(4, chance);
    auto const count = choice == 0 ? 0 : choice == 1 ? steps.size() : below(steps.size() + 1, chance);
    for (std::size_t i = 0; i < count; ++i)
      change(names_, steps[i]);
  }
  // What lies in a directory that is gone is gone.
  std::erase_if(names_, [&](auto const& one) {
    auto const directory = directory_of(one.first);
    return directory.size() > uppermost.size() && !names_.contains(directory);
  });
  std::map<std::uint64_t, file> left;
  for (auto const& [path, id] : names_)
    if (id != 0 && !left.contains(id)) {
      auto content = after_power_loss(files_.at(id), chance);
      left[id] = {content, content, {}};
    }
  files_ = std::move(left);
  synced_names_ = names_;
  unsynced_names_.clear();
}

bool disk_image::lose_unsynced(std::string const& path) {
  auto& of = files_.at(names_.at(path));
  bool const had_any = of.written != of.synced;
  of = {of.synced, of.synced, {}};
  return had_any;
}

bool disk_image::is_directory(std::string const& path) const {
  auto const found = names_.find(path);
  return found != names_.end() && found->second == 0;
}

std::vector<std::string> disk_image::children_of(std::string const& directory) const {
  std::vector<std::string> all;
  for (auto const& [path, id] : names_)
    if (directory_of(path) == directory)
      all.push_back(path.substr(directory.size() + 1));
  return all;
}

std::vector<std::string> disk_image::paths() const {
  std::vector<std::string> all;
  for (auto const& [path, id] : names_)
    if (id != 0)
      all.push_back(path);
  return all;
}

void disk_image::set_content(std::string const& path, std::string bytes) {
  files_.at(names_.at(path)) = {bytes, bytes, {}};
}

void disk_image::lose_file(std::string const& path) {
  names_.erase(path);
  synced_names_.erase(path);
}

} // namespace statefund::crash
