#include "catalog/snapshot.hpp"

#include "module/parse.hpp"

#include <algorithm>

namespace statefund::catalog {

using module::diagnostics;

std::string_view to_string(file_state value) noexcept {
  return value == file_state::loaded ? "loaded" : "refused";
}

std::shared_ptr<snapshot const> snapshot::make(std::vector<file_text> const& files, std::uint64_t generation) {
  std::shared_ptr<snapshot> made(new snapshot(generation));
  for (auto const& each : files)
    made->add(each);
  return made;
}

void snapshot::add(file_text const& read) {
  file& here = files_.emplace_back();
  here.path = read.path;
  here.state = file_state::refused;
  if (!read.fault.empty()) {
    here.errors.push_back({{read.path, 0, 0}, read.fault, {}});
    return;
  }
  auto parsed = module::parse(read.path, read.text);
  if (!parsed) {
    here.errors = parsed.error();
    return;
  }
  here.errors = held_against(*parsed);
  if (!here.errors.empty())
    return;
  here.state = file_state::loaded;
  here.function_count = parsed->functions.size();
  here.egress_count = parsed->egresses.size();
  for (auto& each : parsed->functions) {
    auto const& [name_space, name] = each.functions;
    if (name)
      exact_.emplace(message::function_type{name_space, *name}, functions_.size());
    else
      namespaces_.emplace(name_space, functions_.size());
    functions_.push_back(std::move(each));
  }
  for (auto& each : parsed->egresses) {
    egress_ids_.emplace(each.id, egresses_.size());
    egresses_.push_back(std::move(each));
  }
}

diagnostics snapshot::held_against(module::specs const& declared) const {
  diagnostics found;
  for (auto const& each : declared.functions) {
    auto const& [name_space, name] = each.functions;
    if (name) {
      if (auto const first = exact_.find({name_space, *name}); first != exact_.end())
        found.push_back(module::bound_before(each, functions_[first->second].where));
    } else if (auto const first = namespaces_.find(name_space); first != namespaces_.end()) {
      found.push_back(module::bound_before(each, functions_[first->second].where));
    }
  }
  for (auto const& each : declared.egresses)
    if (auto const first = egress_ids_.find(each.id); first != egress_ids_.end())
      found.push_back(module::declared_before(each, egresses_[first->second].where));
  std::stable_sort(found.begin(), found.end(), [](module::diagnostic const& left, module::diagnostic const& right) {
    return std::pair(left.where.line, left.where.column) < std::pair(right.where.line, right.where.column);
  });
  return found;
}

module::function_spec const* snapshot::find(message::function_type const& type) const {
  if (auto const found = exact_.find(type); found != exact_.end())
    return &functions_[found->second];
  if (auto const found = namespaces_.find(type.name_space); found != namespaces_.end())
    return &functions_[found->second];
  return nullptr;
}

module::egress_spec const* snapshot::find(message::egress_id const& id) const {
  auto const found = egress_ids_.find(id);
  return found == egress_ids_.end() ? nullptr : &egresses_[found->second];
}

bool snapshot::has_refused_files() const noexcept {
  return std::any_of(files_.begin(), files_.end(), [](file const& each) { return each.state == file_state::refused; });
}

diagnostics snapshot::errors() const {
  diagnostics all;
  for (auto const& each : files_)
    all.insert(all.end(), each.errors.begin(), each.errors.end());
  return all;
}

} // namespace statefund::catalog
