#include "endpoint/answer_parser.hpp"
#include "endpoint/attempt.hpp"
#include "error/ensure.hpp"
#include "wire/answer.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// A server's bytes, on their way through the client: cut into pieces as a connection may cut them, parsed, decoded,
// judged, told, and read by the wire decoders of both generations.
namespace {

using namespace statefund;
using namespace statefund::endpoint;

constexpr std::uint64_t body_bytes_max = 100'000;
constexpr std::size_t piece_bytes_max = 17; // an input's size chooses how it is cut
constexpr std::size_t told_bytes_max = 8 * 1024;
constexpr std::size_t left_bytes_max = 2 * header_bytes_max;

struct read_answer {
  parse_state state = parse_state::incomplete;
  answer got;
  std::string fault;
  std::size_t left_bytes = 0; // that the parser did not want
};

read_answer read(std::string_view bytes, std::size_t piece) {
  answer_parser parser;
  parser.begin(body_bytes_max);
  std::string unread;
  std::size_t at = 0;
  while (at < bytes.size() && parser.state() == parse_state::incomplete) {
    auto const part = bytes.substr(at, piece);
    at += part.size();
    unread += part;
    unread.erase(0, parser.feed(unread));
    ensure(parser.state() != parse_state::incomplete || unread.size() <= left_bytes_max, "little is left unread");
  }
  if (parser.state() == parse_state::incomplete)
    parser.feed_end();
  return {parser.state(), parser.parsed(), std::string(parser.fault()), unread.size() + bytes.size() - at};
}

void check_told(std::string_view line) {
  auto const is_control = [](char byte) { return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f; };
  ensure(line.size() <= told_bytes_max && std::none_of(line.begin(), line.end(), is_control), "fit for a log");
}

void check_same(read_answer const& whole, read_answer const& cut) {
  // A head is looked at again only when all of it is there: a fault within may stay unseen until then.
  if (whole.state == parse_state::malformed && cut.state == parse_state::incomplete)
    return;
  ensure(whole.state == cut.state, "an answer is the same however it is cut");
  if (whole.state != parse_state::complete)
    return;
  ensure(whole.got.status == cut.got.status && whole.got.state == cut.got.state && whole.got.then == cut.got.then &&
             whole.got.content_type == cut.got.content_type && whole.got.location == cut.got.location &&
             whole.got.retry_after == cut.got.retry_after,
         "its head is the same however it is cut");
  // What is left behind a limit depends on where the pieces end.
  if (whole.got.state != body_state::too_large)
    ensure(whole.got.body == cut.got.body && whole.left_bytes == cut.left_bytes,
           "its body and its end are the same however it is cut");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const bytes(reinterpret_cast<char const*>(data), size);
  auto const whole = read(bytes, std::size_t{64} * 1024);
  check_same(whole, read(bytes, 1 + size % piece_bytes_max));
  if (whole.state == parse_state::malformed) {
    ensure(!whole.fault.empty(), "a fault has a sentence");
    check_told(whole.fault);
  }
  if (whole.state != parse_state::complete)
    return 0;

  auto const& got = whole.got;
  ensure(got.status >= 200 && got.status <= 999, "a final answer");
  ensure(got.body.size() <= body_bytes_max, "a body within the limit");
  ensure(got.then == after_answer::close || got.state != body_state::too_large, "nothing is left unread");
  check_told(describe(got));
  constexpr std::int64_t some_day_ms = 1'700'000'000'000;
  auto const wished = wished_wait(got, some_day_ms);
  ensure(wished >= wished.zero() && wished <= std::chrono::hours(24 * 365), "a wait that can be told");
  if (judge(got) != outcome::good || got.state != body_state::whole)
    return 0;
  for (auto const speaks : {wire::generation::v2, wire::generation::v3})
    if (auto const reply = wire::decode_answer(speaks, got.body); reply.has_error())
      check_told(reply.error().to_string());
  return 0;
}
