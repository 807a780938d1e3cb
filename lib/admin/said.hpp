#pragma once

#include "http/response.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace statefund::admin {

// A good answer.
inline http::response said(std::string body, std::string_view content_type = "application/json") {
  http::response answer;
  answer.content_type = content_type;
  answer.body = std::move(body);
  return answer;
}

} // namespace statefund::admin
