#include "daemon/settings.hpp"

#include "daemon/setting_table.hpp"
#include "module/diagnostic.hpp"
#include "module/document.hpp"
#include "module/reader.hpp"
#include "module/size.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <system_error>

namespace statefund::daemon {

namespace {

using module::node;
using module::node_kind;

setting const* find_setting(std::string_view path) {
  auto const& table = setting_table();
  auto const found = std::find_if(table.begin(), table.end(), [path](setting const& row) { return row.path == path; });
  return found == table.end() ? nullptr : &*found;
}

std::string_view section_of(std::string_view path) {
  std::size_t const dot = path.find('.');
  return dot == std::string_view::npos ? std::string_view{} : path.substr(0, dot);
}

// The keys that a section may have; of "" those of the file, sections among them.
std::vector<std::string> keys_of(std::string_view section) {
  std::vector<std::string> keys;
  for (setting const& row : setting_table()) {
    std::string_view const own = section_of(row.path);
    std::string_view const rest =
        own.empty() ? std::string_view(row.path) : std::string_view(row.path).substr(own.size() + 1);
    if (own == section)
      keys.emplace_back(rest);
    else if (section.empty() && (keys.empty() || keys.back() != own))
      keys.emplace_back(own);
  }
  return keys;
}

bool is_section(std::string_view name) {
  return std::any_of(setting_table().begin(), setting_table().end(),
                     [name](setting const& row) { return !name.empty() && section_of(row.path) == name; });
}

std::string full_path(std::string_view section, std::string_view key) {
  return section.empty() ? std::string(key) : std::string(section) + "." + std::string(key);
}

std::string found_instead(node const& any) {
  return any.kind == node_kind::scalar ? module::quoted(any.text) : std::string(to_string(any.kind));
}

// Reads one source after the other into one configuration, and goes on after errors. Borrows the file's text.
class combination {
 public:
  void read_file(settings_file const& file) {
    result_.file = file.name;
    text_ = file.text;
    module::error_list errors(file.name, file.text);
    auto stream = module::read_documents(file.name, file.text);
    errors.add(std::move(stream.errors));
    if (stream.documents.size() > 1)
      errors.add(*stream.documents[1], "a second document begins here; expected one");
    if (!stream.documents.empty()) {
      node const& root = *stream.documents.front();
      if (root.kind == node_kind::map)
        read_map("", root, errors);
      else if (root.kind != node_kind::null)
        errors.add(root, "the file holds " + found_instead(root) + "; expected a map of settings");
    }
    auto found = errors.take();
    std::move(found.begin(), found.end(), std::back_inserter(errors_));
  }

  void read_assignment(assignment const& given) {
    if (setting const* const row = find_setting(given.path)) {
      if (row->shape == setting_shape::map)
        return complain(given, module::quoted(row->path) + " is a map; expected one of its keys, as in " + row->path +
                                   ".KEY=VALUE");
      auto const texts = row->shape == setting_shape::list ? split(given.value) : std::vector{given.value};
      if (auto const wrong = row->set(result_.values, texts))
        return complain(given, module::quoted(row->path) + " " + *wrong);
      result_.origins.insert_or_assign(row->path, module::place{given.given_by});
      return;
    }
    for (setting const& row : setting_table())
      if (row.shape == setting_shape::map && given.path.size() > row.path.size() + 1 &&
          given.path.starts_with(row.path + "."))
        return put(row, given.path.substr(row.path.size() + 1), given.value, {given.given_by});
    if (is_section(given.path))
      return complain(given, module::quoted(given.path) + " is a section; expected one of its settings, as in " +
                                 full_path(given.path, keys_of(given.path).front()) + "=VALUE");
    complain(given, module::quoted(given.path) + " is not a setting", hint_for(given.path));
  }

  settings_result finish() && {
    if (errors_.empty())
      check_together();
    if (errors_.empty())
      return std::move(result_);
    add_excerpts(errors_, text_);
    return std::move(errors_);
  }

  void add_error(module::place where, std::string message) {
    errors_.push_back({std::move(where), std::move(message), {}});
  }

