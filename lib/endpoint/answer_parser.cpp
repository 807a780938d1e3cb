#include "endpoint/answer_parser.hpp"

#include "endpoint/content_decoder.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
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
// A chunk needs no more around it: 16 digits and two line ends.
constexpr std::uint64_t chunk_frame_bytes = 20;
// "0\r\n\r\n": what is left of a chunked body at least. Once Beast has seen its beginning, it asserts that it is given
// as many bytes again.
constexpr std::size_t last_chunk_bytes_min = 5;
constexpr std::string_view http_1 = "HTTP/1.";
// With this a TLS server answers what is not TLS: an alert.
constexpr std::string_view tls_alert = "\x15\x03";
// Of what is no answer, this much is shown.
constexpr std::size_t shown_bytes_max = 32;

void append_list(std::string& list, boost::beast::string_view more) {
  if (!list.empty())
    list += ", ";
  list.append(more.data(), more.size());
}

// Beast's own response_parser keeps every field in a node of its own; a call looks at a few.
class response final : public http::basic_parser<false> {
 public:
  response(answer& into, std::uint64_t body_bytes_max) : answer_(into), good_body_bytes_max_(body_bytes_max) {
    header_limit(static_cast<std::uint32_t>(header_bytes_max));
    body_limit(boost::none); // ours depends on the status, and is no error
  }

  std::uint64_t body_bytes_read() const noexcept { return body_bytes_read_; }
  std::uint64_t chunks_count() const noexcept { return chunks_count_; }
  bool has_transfer_encoding() const noexcept { return has_transfer_encoding_; }
  // HTTP/1.0 knows no Transfer-Encoding: one that sends it may mean something else by the connection's use too.
  bool may_go_on() const noexcept { return keep_alive() && !(version_ < 11 && has_transfer_encoding_); }
  // What made one of the functions below fail, unless it was the limit or Beast.
  std::string const& fault() const noexcept { return fault_; }

 private:
  using text = boost::beast::string_view;

