#pragma once

#include "error/result.hpp"
#include "http/request.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace statefund::http {

// One request out of bytes, without any I/O: whoever reads feeds it. For connection.cpp and its tests.
class request_parser {
 public:
  // `into` gets the head; it must outlive the parser.
  request_parser(request& into, std::size_t header_bytes_max);
  ~request_parser();

  struct step {
    std::size_t consumed_bytes = 0;
    std::string_view body;   // of this step, inside what was given
    bool needs_more = false; // nothing goes on without more bytes behind these
  };
  // One step: the whole head, or one piece of the body. errc::malformed, header_too_large.
  result<step> put(std::string_view bytes);

  bool head_is_read() const noexcept;
  bool done() const noexcept;
  // Of the body, as the head says; absent: chunked.
  std::optional<std::uint64_t> length_bytes() const noexcept;
  bool has_body() const noexcept;
  bool keeps_alive() const noexcept;
  bool expects_continue() const noexcept;
  bool is_http_1_0() const noexcept;

 private:
  struct beast;
  std::unique_ptr<beast> beast_;
};

} // namespace statefund::http
