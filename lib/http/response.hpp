#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace statefund::http {

// An answer, whole. Content-Length, Content-Type and Connection are written from what stands here and from how the
// connection goes on; they do not belong into `headers`.
struct response {
  unsigned status = 200;
  std::string content_type;                                      // empty: no header
  std::vector<std::pair<std::string_view, std::string>> headers; // names are literals
  std::string body;
};

std::string_view reason_phrase(unsigned status) noexcept;

} // namespace statefund::http