 private:
  void read_map(std::string_view section, node const& map, module::error_list& errors) {
    for (auto const& [key, value] : map.entries) {
      std::string const path = full_path(section, key->text);
      if (setting const* const row = find_setting(path))
        read_setting(*row, *value, errors);
      else if (section.empty() && is_section(path))
        read_section(path, *value, errors);
      else
        errors.add(*key, module::quoted(path) + " is not a setting", module::nearest_hint(key->text, keys_of(section)));
    }
  }

  // A section whose settings are all commented out is empty, which is no error.
  void read_section(std::string const& name, node const& value, module::error_list& errors) {
    if (value.kind == node_kind::map)
      read_map(name, value, errors);
    else if (value.kind != node_kind::null)
      errors.add(value, module::quoted(name) + " is " + found_instead(value) + "; expected a map of its settings");
  }

  void read_setting(setting const& row, node const& value, module::error_list& errors) {
    std::string const name = module::quoted(row.path);
    if (row.shape == setting_shape::map)
      return read_entries(row, value, errors);
    if (value.kind == node_kind::null)
      return errors.add(value, name + " has no value; expected one, or the key left out");
    std::vector<std::string> texts;
    if (row.shape == setting_shape::list) {
      if (value.kind != node_kind::sequence)
        return errors.add(value, name + " is " + found_instead(value) + "; expected a list, as in [1000, 1001]");
      for (node const* const item : value.items) {
        if (item->kind != node_kind::scalar)
          return errors.add(*item, name + " holds " + found_instead(*item) + "; expected text");
        texts.push_back(item->text);
      }
    } else {
      if (value.kind != node_kind::scalar)
        return errors.add(value, name + " is " + found_instead(value) + "; expected one value");
      texts.push_back(value.text);
    }
    if (auto const wrong = row.set(result_.values, texts))
      return errors.add(value, name + " " + *wrong);
    result_.origins.insert_or_assign(row.path, errors.place_of(value));
  }

  void read_entries(setting const& row, node const& map, module::error_list& errors) {
    if (map.kind == node_kind::null)
      return;
    if (map.kind != node_kind::map)
      return errors.add(map, module::quoted(row.path) + " is " + found_instead(map) + "; expected a map");
    for (auto const& [key, value] : map.entries) {
      if (value->kind == node_kind::scalar)
        put(row, key->text, value->text, errors.place_of(*value));
      else
        errors.add(*value,
                   module::quoted(full_path(row.path, key->text)) + " is " + found_instead(*value) + "; expected text");
    }
  }

  void put(setting const& row, std::string key, std::string const& value, module::place origin) {
    std::string path = full_path(row.path, key);
    std::array const entry{std::move(key), value};
    if (auto const wrong = row.set(result_.values, entry))
      add_error(origin, module::quoted(path) + " " + *wrong);
    result_.origins.insert_or_assign(std::move(path), std::move(origin));
  }

  void complain(assignment const& given, std::string message, std::string hint = {}) {
    errors_.push_back({{given.given_by}, std::move(message), std::move(hint)});
  }

  static std::string hint_for(std::string_view path) {
    std::string_view const section = section_of(path);
    if (!is_section(section))
      return module::nearest_hint(section.empty() ? path : section, keys_of(""));
    return module::nearest_hint(path.substr(section.size() + 1), keys_of(section));
  }

