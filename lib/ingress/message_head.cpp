#include "ingress/message_head.hpp"

#include "ingress/options.hpp"
#include "module/duration.hpp"
#include "wire/text_value.hpp"
#include "wire/utf8.hpp"

#include <algorithm>
#include <cctype>

namespace statefund::ingress {

namespace {

constexpr std::string_view how_to_type =
    "the value's type is missing: send the header 'Statefun-Type: <typename>', or 'Content-Type: "
    "application/vnd.<typename>', or, for a text, 'Content-Type: text/plain'";

bool starts_with_in_any_case(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() && std::equal(lower.begin(), lower.end(), text.begin(), [](char want, char have) {
           return want == static_cast<char>(std::tolower(static_cast<unsigned char>(have)));
         });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

// Of what stands behind the first ';' of a Content-Type.
bool is_utf8_charset(std::string_view parameters) {
  parameters = trimmed(parameters);
  if (parameters.empty())
    return true;
  for (std::string_view const allowed : {"charset=utf-8", "charset=\"utf-8\"", "charset=us-ascii"})
    if (parameters.size() == allowed.size() && starts_with_in_any_case(parameters, allowed))
      return true;
  return false;
}

} // namespace

dispatch::refusal malformed(std::string detail) {
  return {number::request_malformed, std::move(detail), std::nullopt};
}

dispatch::refusal no_type(std::string detail) {
  return {number::type_missing, std::move(detail), std::nullopt};
}

dispatch::refusal too_large(std::uint64_t message_bytes_max) {
  return {number::message_too_large,
          "a message has at most " + std::to_string(message_bytes_max) + " bytes (ingress.message_bytes_max)",
          std::nullopt};
}

std::optional<dispatch::refusal> check(dispatch::submission const& one, std::uint64_t message_bytes_max) {
  auto const& [type, id] = one.target;
  if (type.name_space.empty() || type.name.empty() || id.empty())
    return malformed("the target's namespace, name and id must not be empty");
  if (type.name_space.size() + type.name.size() + id.size() > address_bytes_max)
    return malformed("an address has at most " + std::to_string(address_bytes_max) + " bytes");
  if (!wire::is_utf8(type.name_space) || !wire::is_utf8(type.name) || !wire::is_utf8(id))
    return malformed("an address is UTF-8");
  if (one.value.type_name.empty())
    return no_type("the value's type is missing");
  if (one.value.type_name.size() > type_name_bytes_max || !wire::is_utf8(one.value.type_name))
    return malformed("a type name is UTF-8, of at most " + std::to_string(type_name_bytes_max) + " bytes");
  if (one.idempotency_key && (one.idempotency_key->empty() || one.idempotency_key->size() > key_bytes_max))
    return malformed("an idempotency key has 1 to " + std::to_string(key_bytes_max) + " bytes");
  if (one.delay < std::chrono::milliseconds(0))
    return malformed("a delay is not negative");
  if (one.delay > message::delay_max)
    return malformed("a delay is at most ten years");
  if (one.value.bytes.size() > message_bytes_max)
    return too_large(message_bytes_max);
  return std::nullopt;
}

std::variant<std::chrono::milliseconds, dispatch::refusal> read_delay(std::string_view text) {
  auto const read = module::parse_duration(text);
  if (read.has_error())
    return malformed("the delay is a number and a unit, as in 10s or 250ms: " + read.error().detail);
  return std::chrono::ceil<std::chrono::milliseconds>(*read);
}

std::optional<dispatch::refusal> set_text(dispatch::submission& one, std::string_view text, text_type const& type_of) {
  auto const type_name = type_of(one.target.type);
  if (!type_name)
    return dispatch::refusal{number::function_type_unknown,
                             "no module declares the function type " + to_text(one.target.type), std::nullopt};
  auto value = wire::text_value(*type_name, text);
  if (value.has_error())
    return malformed("a text is UTF-8");
  one.value = std::move(*value);
  return std::nullopt;
}

std::variant<message_head, dispatch::refusal> read_message_head(http::request const& asked) {
  message_head read;
  auto const content_type = trimmed(asked.header("Content-Type").value_or(std::string_view{}));
  auto const semicolon = content_type.find(';');
  auto const media_type = trimmed(content_type.substr(0, semicolon));
  constexpr std::string_view vendor = "application/vnd.";
  if (auto const type = asked.header("Statefun-Type")) {
    read.one.value.type_name = trimmed(*type);
  } else if (starts_with_in_any_case(media_type, vendor)) {
    read.one.value.type_name = media_type.substr(vendor.size());
  } else if (media_type.size() == 10 && starts_with_in_any_case(media_type, "text/plain")) {
    if (semicolon != std::string_view::npos && !is_utf8_charset(content_type.substr(semicolon + 1)))
      return no_type("a text is taken as UTF-8 only: Content-Type: text/plain; charset=utf-8");
    read.is_text = true;
  } else {
    return no_type(std::string(how_to_type));
  }
  if (!read.is_text && read.one.value.type_name.empty())
    return no_type(std::string(how_to_type));
  if (auto const key = asked.header("Idempotency-Key"))
    read.one.idempotency_key = *key;
  if (auto const text = asked.header("Statefun-Delay")) {
    auto delay = read_delay(trimmed(*text));
    if (auto* const wrong = std::get_if<dispatch::refusal>(&delay))
      return std::move(*wrong);
    read.one.delay = std::get<std::chrono::milliseconds>(delay);
  }
  return read;
}

} // namespace statefund::ingress
