#pragma once

#include "error/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace statefund::module {

// One step into a protobuf message.
struct message_field {
  std::string name;
  std::optional<std::uint32_t> index; // of a repeated field

  bool operator==(message_field const&) const = default;
};

// Text as it stands, or the text of a field.
struct template_part {
  std::string text;                // empty where `path` is not
  std::vector<message_field> path; // from the message inwards

  bool operator==(template_part const&) const = default;
};

// The address that a message is routed to, made of it: <namespace>/<name>/<id>, split at the last two '/'. Anywhere in
// it fields of the message may stand, as {{$.field}}, {{$.field.inner}} or {{$.repeated[0]}}. No part is empty.
struct address_template {
  std::vector<template_part> name_space;
  std::vector<template_part> name;
  std::vector<template_part> id;

  bool operator==(address_template const&) const = default;
};

// errc::template_invalid: anything else, with the text quoted in the detail.
result<address_template> parse_address_template(std::string_view text);

} // namespace statefund::module