  void on_request_impl(http::verb, text, text, int, error_code&) override {}
  void on_response_impl(int status, text reason, int version, error_code& code) override {
    if (status < 100)
      code = http::error::bad_status;
    answer_.status = static_cast<unsigned>(status);
    answer_.reason.assign(reason.data(), reason.size());
    version_ = version;
    body_bytes_max_ = is_good() ? good_body_bytes_max_ : std::min(good_body_bytes_max_, error_body_bytes_max);
  }
  void on_field_impl(http::field name, text, text value, error_code& code) override {
    if (is_header_done())
      return; // trailers tell nothing that we would use
    switch (name) {
    case http::field::content_type:
      answer_.content_type.assign(value.data(), value.size());
      break;
    case http::field::content_encoding:
      append_list(answer_.content_encoding, value);
      break;
    case http::field::location:
      answer_.location.assign(value.data(), value.size());
      break;
    case http::field::retry_after:
      answer_.retry_after.assign(value.data(), value.size());
      break;
    case http::field::transfer_encoding:
      has_transfer_encoding_ = true;
      // Beast takes any other one for no body, or leaves it in the body.
      if (!boost::beast::iequals(value, "chunked"))
        fail("the answer's Transfer-Encoding is " + quoted({value.data(), value.size()}) + " instead of chunked", code);
      break;
    default:
      break;
    }
  }
  void on_header_impl(error_code& code) override {
    if (is_done())
      return;
    auto const coding = coding_of(answer_.content_encoding);
    if (coding == content_coding::unknown)
      undecodable("the answer is encoded as " + quoted(answer_.content_encoding) +
                      ", which is neither gzip nor deflate,",
                  code);
    else if (coding != content_coding::identity)
      decoder_.emplace(coding);
    auto const length = content_length();
    if (code || !length)
      return;
    if (is_good() && *length > body_bytes_max_)
      return stop(code);
    answer_.body.reserve(static_cast<std::size_t>(std::min(*length, reserved_bytes_max)));
  }
  void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}
  std::size_t on_body_impl(text part, error_code& code) override { return take(part, code); }
  void on_chunk_header_impl(std::uint64_t size, text, error_code& code) override {
    ++chunks_count_;
    if (is_good() && size > body_bytes_max_ - body_bytes_read_)
      stop(code);
  }
  std::size_t on_chunk_body_impl(std::uint64_t, text part, error_code& code) override { return take(part, code); }
  void on_finish_impl(error_code& code) override {
    if (decoder_ && decoder_->state() == decoding::incomplete)
      undecodable("the answer's " + answer_.content_encoding + " body is cut short", code);
  }

  bool is_good() const noexcept { return answer_.status / 100 == 2; }

  // Of an answer other than 2xx the beginning is worth having.
  std::size_t take(text part, error_code& code) {
    auto const taken = part.substr(
        0, static_cast<std::size_t>(std::min<std::uint64_t>(part.size(), body_bytes_max_ - body_bytes_read_)));
    body_bytes_read_ += taken.size();
    if (decoder_)
      decode({taken.data(), taken.size()}, code);
    else if (answer_.state != body_state::undecodable)
      answer_.body.append(taken.data(), taken.size());
    if (!code && taken.size() < part.size())
      stop(code);
    return taken.size();
  }
  void decode(std::string_view part, error_code& code) {
    switch (decoder_->feed(part, answer_.body, body_bytes_max_)) {
    case decoding::incomplete:
    case decoding::complete:
      return;
    case decoding::too_large:
      return stop(code);
    case decoding::broken:
      return undecodable("the answer's " + answer_.content_encoding + " body is broken", code);
    }
  }
  void undecodable(std::string why, error_code& code) {
    decoder_.reset();
    answer_.state = body_state::undecodable;
    if (is_good())
      fail(std::move(why), code);
  }
  void fail(std::string why, error_code& code) {
    fault_ = std::move(why);
    code = http::error::bad_value;
  }
  void stop(error_code& code) {
    if (answer_.state == body_state::whole)
      answer_.state = body_state::too_large;
    code = http::error::body_limit;
  }

  answer& answer_;
  std::uint64_t good_body_bytes_max_;
  std::uint64_t body_bytes_max_ = 0;
  std::uint64_t body_bytes_read_ = 0; // as they were sent
  std::uint64_t chunks_count_ = 0;
  int version_ = 11;
  bool has_transfer_encoding_ = false;
  std::optional<content_decoder> decoder_;
  std::string fault_;
};

} // namespace

struct answer_parser::impl {
  std::uint64_t body_bytes_max = 0;
  answer current;
  std::optional<response> parser;
  parse_state state = parse_state::incomplete;
  std::string fault;
  std::uint64_t head_bytes = 0;  // of all answers so far
  std::uint64_t frame_bytes = 0; // around the chunks

  void restart() {
    current = answer();
    parser.emplace(current, body_bytes_max);
  }
  void fail(std::string why) {
    state = parse_state::malformed;
    fault = std::move(why);
  }
  void complete(after_answer then) {
    state = parse_state::complete;
    current.then = then;
  }

  bool is_good_and_empty() const noexcept { return current.status / 100 == 2 && parser->body_bytes_read() == 0; }

  std::string fault_of(error_code const& code) const {
    if (!parser->fault().empty())
      return parser->fault();
    if (code == http::error::header_limit)
      return header_too_large();
    if ((code == http::error::bad_content_length && parser->has_transfer_encoding()) ||
        code == http::error::bad_transfer_encoding)
      return "the answer has a Transfer-Encoding and a Content-Length, or a second Transfer-Encoding";
    if (code == http::error::multiple_content_length)
      return "the answer has Content-Lengths that differ";
    return "the answer is not HTTP/1.1: " + code.message();
  }
  static std::string begins_otherwise(std::string_view unread) {
    if (unread.starts_with(tls_alert))
      return "the answer is not HTTP/1.1 but TLS: is the endpoint's scheme to be https?";
    return "the answer is not HTTP/1.1, it begins with " + quoted(unread.substr(0, shown_bytes_max));
  }
  static std::string header_too_large() {
    return "the answer's header is larger than " + std::to_string(header_bytes_max) + " bytes";
  }

