#include "module/parse.hpp"

#include "module/component.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>

namespace statefund::module {
namespace {

diagnostics find_duplicates(specs const& read) {
  diagnostics found;
  std::unordered_map<std::string, place const*> bound;
  for (auto const& each : read.functions)
    if (auto const [first, is_new] = bound.emplace(to_text(each.functions), &each.where); !is_new)
      found.push_back(bound_before(each, *first->second));
  std::unordered_map<message::egress_id, place const*> declared;
  for (auto const& each : read.egresses)
    if (auto const [first, is_new] = declared.emplace(each.id, &each.where); !is_new)
      found.push_back(declared_before(each, *first->second));
  std::unordered_map<std::string, place const*> opened;
  for (auto const& each : read.ingresses)
    if (auto const [first, is_new] = opened.emplace(to_text(each.id), &each.where); !is_new)
      found.push_back(declared_before(each, *first->second));
  return found;
}

diagnostic declared_before(std::string const& what, std::string const& id, place const& second, place const& first) {
  diagnostic found{second,
                   "the " + what + ' ' + quoted(id) + " is declared already at " + to_string(first) +
                       "; expected it once",
                   {}};
  found.first = first;
  return found;
}

// What gets into the directory by mistake, by keys that no module file has at its root.
std::optional<std::string_view> foreign_name(node const& root) {
  constexpr std::array<std::string_view, 10> settings{
      "modules", "ingress", "admin", "store", "shards", "limits", "log", "start_paused", "embedded", "drain_timeout"};
  if (root.find("kind") || root.find("spec") || root.find("module") || root.entries.empty())
    return std::nullopt;
  auto const is_setting = [&](node::entry const& each) {
    return std::find(settings.begin(), settings.end(), each.key->text) != settings.end();
  };
  if (std::all_of(root.entries.begin(), root.entries.end(), is_setting))
    return "statefund's own settings (statefund.yaml)";
  if (root.find("services"))
    return "a docker compose file";
  if (root.find("jobs"))
    return "a GitHub workflow";
  return std::nullopt;
}

} // namespace

diagnostic bound_before(function_spec const& second, place const& first) {
  diagnostic found{second.where,
                   quoted(to_text(second.functions)) + " is bound already at " + to_string(first) +
                       "; expected it once",
                   {}};
  found.first = first;
  return found;
}

diagnostic declared_before(egress_spec const& second, place const& first) {
  return declared_before("egress", second.id.name_space + '/' + second.id.name, second.where, first);
}

diagnostic declared_before(ingress_spec const& second, place const& first) {
  return declared_before("ingress", to_text(second.id), second.where, first);
}

parse_result parse(std::string const& file, std::string const& text) {
  error_list errors(file, text);
  document_stream stream = read_documents(file, text, {.text_bytes_max = text_bytes_max});
  errors.add(std::move(stream.errors));
  specs read;
  for (node const* const root : stream.documents) {
    if (auto const name = foreign_name(*root)) {
      errors.add(*root, "the document is " + std::string(*name) + ", which is no module file",
                 "a module file has \"kind\" and \"spec\", or \"version\" and \"module\"");
      continue;
    }
    if (root->kind != node_kind::map) {
      errors.add(*root,
                 "the document is " +
                     (root->kind == node_kind::scalar ? quoted(root->text) : std::string(to_string(root->kind))) +
                     "; expected a map with \"kind\" and \"spec\", or with \"version\" and \"module\"");
      continue;
    }
    if (!root->find("version") || root->find("kind")) {
      read_kind_document(*root, read, errors);
      continue;
    }
    if (stream.documents.size() > 1)
      errors.add(*root, "a document with \"version\" stands beside others; expected it alone in its file");
    read_version_document(*root, read, errors);
  }
  errors.add(find_duplicates(read));
  if (!errors.empty())
    return errors.take();
  return read;
}

} // namespace statefund::module
