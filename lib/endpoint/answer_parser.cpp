#include "endpoint/answer_parser.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <optional>

namespace statefund::endpoint {

namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

// A Content-Length is a promise of somebody else's: this much room is made for it before the bytes are there.
constexpr std::uint64_t reserved_bytes_max = 1U << 20U;

// Beast's own response_parser keeps every field in a node of its own; a call looks at two.
class response final : public http::basic_parser<false> {
 public:
  response(answer& into, std::uint64_t body_bytes_max) : answer_(into), good_body_bytes_max_(body_bytes_max) {
    header_limit(header_bytes_max);
    body_limit(boost::none); // ours depends on the status, and is no error
    eager(true);
  }

 private:
  using text = boost::beast::string_view;

  void on_request_impl(http::verb, text, text, int, error_code&) override {}
  void on_response_impl(int status, text reason, int, error_code&) override {
    answer_.status = static_cast<unsigned>(status);
    answer_.reason.assign(reason.data(), reason.size());
    body_bytes_max_ = status / 100 == 2 ? good_body_bytes_max_ : std::min(good_body_bytes_max_, error_body_bytes_max);
  }
  void on_field_impl(http::field name, text, text value, error_code&) override {
    if (name == http::field::content_type)
      answer_.content_type.assign(value.data(), value.size());
    else if (name == http::field::location)
      answer_.location.assign(value.data(), value.size());
  }
  void on_header_impl(error_code& code) override {
    auto const length = content_length();
    if (is_done() || !length)
      return;
    if (*length > body_bytes_max_)
      return stop(code);
    answer_.body.reserve(static_cast<std::size_t>(std::min(*length, reserved_bytes_max)));
  }
  void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}
  std::size_t on_body_impl(text part, error_code& code) override { return take(part, code); }
  void on_chunk_header_impl(std::uint64_t size, text, error_code& code) override {
    if (size > body_bytes_max_ - answer_.body.size())
      stop(code);
  }
  std::size_t on_chunk_body_impl(std::uint64_t, text part, error_code& code) override { return take(part, code); }
  void on_finish_impl(error_code&) override {}

  std::size_t take(text part, error_code& code) {
    if (part.size() > body_bytes_max_ - answer_.body.size()) {
      stop(code);
      return 0;
    }
    answer_.body.append(part.data(), part.size());
    return part.size();
  }
  void stop(error_code& code) {
    answer_.size = body_size::too_large;
    code = http::error::body_limit;
  }

  answer& answer_;
  std::uint64_t good_body_bytes_max_;
  std::uint64_t body_bytes_max_ = 0;
};

} // namespace

struct answer_parser::impl {
  std::uint64_t body_bytes_max = 0;
  answer current;
  std::optional<response> parser;
  parse_state state = parse_state::incomplete;
  std::string fault;

  void restart() {
    current = answer();
    parser.emplace(current, body_bytes_max);
  }
  void fail(error_code const& code) {
    state = parse_state::malformed;
    fault = code == http::error::header_limit
                ? "the answer's header is larger than " + std::to_string(header_bytes_max) + " bytes"
                : "the answer is not HTTP/1.1: " + code.message();
  }
  void complete() {
    state = parse_state::complete;
    bool const whole = current.size == body_size::within_limit;
    current.then = whole && parser->keep_alive() ? after_answer::keep_alive : after_answer::close;
  }
};

answer_parser::answer_parser() : impl_(std::make_unique<impl>()) {}

answer_parser::~answer_parser() = default;

void answer_parser::begin(std::uint64_t body_bytes_max) {
  impl_->body_bytes_max = body_bytes_max;
  impl_->state = parse_state::incomplete;
  impl_->restart();
}

std::size_t answer_parser::feed(std::string_view unread) {
  std::size_t consumed = 0;
  while (consumed < unread.size()) {
    error_code code;
    consumed += impl_->parser->put(boost::asio::const_buffer(unread.data() + consumed, unread.size() - consumed), code);
    if (code == http::error::need_more)
      return consumed;
    if (code == http::error::body_limit) {
      impl_->complete();
      return consumed;
    }
    if (code) {
      impl_->fail(code);
      return consumed;
    }
    if (!impl_->parser->is_done())
      continue;
    if (impl_->current.status / 100 == 1) {
      if (impl_->current.status == 101) {
        impl_->state = parse_state::malformed;
        impl_->fault = "the answer is 101, a change of protocol that nobody asked for";
        return consumed;
      }
      impl_->restart();
      continue;
    }
    impl_->complete();
    return consumed;
  }
  return consumed;
}

void answer_parser::feed_end() {
  error_code code = http::error::partial_message;
  if (impl_->parser->got_some())
    impl_->parser->put_eof(code);
  if (code)
    impl_->fail(code);
  else
    impl_->complete();
}

parse_state answer_parser::state() const noexcept {
  return impl_->state;
}

std::string_view answer_parser::fault() const noexcept {
  return impl_->fault;
}

answer& answer_parser::parsed() noexcept {
  return impl_->current;
}

} // namespace statefund::endpoint
