#include "http/request_parser.hpp"

#include "http/errc.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <string>

namespace statefund::http {

namespace beast_http = boost::beast::http;
using boost::beast::error_code;

std::string_view to_text(method value) noexcept {
  switch (value) {
  case method::get:
    return "GET";
  case method::head:
    return "HEAD";
  case method::post:
    return "POST";
  case method::put:
    return "PUT";
  case method::delete_:
    return "DELETE";
  case method::other:
    break;
  }
  return "another method";
}

namespace {

std::string_view to_std(boost::beast::string_view text) noexcept {
  return {text.data(), text.size()};
}

bool equal_in_any_case(std::string_view a, std::string_view b) noexcept {
  return boost::beast::iequals({a.data(), a.size()}, {b.data(), b.size()});
}

method method_of(beast_http::verb verb) noexcept {
  switch (verb) {
  case beast_http::verb::get:
    return method::get;
  case beast_http::verb::head:
    return method::head;
  case beast_http::verb::post:
    return method::post;
  case beast_http::verb::put:
    return method::put;
  case beast_http::verb::delete_:
    return method::delete_;
  default:
    return method::other;
  }
}

// "0\r\n\r\n". Once Beast has seen its beginning, it asserts that it is given as many bytes again.
constexpr std::size_t last_chunk_bytes_min = 5;

// The absolute form's path begins behind the authority (RFC 9112, 3.2.2).
std::string_view origin_form(std::string_view target) noexcept {
  constexpr std::string_view scheme = "http://";
  if (target.size() < scheme.size() || !equal_in_any_case(target.substr(0, scheme.size()), scheme))
    return target;
  auto const slash = target.find('/', scheme.size());
  return slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
}

} // namespace

std::optional<std::string_view> request::header(std::string_view name) const noexcept {
  for (field const& one : fields_)
    if (equal_in_any_case(slice(one.name), name))
      return slice(one.value);
  return std::nullopt;
}

request::span request::keep(std::string_view text) {
  span const kept{static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(text.size())};
  text_.append(text);
  return kept;
}

void request::clear() noexcept {
  text_.clear();
  fields_.clear();
  method_text_ = path_ = query_ = span{};
  method = http::method::other;
}

struct request_parser::beast final : beast_http::basic_parser<true> {
  explicit beast(request& head) : into(head) {}

  void on_request_impl(beast_http::verb verb, boost::beast::string_view verb_text, boost::beast::string_view target,
                       int version_of_request, error_code& failure) override {
    version = version_of_request;
    into.method = method_of(verb);
    into.method_text_ = into.keep(to_std(verb_text));
    std::string_view const path_and_query = origin_form(to_std(target));
    if (!path_and_query.starts_with('/')) {
      failure = beast_http::error::bad_target;
      return;
    }
    auto const mark = path_and_query.find('?');
    into.path_ = into.keep(path_and_query.substr(0, mark));
    if (mark != std::string_view::npos)
      into.query_ = into.keep(path_and_query.substr(mark + 1));
  }
  void on_response_impl(int, boost::beast::string_view, int, error_code&) override {}

  void on_field_impl(beast_http::field name, boost::beast::string_view name_text, boost::beast::string_view value,
                     error_code&) override {
    if (is_header_done())
      return; // trailers tell nothing that we would use
    if (name == beast_http::field::transfer_encoding)
      has_transfer_encoding = true;
    if (name == beast_http::field::expect && equal_in_any_case(to_std(value), "100-continue"))
      expects_continue = true;
    into.fields_.push_back({into.keep(to_std(name_text)), into.keep(to_std(value))});
  }
  void on_header_impl(error_code& failure) override {
    // What Beast does not take for chunked it would take for no body at all, and the body for the next request.
    if (has_transfer_encoding && !chunked())
      failure = beast_http::error::bad_transfer_encoding;
  }
  void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}
  std::size_t on_body_impl(boost::beast::string_view some, error_code&) override {
    piece = to_std(some);
    return some.size();
  }
  void on_chunk_header_impl(std::uint64_t, boost::beast::string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view some, error_code&) override {
    piece = to_std(some);
    return some.size();
  }
  void on_finish_impl(error_code&) override {}

  request& into;
  std::string_view piece;
  int version = 11;
  bool has_transfer_encoding = false;
  bool expects_continue = false;
  bool frame_begun = false; // the front of a chunk's head, or of the trailers, is there
};

request_parser::request_parser(request& into, std::size_t header_bytes_max) : beast_(std::make_unique<beast>(into)) {
  into.clear();
  beast_->body_limit(boost::none);
  beast_->header_limit(static_cast<std::uint32_t>(header_bytes_max));
}

request_parser::~request_parser() = default;

result<request_parser::step> request_parser::put(std::string_view bytes) {
  step taken;
  if (beast_->frame_begun && bytes.size() < last_chunk_bytes_min) {
    taken.needs_more = true;
    return taken;
  }
  beast_->piece = {};
  error_code failure;
  taken.consumed_bytes = beast_->put(boost::asio::const_buffer(bytes.data(), bytes.size()), failure);
  taken.body = beast_->piece;
  beast_->frame_begun = failure == beast_http::error::need_more && beast_->is_header_done();
  if (failure == beast_http::error::need_more) {
    taken.needs_more = true;
    return taken;
  }
  if (failure == beast_http::error::header_limit)
    return error{errc::header_too_large, "the header block is longer than this server takes"};
  if (failure)
    return error{errc::malformed, "the request is not HTTP/1.1: " + failure.message()};
  return taken;
}

bool request_parser::head_is_read() const noexcept {
  return beast_->is_header_done();
}

bool request_parser::done() const noexcept {
  return beast_->is_done();
}

std::optional<std::uint64_t> request_parser::length_bytes() const noexcept {
  if (beast_->chunked())
    return std::nullopt;
  auto const length = beast_->content_length();
  return length ? *length : 0;
}

bool request_parser::has_body() const noexcept {
  return length_bytes() != 0U;
}

bool request_parser::keeps_alive() const noexcept {
  return beast_->keep_alive();
}

bool request_parser::expects_continue() const noexcept {
  return beast_->expects_continue && !is_http_1_0();
}

bool request_parser::is_http_1_0() const noexcept {
  return beast_->version < 11;
}

} // namespace statefund::http
