#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace statefund::http {

enum class method { get, head, post, put, delete_, other }; // NOLINT(readability-identifier-naming): a keyword

std::string_view to_text(method value) noexcept;

// Who is at the other end of a connection.
struct peer {
  std::optional<std::uint32_t> uid; // of a unix socket's client (SO_PEERCRED); absent over TCP
};

// A request's head, as it was read. Owned by the connection; valid until the next request is read.
class request {
 public:
  http::method method = http::method::other;
  std::string_view method_text() const noexcept { return slice(method_text_); }
  // As it was sent, percent-encoded; begins with '/'.
  std::string_view path() const noexcept { return slice(path_); }
  // Behind the '?'; empty without one.
  std::string_view query() const noexcept { return slice(query_); }
  // The first header of this name, in any case.
  std::optional<std::string_view> header(std::string_view name) const noexcept;
  peer from;

 private:
  friend class request_parser;

  struct span {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;
  };
  struct field {
    span name;
    span value;
  };
  std::string_view slice(span of) const noexcept { return std::string_view(text_).substr(of.begin, of.size); }
  span keep(std::string_view text);
  void clear() noexcept;

  std::string text_; // one buffer for all of it, used again by the connection's next request
  span method_text_;
  span path_;
  span query_;
  std::vector<field> fields_;
};

} // namespace statefund::http