  static std::vector<std::string> split(std::string_view list) {
    std::vector<std::string> items;
    while (!list.empty()) {
      std::size_t const comma = std::min(list.find(','), list.size());
      items.emplace_back(list.substr(0, comma));
      list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return items;
  }

  void check_together() {
    settings const& all = result_.values;
    if (all.ingress.socket == all.admin.socket)
      add_error(origin_of("admin.socket", "ingress.socket"), "\"ingress.socket\" and \"admin.socket\" are both " +
                                                                 module::quoted(all.ingress.socket.string()) +
                                                                 "; expected a path each");
    if (all.ingress.message_bytes_max > all.limits.buffered_bytes_max)
      add_error(origin_of("limits.buffered_bytes_max", "ingress.message_bytes_max"),
                "\"ingress.message_bytes_max\" is " + module::size_to_text(all.ingress.message_bytes_max) +
                    ", more than \"limits.buffered_bytes_max\", " +
                    module::size_to_text(all.limits.buffered_bytes_max) + "; expected what could ever be accepted");
  }

  // Of two settings that contradict each other one at least is given: defaults do not.
  module::place origin_of(std::string_view one, std::string_view other) const {
    auto const found = result_.origins.find(one);
    return found == result_.origins.end() ? result_.origins.find(other)->second : found->second;
  }

  configuration result_;
  std::string_view text_;
  module::diagnostics errors_;
};

enum class missing { error, fine };

// Absent if the file is not there and need not be, or cannot be read, which is an error.
std::optional<settings_file> read_whole(std::string const& name, missing treatment, combination& into) {
  settings_file file{name, {}};
  int const descriptor = open(name.c_str(), O_RDONLY | O_CLOEXEC);
  ssize_t length = descriptor;
  std::array<char, 16384> part{};
  while (length >= 0) {
    length = read(descriptor, part.data(), part.size());
    if (length == 0) {
      close(descriptor);
      return file;
    }
    if (length > 0)
      file.text.append(part.data(), static_cast<std::size_t>(length));
    else if (errno == EINTR)
      length = 0;
  }
  int const why = errno;
  if (descriptor >= 0)
    close(descriptor);
  if (treatment == missing::error || why != ENOENT)
    into.add_error({name}, "cannot be read: " + std::generic_category().message(why));
  return {};
}

// A line of settings, and where its value comes from, which stands behind it.
struct printed_line {
  std::string text;
  std::string origin; // empty: a section's name
};

std::string origin_text(configuration const& effective, std::string const& path) {
  auto const found = effective.origins.find(path);
  return found == effective.origins.end() ? "default" : to_string(found->second);
}

std::vector<printed_line> printed_lines(configuration const& effective) {
  std::vector<printed_line> lines;
  std::string_view open_section;
  for (setting const& row : setting_table()) {
    std::string_view const section = section_of(row.path);
    if (section != open_section && !section.empty())
      lines.push_back({std::string(section) + ":", {}});
    open_section = section;
    std::string const key = (section.empty() ? "" : "  ") + row.path.substr(section.empty() ? 0 : section.size() + 1);
    auto const values = row.print(effective.values);
    if (row.shape != setting_shape::map) {
      lines.push_back({key + ": " + values.front().yaml, origin_text(effective, row.path)});
    } else if (values.empty()) {
      lines.push_back({key + ": {}", origin_text(effective, row.path)});
    } else {
      lines.push_back({key + ":", {}});
      for (printed const& entry : values)
        lines.push_back({"    " + yaml_text(entry.key) + ": " + entry.yaml,
                         origin_text(effective, full_path(row.path, entry.key))});
    }
  }
  return lines;
}

// What stands in a remark cannot leave its line.
std::string remark(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char letter) { return static_cast<unsigned char>(letter) < 0x20; }, '?');
  return "# " + text + '\n';
}

} // namespace

settings_result combine(std::optional<settings_file> const& file, std::vector<assignment> const& assignments) {
  combination all;
  if (file)
    all.read_file(*file);
  for (assignment const& each : assignments)
    all.read_assignment(each);
  return std::move(all).finish();
}

settings_result load_settings(std::optional<std::string> const& named, std::vector<assignment> const& assignments,
                              std::string const& otherwise) {
  combination all;
  auto const file = named ? read_whole(*named, missing::error, all) : read_whole(otherwise, missing::fine, all);
  if (file)
    all.read_file(*file);
  for (assignment const& each : assignments)
    all.read_assignment(each);
  return std::move(all).finish();
}

std::string to_yaml(configuration const& effective) {
  constexpr std::size_t remark_column_max = 60;
  auto const lines = printed_lines(effective);
  std::size_t remark_column = 0;
  for (auto const& [text, origin] : lines)
    if (text.size() <= remark_column_max)
      remark_column = std::max(remark_column, text.size());
  std::string out = remark("the settings in force, and where each comes from; " +
                           (effective.file.empty() ? "no settings file was read" : "read from " + effective.file));
  for (auto const& [text, origin] : lines) {
    out += text;
    if (origin.empty())
      out += '\n';
    else
      out += std::string(remark_column - std::min(remark_column, text.size()) + 2, ' ') + remark(origin);
  }
  return out;
}

std::vector<std::string> setting_paths() {
  std::vector<std::string> paths;
  for (setting const& row : setting_table())
    paths.push_back(row.path);
  return paths;
}

} // namespace statefund::daemon
