#include "endpoint/attempt.hpp"

#include <boost/beast/core/string.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <ctime>
#include <limits>
#include <optional>
#include <system_error>

namespace statefund::endpoint {

namespace {

constexpr std::string_view octet_stream = "application/octet-stream";
constexpr std::chrono::hours wish_max{24 * 365}; // a longer one is as good as this

std::string_view trim(std::string_view text) noexcept {
  auto const first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// RFC 9110, 5.6.7: the first form is what is sent, the others are of old.
std::optional<std::int64_t> unix_s_of(std::string const& http_date) {
  for (char const* const form : {"%a, %d %b %Y %T GMT", "%A, %d-%b-%y %T GMT", "%a %b %e %T %Y"}) {
    std::tm read{};
    if (auto const* const end = ::strptime(http_date.c_str(), form, &read); end != nullptr && *end == '\0')
      return ::timegm(&read);
  }
  return std::nullopt;
}

std::optional<std::int64_t> seconds_of(std::string_view digits) noexcept {
  std::int64_t value = 0;
  auto const [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || digits.front() == '-' || end != digits.data() + digits.size())
    return std::nullopt;
  return code == std::errc::result_out_of_range ? std::numeric_limits<std::int64_t>::max() : value;
}

std::string_view doing(stage at) noexcept {
  switch (at) {
  case stage::resolving:
    return "looking up the name";
  case stage::connecting:
    return "connecting";
  case stage::handshaking:
    return "in the TLS handshake";
  case stage::sending:
    return "sending the request";
  case stage::waiting:
    return "waiting for the answer";
  case stage::reading:
    return "reading the answer";
  }
  return "";
}

// A server of TLS 1.3 judges our certificate after our side of the handshake is done: its alert comes in an answer's
// place.
bool is_reached(failure const& met) noexcept {
  return met.at >= (met.why == cause::tls ? stage::reading : stage::sending);
}

bool is_about_endpoint(unsigned status) noexcept {
  switch (status) {
  case 401:
  case 403:
  case 404:
  case 405:
  case 407:
  case 408:
  case 409:
  case 420:
  case 425:
  case 429:
  case 499:
    return true;
  default:
    return status / 100 != 4;
  }
}

} // namespace

std::string_view to_label(cause why) noexcept {
  switch (why) {
  case cause::io:
    return "io";
  case cause::tls:
    return "tls";
  case cause::malformed:
    return "malformed";
  case cause::out_of_descriptors:
    return "out_of_descriptors";
  case cause::connect_timeout:
    return "connect_timeout";
  case cause::read_timeout:
    return "read_timeout";
  case cause::write_timeout:
    return "write_timeout";
  case cause::call_timeout:
    return "call_timeout";
  case cause::cancelled:
    return "cancelled";
  }
  return "unknown";
}

bool is_octet_stream(std::string_view content_type) noexcept {
  return boost::beast::iequals(trim(content_type.substr(0, content_type.find(';'))), octet_stream);
}

outcome judge(answer const& got) {
  if (got.status / 100 == 2 && is_octet_stream(got.content_type))
    return outcome::good;
  return is_about_endpoint(got.status) ? outcome::endpoint : outcome::message;
}

outcome judge(failure const& met, connection_age of) noexcept {
  if (met.why == cause::cancelled)
    return outcome::cancelled;
  if (!is_reached(met))
    return outcome::not_reached;
  switch (met.why) {
  case cause::call_timeout:
    return outcome::call_timeout;
  case cause::io:
    return of == connection_age::reused && met.at < stage::reading ? outcome::stale : outcome::endpoint;
  default:
    return outcome::endpoint;
  }
}

std::chrono::nanoseconds wished_wait(answer const& got, std::int64_t unix_ms) {
  if (got.status != 429 && got.status != 503)
    return {};
  auto const said = trim(got.retry_after);
  if (auto const wait_s = seconds_of(said))
    return std::chrono::seconds(std::min(*wait_s, std::int64_t{std::chrono::seconds(wish_max).count()}));
  auto const date_s = unix_s_of(std::string(said));
  if (!date_s)
    return {};
  std::chrono::milliseconds const wait{*date_s * 1000 - unix_ms};
  return std::clamp(wait, std::chrono::milliseconds(0), std::chrono::milliseconds(wish_max));
}

function::errc meaning_of(failure const& met) noexcept {
  using function::errc;
  if (met.why == cause::out_of_descriptors)
    return errc::out_of_descriptors;
  if (met.at == stage::resolving)
    return errc::name_unresolved;
  if (!is_reached(met))
    return errc::endpoint_unreachable;
  return met.why == cause::read_timeout || met.why == cause::call_timeout ? errc::timed_out : errc::endpoint_failed;
}

function::errc meaning_of(answer const& got) noexcept {
  switch (got.status) {
  case 500:
    return function::errc::answered_500;
  case 429:
  case 502:
  case 503:
  case 504:
    return function::errc::endpoint_failed;
  default:
    return function::errc::endpoint_answered;
  }
}

step after_attempt(outcome came_to, std::chrono::nanoseconds left, std::chrono::nanoseconds wished) noexcept {
  switch (came_to) {
  case outcome::good:
    return step::decode;
  case outcome::message:
    return step::refuse;
  case outcome::cancelled:
    return step::cancel;
  case outcome::not_reached:
    return step::not_reached;
  case outcome::call_timeout:
    return step::give_up;
  case outcome::stale:
    return left > left.zero() ? step::resend : step::give_up;
  case outcome::endpoint:
    if (left <= left.zero())
      return step::give_up;
    return wished < left ? step::retry : step::put_off;
  }
  return step::give_up;
}

std::string to_text(std::chrono::nanoseconds duration) {
  struct unit {
    std::int64_t nanoseconds;
    char const* name;
  };
  constexpr unit units[] = {
      {60'000'000'000, " min"}, {1'000'000'000, " s"}, {1'000'000, " ms"}, {1'000, " us"}, {1, " ns"}};
  for (auto const& [size, name] : units)
    if (duration.count() >= size && duration.count() % size == 0)
      return std::to_string(duration.count() / size) + name;
  return std::to_string(duration.count()) + " ns";
}

std::string describe(failure const& met, timeouts const& configured) {
  std::string what;
  switch (met.why) {
  case cause::io:
  case cause::tls:
  case cause::malformed:
  case cause::out_of_descriptors:
    return met.detail + " while " + std::string(doing(met.at));
  case cause::connect_timeout:
    what = "connect timeout (" + to_text(configured.connect) + ")";
    break;
  case cause::read_timeout:
    what = "read timeout (" + to_text(configured.read) + ")";
    break;
  case cause::write_timeout:
    what = "write timeout (" + to_text(configured.write) + ")";
    break;
  case cause::call_timeout:
    what = "call timeout (" + to_text(configured.call) + ")";
    break;
  case cause::cancelled:
    what = "cancelled";
    break;
  }
  what.append(" while ").append(doing(met.at));
  return met.detail.empty() ? what : what + " (" + met.detail + ')';
}

std::string describe(answer const& got) {
  std::string said = "answered " + std::to_string(got.status);
  if (!got.reason.empty())
    said += ' ' + quoted(got.reason);
  if (got.status / 100 == 3)
    return said + (got.location.empty() ? " without a Location; redirects are not followed"
                                        : " with Location " + quoted(got.location) + "; redirects are not followed");
  if (got.status / 100 == 2)
    return said + (got.content_type.empty()
                       ? " without a content type"
                       : " of type " + quoted(got.content_type) + " instead of " + std::string(octet_stream));
  if (!got.retry_after.empty())
    said += ", Retry-After " + quoted(got.retry_after);
  if (!got.body.empty())
    said += ": " + quoted_body(got.body);
  if (got.state == body_state::undecodable)
    said += " (its body cannot be decoded as " + quoted(got.content_encoding) + ')';
  return said;
}

} // namespace statefund::endpoint
