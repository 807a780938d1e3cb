#pragma once

#include "error/number.hpp"
#include "error/result.hpp"
#include "http/response.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace statefund::http {

// The status that a number is answered with: the one table. Requires one that is an answer, as error/number.hpp says.
unsigned status_of(number why) noexcept;

// application/problem+json (RFC 9457): {"type": "about:blank", "title": "Too Many Requests", "status": 429,
// "code": "SF0105", "detail": "..."}. `members`: more of them, as JSON, without a comma at either end.
response problem(number why, std::string_view detail, std::optional<std::chrono::seconds> retry_after = std::nullopt,
                 std::string_view members = {});

// What a failed read of a body is answered with; absent for a client that is gone.
std::optional<response> answer_to(error const& of_body);

// Appends `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

} // namespace statefund::http
