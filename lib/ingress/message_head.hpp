#pragma once

#include "dispatch/entrance.hpp"
#include "http/request.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

// What a message from outside is checked for, in whatever form it came. Pure.
namespace statefund::ingress {

// The type that plain text gets for a function type; absent: no module declares it.
using text_type = std::function<std::optional<std::string>(message::function_type const&)>;

dispatch::refusal malformed(std::string detail);
dispatch::refusal no_type(std::string detail);
dispatch::refusal too_large(std::uint64_t message_bytes_max);

// Target, type and key of a submission: whether a function could be called with them, and their lengths.
std::optional<dispatch::refusal> check(dispatch::submission const& one, std::uint64_t message_bytes_max);

// "10s", "250 ms"; in whole milliseconds, rounded up.
std::variant<std::chrono::milliseconds, dispatch::refusal> read_delay(std::string_view text);

// Makes `one`'s value out of a text. Absent: done.
std::optional<dispatch::refusal> set_text(dispatch::submission& one, std::string_view text, text_type const& type_of);

// How the body of a single message is to be read, from its headers; the target is set already.
struct message_head {
  dispatch::submission one; // all but the value's bytes
  bool is_text = false;     // the value is made by set_text
};
std::variant<message_head, dispatch::refusal> read_message_head(http::request const& asked);

} // namespace statefund::ingress
