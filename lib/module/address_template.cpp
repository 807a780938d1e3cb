// <address>  = <part> "/" <part> "/" <part>        the first may hold slashes
// <part>     = one or more of: text without "{{", "{{" <path> "}}"
// <path>     = "$" 1*("." <field>)
// <field>    = letters, digits and '_', then perhaps "[" <number> "]"

#include "module/address_template.hpp"

#include "module/diagnostic.hpp"
#include "module/errc.hpp"
#include "module/number.hpp"

#include <algorithm>
#include <limits>

namespace statefund::module {
namespace {

bool is_field_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

std::optional<message_field> read_field(std::string_view text) {
  message_field out;
  if (auto const bracket = text.find('['); bracket != std::string_view::npos) {
    if (!text.ends_with(']'))
      return std::nullopt;
    auto const index = whole_number(text.substr(bracket + 1, text.size() - bracket - 2));
    if (!index || *index > std::numeric_limits<std::int32_t>::max())
      return std::nullopt;
    out.index = static_cast<std::uint32_t>(*index);
    text = text.substr(0, bracket);
  }
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_field_character))
    return std::nullopt;
  out.name = text;
  return out;
}

// Empty: not a path.
std::vector<message_field> read_path(std::string_view text) {
  if (!text.starts_with("$."))
    return {};
  std::vector<message_field> out;
  for (;;) {
    text.remove_prefix(text.find('.') + 1);
    auto field = read_field(text.substr(0, text.find('.')));
    if (!field)
      return {};
    out.push_back(std::move(*field));
    if (text.find('.') == std::string_view::npos)
      return out;
  }
}

// What is wrong with the text, or empty.
std::string read_parts(std::string_view text, std::vector<template_part>& into) {
  if (text.empty())
    return " has an empty part";
  while (!text.empty()) {
    auto const begin = text.find("{{");
    if (begin != 0)
      into.push_back({std::string(text.substr(0, begin)), {}});
    if (begin == std::string_view::npos)
      break;
    auto const end = text.find("}}", begin);
    if (end == std::string_view::npos)
      return " has a \"{{\" that no \"}}\" follows";
    std::string_view const inner = text.substr(begin + 2, end - begin - 2);
    auto path = read_path(inner);
    if (path.empty())
      return " has " + quoted(inner) + " in braces, which names no field";
    into.push_back({{}, std::move(path)});
    text.remove_prefix(end + 2);
  }
  return {};
}

} // namespace

result<address_template> parse_address_template(std::string_view text) {
  auto const fail = [text](std::string const& why) {
    return error{errc::template_invalid,
                 quoted(text) + why + "; expected <namespace>/<name>/<id>, as in ns/name/{{$.field}}"};
  };
  auto const id = text.rfind('/');
  auto const name = id == std::string_view::npos || id == 0 ? std::string_view::npos : text.rfind('/', id - 1);
  if (name == std::string_view::npos)
    return fail(" has fewer than two '/'");
  address_template out;
  for (auto const& [part, into] :
       {std::pair(text.substr(0, name), &out.name_space), std::pair(text.substr(name + 1, id - name - 1), &out.name),
        std::pair(text.substr(id + 1), &out.id)})
    if (std::string const fault = read_parts(part, *into); !fault.empty())
      return fail(fault);
  return out;
}

} // namespace statefund::module
