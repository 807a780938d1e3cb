#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace statefund::ingress {

// One line of an NDJSON upload, as its text says; what the texts mean is not looked at.
struct json_line {
  enum class kind {
    value, // base64, not yet decoded
    json,  // the value's source text
    text,
  };
  std::string target;
  std::optional<std::string> type;
  kind is = kind::value;
  std::string content;
  std::optional<std::string> key;
  std::optional<std::string> delay;
};

// Strict RFC 8259: one object, known names, each once, nothing behind it. A fault is a sentence fragment.
std::variant<json_line, std::string> read_json_line(std::string_view line);

} // namespace statefund::ingress
