#include "catalog/snapshot.hpp"

#include "module/parse.hpp"

#include <algorithm>
#include <iterator>

namespace statefund::catalog {

using module::diagnostics;

std::shared_ptr<version const> parse(file_text read) {
  auto made = std::make_shared<version>();
  if (!read.fault.empty()) {
    made->errors.push_back({{read.path, 0, 0}, read.fault, {}});
    return made;
  }
  if (auto parsed = module::parse(read.path, read.text); parsed)
    made->declared = std::move(*parsed);
  else
    made->errors = parsed.error();
  made->text = std::move(read.text);
  return made;
}

std::string_view to_string(file_state value) noexcept {
  switch (value) {
  case file_state::loaded:
    return "loaded";
  case file_state::kept:
    return "kept";
  case file_state::refused:
    return "refused";
  }
  return "unknown";
}

std::shared_ptr<snapshot const> snapshot::make(std::vector<file_versions> const& files, std::uint64_t generation) {
  std::shared_ptr<snapshot> made(new snapshot(generation));
  for (auto const& each : files)
    made->add(each);
  return made;
}

std::shared_ptr<snapshot const> snapshot::make(std::vector<file_text> files, std::uint64_t generation) {
  std::vector<file_versions> unknown;
  for (auto& each : files) {
    std::string const path = each.path;
    unknown.push_back({path, parse(std::move(each)), nullptr});
  }
  return make(unknown, generation);
}

void snapshot::add(file_versions const& known) {
  file here;
  here.path = known.path;
  here.errors = known.newest->is_good() ? held_against(known.newest->declared) : known.newest->errors;
  if (known.newest->text)
    module::add_excerpts(here.errors, *known.newest->text);
  if (here.errors.empty()) {
    here.state = file_state::loaded;
    here.in_force = known.newest;
  } else if (known.last_good && held_against(known.last_good->declared).empty()) {
    here.state = file_state::kept;
    here.in_force = known.last_good;
  }
  if (here.in_force)
    put_in_force(here.in_force->declared);
  files_.push_back(std::move(here));
}

void snapshot::put_in_force(module::specs const& declared) {
  for (auto const& each : declared.functions) {
    auto const& [name_space, name] = each.functions;
    if (name)
      exact_.emplace(message::function_type{name_space, *name}, &each);
    else
      namespaces_.emplace(name_space, &each);
    functions_.push_back(&each);
  }
  for (auto const& each : declared.ingresses)
    ingress_ids_.emplace(to_text(each.id), &each);
  for (auto const& each : declared.egresses) {
    egress_ids_.emplace(each.id, &each);
    egresses_.push_back(&each);
  }
  auto idle = module::not_running_of(declared);
  std::move(idle.begin(), idle.end(), std::back_inserter(not_running_));
}

diagnostics snapshot::held_against(module::specs const& declared) const {
  diagnostics found;
  for (auto const& each : declared.functions) {
    auto const& [name_space, name] = each.functions;
    if (name) {
      if (auto const first = exact_.find({name_space, *name}); first != exact_.end())
        found.push_back(with_state_of(first->second->where, module::bound_before(each, first->second->where)));
    } else if (auto const first = namespaces_.find(name_space); first != namespaces_.end()) {
      found.push_back(with_state_of(first->second->where, module::bound_before(each, first->second->where)));
    }
  }
  for (auto const& each : declared.ingresses)
    if (auto const first = ingress_ids_.find(to_text(each.id)); first != ingress_ids_.end())
      found.push_back(with_state_of(first->second->where, module::declared_before(each, first->second->where)));
  for (auto const& each : declared.egresses)
    if (auto const first = egress_ids_.find(each.id); first != egress_ids_.end())
      found.push_back(with_state_of(first->second->where, module::declared_before(each, first->second->where)));
  std::stable_sort(found.begin(), found.end(), [](module::diagnostic const& left, module::diagnostic const& right) {
    return std::pair(left.where.line, left.where.column) < std::pair(right.where.line, right.where.column);
  });
  return found;
}

module::function_spec const* snapshot::find(message::function_type const& type) const {
  if (auto const found = exact_.find(type); found != exact_.end())
    return found->second;
  if (auto const found = namespaces_.find(type.name_space); found != namespaces_.end())
    return found->second;
  return nullptr;
}

module::egress_spec const* snapshot::find(message::egress_id const& id) const {
  auto const found = egress_ids_.find(id);
  return found == egress_ids_.end() ? nullptr : found->second;
}

std::size_t snapshot::count(file_state state) const noexcept {
  auto const matching =
      std::count_if(files_.begin(), files_.end(), [&](file const& each) { return each.state == state; });
  return static_cast<std::size_t>(matching);
}

module::diagnostic snapshot::with_state_of(module::place const& first, module::diagnostic wrong) const {
  auto const declares_it = [&](file const& each) { return each.state == file_state::kept && each.path == first.file; };
  if (std::any_of(files_.begin(), files_.end(), declares_it))
    wrong.hint = first.file + " is kept at its last good version";
  return wrong;
}

diagnostics snapshot::errors() const {
  diagnostics all;
  for (auto const& each : files_)
    all.insert(all.end(), each.errors.begin(), each.errors.end());
  return all;
}

} // namespace statefund::catalog
