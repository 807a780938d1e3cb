#include "catalog/keeper.hpp"

#include "catalog/read_directory.hpp"

#include <utility>

namespace statefund::catalog {
namespace {

bool has_text(std::shared_ptr<version const> const& known, file_text const& read) {
  return known && read.fault.empty() && known->text == read.text;
}

} // namespace

keeper::keeper(std::string directory) : directory_(std::move(directory)) {}

result<std::shared_ptr<snapshot const>> keeper::load() {
  auto files = read_directory(directory_);
  if (!files)
    return files.error();
  return take(std::move(*files));
}

std::shared_ptr<snapshot const> keeper::take(std::vector<file_text> files) {
  std::vector<file_versions> versions;
  versions.reserve(files.size());
  for (auto& each : files)
    versions.push_back(versions_of(std::move(each)));
  auto made = snapshot::make(versions, ++generation_);

  std::unordered_map<std::string, remembered> still_there;
  for (std::size_t i = 0; i < versions.size(); ++i) {
    auto const& in_force = made->files()[i].in_force;
    still_there.emplace(versions[i].path, remembered{versions[i].newest, in_force ? in_force : versions[i].last_good});
  }
  files_ = std::move(still_there);
  return made;
}

file_versions keeper::versions_of(file_text read) const {
  auto const found = files_.find(read.path);
  auto const known = found == files_.end() ? remembered{} : found->second;
  std::string const path = read.path;
  if (has_text(known.newest, read))
    return {path, known.newest, known.last_good};
  if (has_text(known.last_good, read))
    return {path, known.last_good, known.last_good};
  return {path, parse(std::move(read)), known.last_good};
}

} // namespace statefund::catalog
