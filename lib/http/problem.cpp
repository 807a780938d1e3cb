#include "http/problem.hpp"

#include "error/ensure.hpp"
#include "http/errc.hpp"

#include <cstdio>

namespace statefund::http {

std::string_view reason_phrase(unsigned status) noexcept {
  switch (status) {
  case 100:
    return "Continue";
  case 200:
    return "OK";
  case 202:
    return "Accepted";
  case 400:
    return "Bad Request";
  case 403:
    return "Forbidden";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 408:
    return "Request Timeout";
  case 409:
    return "Conflict";
  case 413:
    return "Content Too Large";
  case 415:
    return "Unsupported Media Type";
  case 422:
    return "Unprocessable Content";
  case 429:
    return "Too Many Requests";
  case 431:
    return "Request Header Fields Too Large";
  case 500:
    return "Internal Server Error";
  case 503:
    return "Service Unavailable";
  default:
    return "Unknown";
  }
}

unsigned status_of(number why) noexcept {
  switch (why) {
  case number::request_malformed:
    return 400;
  case number::uid_not_allowed:
  case number::actions_not_allowed:
    return 403;
  case number::function_type_unknown:
  case number::egress_unknown:
  case number::path_unknown:
  case number::dead_letter_unknown:
  case number::address_unknown:
    return 404;
  case number::method_not_allowed:
    return 405;
  case number::client_too_slow:
    return 408;
  case number::key_conflict:
  case number::sequence_ahead:
  case number::message_not_at_head:
  case number::dead_letter_taken:
  case number::nothing_to_back_up:
  case number::backup_directory_unusable:
  case number::backup_under_way:
    return 409;
  case number::message_too_large:
    return 413;
  case number::type_missing:
    return 415;
  case number::reload_incomplete:
    return 422;
  case number::mailbox_full:
  case number::memory_mark_reached:
  case number::delayed_limit_reached:
  case number::keys_limit_reached:
  case number::addresses_limit_reached:
  case number::rejected_before:
  case number::function_types_limit_reached:
    return 429;
  case number::header_too_large:
    return 431;
  case number::backup_failed:
    return 500;
  case number::not_accepting:
  case number::low_on_space:
  case number::sync_late:
  case number::unsynced_mark_reached:
  case number::connections_limit_reached:
    return 503;
  default:
    break;
  }
  ensure(false, "a door answers with a number that has a status");
  return 503;
}

response problem(number why, std::string_view detail, std::optional<std::chrono::seconds> retry_after,
                 std::string_view members) {
  response answer;
  answer.status = status_of(why);
  answer.content_type = "application/problem+json";
  answer.body = "{\"type\":\"about:blank\",\"title\":\"";
  answer.body += reason_phrase(answer.status);
  answer.body += "\",\"status\":" + std::to_string(answer.status) + ",\"code\":\"" + to_string(why) + "\",\"detail\":";
  append_json_string(answer.body, detail);
  if (!members.empty())
    (answer.body += ',') += members;
  answer.body += "}\n";
  if (retry_after)
    answer.headers.emplace_back("Retry-After", std::to_string(retry_after->count()));
  return answer;
}

std::optional<response> answer_to(error const& of_body) {
  if (of_body.code == errc::body_too_large)
    return problem(number::message_too_large, of_body.detail);
  if (of_body.code == errc::client_too_slow)
    return problem(number::client_too_slow, of_body.detail);
  if (of_body.code == errc::header_too_large)
    return problem(number::header_too_large, of_body.detail);
  if (of_body.code == errc::malformed || of_body.code == errc::parameter_invalid)
    return problem(number::request_malformed, of_body.detail);
  return std::nullopt;
}

namespace {

// How many bytes at the front of `text` are one UTF-8 code point; 0 when they are none.
std::size_t code_point_bytes(std::string_view text) noexcept {
  auto const at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  auto const continues = [&](std::size_t i) { return i < text.size() && (at(i) & 0xC0U) == 0x80U; };
  unsigned const first = at(0);
  if (first < 0x80U)
    return 1;
  if (first >= 0xC2U && first < 0xE0U)
    return continues(1) ? 2 : 0;
  if (first >= 0xE0U && first < 0xF0U) {
    if (!continues(1) || !continues(2))
      return 0;
    bool const overlong = first == 0xE0U && at(1) < 0xA0U;
    bool const surrogate = first == 0xEDU && at(1) >= 0xA0U;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xF0U && first < 0xF5U) {
    if (!continues(1) || !continues(2) || !continues(3))
      return 0;
    bool const overlong = first == 0xF0U && at(1) < 0x90U;
    bool const beyond = first == 0xF4U && at(1) >= 0x90U;
    return overlong || beyond ? 0 : 4;
  }
  return 0;
}

} // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    std::size_t const bytes = code_point_bytes(text);
    auto const first = static_cast<unsigned char>(text[0]);
    if (bytes == 0) {
      out += "\xEF\xBF\xBD";
    } else if (first == '"' || first == '\\') {
      out += '\\';
      out += text[0];
    } else if (first < 0x20U) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", first);
      out += escaped;
    } else {
      out += text.substr(0, bytes);
    }
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  out += '"';
}

} // namespace statefund::http