  struct step {
    std::size_t consumed_bytes;
    bool needs_more;
  };

  // One step of the parser's: a head, a chunk's head, a piece of the body, the trailers.
  step put(std::string_view unread) {
    bool const in_head = !parser->is_header_done();
    if (current.status == 0 && !unread.starts_with(http_1.substr(0, unread.size()))) {
      fail(begins_otherwise(unread));
      return {0, false};
    }
    if (!in_head && parser->chunked() && unread.size() < last_chunk_bytes_min)
      return {0, true};
    auto const body_bytes_before = parser->body_bytes_read();
    error_code code;
    auto const consumed = parser->put(boost::asio::const_buffer(unread.data(), unread.size()), code);
    bool const needs_more = code == http::error::need_more;
    if (code == http::error::body_limit) {
      complete(after_answer::close);
    } else if (code && !needs_more) {
      fail(fault_of(code));
    } else {
      auto const around = consumed - (parser->body_bytes_read() - body_bytes_before);
      auto const pending = needs_more ? unread.size() - consumed : 0; // a head or a frame, once it is whole
      if (in_head)
        check_head(around, pending);
      else
        check_frame(around, pending);
    }
    if (state == parse_state::incomplete && parser->is_done())
      end_answer();
    return {consumed, needs_more};
  }
  void check_head(std::uint64_t read_bytes, std::uint64_t pending_bytes) {
    head_bytes += read_bytes;
    if (head_bytes + pending_bytes > header_bytes_max)
      fail(header_too_large());
  }
  void check_frame(std::uint64_t read_bytes, std::uint64_t pending_bytes) {
    frame_bytes += read_bytes;
    if (std::max(read_bytes, pending_bytes) > header_bytes_max ||
        frame_bytes > header_bytes_max + chunk_frame_bytes * (parser->chunks_count() + 1))
      fail("the answer's chunk extensions and trailers are larger than " + std::to_string(header_bytes_max) + " bytes");
  }
  void end_answer() {
    if (current.status == 101)
      fail("the answer is 101, a change of protocol that nobody asked for");
    else if (current.status / 100 == 1)
      restart();
    else
      complete(parser->may_go_on() ? after_answer::keep_alive : after_answer::close);
  }
};

answer_parser::answer_parser() : impl_(std::make_unique<impl>()) {}

answer_parser::~answer_parser() = default;

void answer_parser::begin(std::uint64_t body_bytes_max) {
  impl_->body_bytes_max = body_bytes_max;
  impl_->state = parse_state::incomplete;
  impl_->head_bytes = 0;
  impl_->frame_bytes = 0;
  impl_->restart();
}

std::size_t answer_parser::feed(std::string_view unread) {
  std::size_t consumed = 0;
  while (consumed < unread.size() && impl_->state == parse_state::incomplete) {
    auto const made = impl_->put(unread.substr(consumed));
    consumed += made.consumed_bytes;
    if (made.needs_more)
      break;
  }
  return consumed;
}

void answer_parser::feed_end() {
  // Without a length and without a body: no function says nothing at all, so the server ended before it said anything.
  if (!impl_->parser->got_some() || impl_->is_good_and_empty())
    return;
  error_code code;
  impl_->parser->put_eof(code);
  if (!code) {
    impl_->complete(after_answer::close);
    impl_->current.ended_by = body_end::connection;
  } else if (code != http::error::partial_message) {
    impl_->fail(impl_->fault_of(code));
  }
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
