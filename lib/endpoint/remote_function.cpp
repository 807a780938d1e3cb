#include "endpoint/remote_function.hpp"

#include "clock/backoff.hpp"
#include "endpoint/attempt.hpp"
#include "endpoint/connect.hpp"
#include "endpoint/pool.hpp"
#include "endpoint/tls_client.hpp"
#include "error/ensure.hpp"
#include "function/errc.hpp"
#include "log/log.hpp"
#include "task/timer.hpp"
#include "task/with_deadline.hpp"
#include "wire/answer.hpp"
#include "wire/call.hpp"
#include "wire/errc.hpp"

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <utility>

namespace statefund::endpoint {

namespace asio = boost::asio;
using statefund::function::errc;
using namespace std::chrono_literals;

namespace {

constexpr log::logger logger{"endpoint"};
// A call may try for minutes, and thousands of calls at a time.
constexpr auto log_again_after = 10s;

// Ends before Content-Length's digits.
std::string request_head(options const& from) {
  auto const fits = [](std::string_view text) { return text.find_first_of("\r\n") == std::string_view::npos; };
  ensure(from.target.starts_with('/') && fits(from.target) && fits(from.authority) && fits(from.user_agent),
         "what stands in a request's head has been checked");
  return "POST " + from.target + " HTTP/1.1\r\nHost: " + from.authority + "\r\nUser-Agent: " + from.user_agent +
         "\r\nContent-Type: application/octet-stream\r\nAccept: application/octet-stream\r\n"
         "Accept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\nContent-Length: ";
}

// A metric's label.
std::string_view to_label(errc why) noexcept {
  switch (why) {
  case errc::wrong_generation:
    return "wrong_generation";
  case errc::function_in_error:
    return "function_in_error";
  default:
    return "answer_unreadable";
  }
}

errc meaning_of(boost::system::error_code const& undecoded) noexcept {
  if (undecoded == wire::errc::speaks_v2 || undecoded == wire::errc::speaks_v3)
    return errc::wrong_generation;
  if (undecoded == wire::errc::malformed || undecoded == wire::errc::not_utf8)
    return errc::answer_unreadable;
  return errc::function_in_error;
}

enum class connection_from {
  pool,     // an idle one, if there is one
  endpoint, // a new one
};

struct attempted {
  outcome came_to = outcome::endpoint;
  answer got;                           // unless it is a failure
  std::string what;                     // unless came_to is good
  std::string reason;                   // likewise, as a metric's label
  errc meaning = errc::endpoint_failed; // of a call that ends with it
  std::string address;                  // where it went, if a name has led there
  std::chrono::nanoseconds wished{};    // for so long the endpoint wishes for no other attempt
};

// Held by a call from its first attempt that failed until its end.
class tries_again {
 public:
  explicit tries_again(statefund::function::attempt_counts& in) noexcept : in_(in) { ++in_.calls_retrying_count; }
  ~tries_again() { --in_.calls_retrying_count; }
  tries_again(tries_again const&) = delete;
  tries_again& operator=(tries_again const&) = delete;

 private:
  statefund::function::attempt_counts& in_;
};

} // namespace

struct remote_function::impl {
  impl(asio::any_io_executor on, std::shared_ptr<resolver> resolves, options&& chosen)
      : executor(std::move(on)),
        names(std::move(resolves)),
        configured(std::move(chosen)),
        where(configured),
        head(request_head(configured)),
        tls(configured.tls && configured.tls->context ? std::make_unique<tls_client>(*configured.tls) : nullptr),
        limits{configured.read_timeout, configured.write_timeout, configured.limits.payload_bytes_max},
        random(std::random_device{}()),
        connections(executor, configured.pool_size, configured.pool_ttl, static_cast<unsigned>(random())) {}

  asio::any_io_executor executor;
  std::shared_ptr<resolver> names;
  options configured;
  place where;
  std::string head;
  std::unique_ptr<tls_client> tls; // null: in the clear, or its files cannot be used
  exchange_limits limits;
  std::minstd_rand random;
  pool connections;
  counters counts;
  statefund::function::attempt_counts tally;
  clock::steady::time_point log_again_at;
  std::uint64_t unlogged_count = 0;

  timeouts configured_timeouts() const {
    auto const call = configured.limits.call_timeout;
    return {configured.connect_timeout, configured.read_timeout.value_or(call), configured.write_timeout.value_or(call),
            call};
  }

  // ", attempt 3, functions.example:8000 (127.0.0.1:8000)"
  std::string place_of(unsigned attempt, attempted const& made) const {
    return ", attempt " + std::to_string(attempt) + ", " + where.text() +
           (made.address.empty() ? "" : " (" + made.address + ')');
  }

  std::string describe_answer(answer const& got) const {
    auto said = describe(got);
    if (got.status == 500 && configured.speaks == wire::generation::v2)
      said += " (a function of the 3.x protocol answers so to a 2.x module: if it is one, declare it as "
              "`kind: io.statefun.endpoints.v2/http`)";
    return said;
  }

  result<message::reply> conclude(attempted const& made, unsigned attempt) {
    if (made.got.state == body_state::too_large)
      return unusable(errc::answer_too_large,
                      "answer larger than " + std::to_string(limits.body_bytes_max) + " bytes (payload_max_bytes)",
                      attempt, made);
    auto decoded = wire::decode_answer(configured.speaks, made.got.body);
    if (decoded.has_error()) {
      auto const meaning = meaning_of(decoded.error().code);
      if (meaning == errc::answer_unreadable && made.got.ended_by == body_end::connection)
        return unusable(errc::endpoint_failed,
                        "the connection was closed, and what came cannot be read: " + decoded.error().to_string(),
                        attempt, made);
      return unusable(meaning, decoded.error().to_string(), attempt, made);
    }
    return decoded;
  }
  error unusable(errc why, std::string const& what, unsigned attempt, attempted const& made) {
    ++counts.attempts_failed;
    ++tally.failures_by_reason[std::string(to_label(why))];
    return {why, what + place_of(attempt, made)};
  }

  error too_large(std::size_t request_bytes, message::batch const& taken) const {
    auto rest_bytes = request_bytes;
    for (auto const& one : taken)
      rest_bytes -= wire::invocation_bytes(configured.speaks, one);
    return {errc::message_refused, "request of " + std::to_string(request_bytes) + " bytes, above payload_max_bytes (" +
                                       std::to_string(configured.limits.payload_bytes_max) +
                                       "): " + std::to_string(taken.size()) + " messages, and " +
                                       std::to_string(rest_bytes) + " bytes for states and address"};
  }

  // `before`: the attempt before; it means more than one that our own budget has cut short.
  error out_of_time(attempted const& last, unsigned attempt, attempted const& before) const {
    if (last.came_to != outcome::call_timeout)
      return {last.meaning, "call timeout (" + to_text(configured.limits.call_timeout) + ") after: " + last.what +
                                place_of(attempt, last)};
    if (before.what.empty())
      return {last.meaning, last.what + place_of(attempt, last)};
    return {before.meaning, last.what + place_of(attempt, last) + "; the attempt before: " + before.what};
  }

  error put_off(attempted const& last, unsigned attempt) const {
    return {errc::endpoint_failed, "Retry-After (" + to_text(last.wished) + ") is beyond the call timeout (" +
                                       to_text(configured.limits.call_timeout) + ") after: " + last.what +
                                       place_of(attempt, last)};
  }

  void count(attempted const& made, clock::steady::duration took) {
    if (made.came_to == outcome::stale) {
      ++counts.resent;
      return;
    }
    ++counts.attempts;
    tally.took(std::chrono::duration<double>(took).count());
    if (made.came_to == outcome::good)
      return;
    ++counts.attempts_failed;
    ++tally.failures_by_reason[made.reason];
  }

  // Whoever looks, or reads the log, sees it while the call goes on.
  void tell(message::address const& self, attempted const& made, unsigned attempt, clock::steady::duration wait) {
    tally.last_error = made.what + place_of(attempt, made);
    tally.last_error_at_ms = clock::unix_ms();
    tally.last_failed_attempt = attempt;
    auto const now = clock::steady::now();
    if (now < log_again_at) {
      ++unlogged_count;
      return;
    }
    logger.warning({number::attempt_failed, "an attempt failed; the call tries again until its time is over"},
                   {{"address", to_text(self)},
                    {"error", tally.last_error},
                    {"next_attempt_ms", std::chrono::duration_cast<std::chrono::milliseconds>(wait).count()},
                    {"call_timeout_ms",
                     std::chrono::duration_cast<std::chrono::milliseconds>(configured.limits.call_timeout).count()},
                    {"unlogged", unlogged_count}});
    log_again_at = now + log_again_after;
    unlogged_count = 0;
  }

  attempted failed(failure const& met, connection_age of, std::string address) const {
    return {judge(met, of),
            {},
            describe(met, configured_timeouts()),
            std::string(endpoint::to_label(met.why)),
            meaning_of(met),
            std::move(address),
            {}};
  }

  // A new connection, into an empty place. Absent: it is there.
  asio::awaitable<std::optional<attempted>> open(pool::lease& into, clock::deadline total) {
    if (configured.tls && !tls)
      co_return failed({cause::tls, stage::handshaking, configured.tls->fault}, connection_age::fresh, {});
    auto const own = clock::deadline::after(configured.connect_timeout);
    auto reached = co_await connect(where, *names, own, total);
    if (reached.has_error())
      co_return failed(reached.error(), connection_age::fresh, {});
    if (tls) {
      auto secured = co_await tls->secure(std::move(reached->socket), own, total);
      if (secured.has_error())
        co_return failed(secured.error(), connection_age::fresh, std::move(reached->address));
      into.put(std::move(*secured), std::move(reached->address));
    } else {
      into.put(stream(std::move(reached->socket)), std::move(reached->address));
    }
    ++counts.connections_opened;
    co_return std::nullopt;
  }

  asio::awaitable<attempted> attempt(std::string_view body, clock::deadline total, connection_from from) {
    auto lent = from == connection_from::pool ? connections.take() : connections.take_empty();
    if (!lent.has_connection()) {
      auto unopened = co_await open(lent, total);
      if (unopened)
        co_return std::move(*unopened);
    }
    auto const age = lent->age();
    auto exchanged = co_await lent->exchange(head, body, limits, total);
    if (exchanged.has_error())
      co_return failed(exchanged.error(), age, lent.address());
    attempted made;
    made.came_to = judge(*exchanged);
    made.got = std::move(*exchanged);
    made.address = lent.address();
    std::move(lent).give_back();
    if (made.came_to != outcome::good) {
      made.wished = wished_wait(made.got, clock::unix_ms());
      made.what = describe_answer(made.got);
      made.meaning = meaning_of(made.got);
      made.reason = made.got.status / 100 == 2 ? "content_type" : "status_" + std::to_string(made.got.status);
    }
    co_return made;
  }

  std::chrono::nanoseconds backoff(unsigned attempt) {
    // It doubles for as long as the call's budget lasts.
    clock::backoff_limits const all{configured.backoff_initial,
                                    std::max(configured.backoff_initial, configured.limits.call_timeout)};
    return clock::backoff(all, attempt, static_cast<unsigned>(random()));
  }
};

remote_function::remote_function(asio::any_io_executor executor, std::shared_ptr<resolver> names, options chosen)
    : impl_(std::make_unique<impl>(std::move(executor), std::move(names), std::move(chosen))) {}

remote_function::~remote_function() = default;

function::limits const& remote_function::call_limits() const noexcept {
  return impl_->configured.limits;
}

std::shared_ptr<message::state_specs const> remote_function::declared_states() const noexcept {
  return impl_->configured.declared_states;
}

statefund::function::attempt_counts remote_function::attempts() const {
  auto seen = impl_->tally;
  seen.connections_idle_count = connections_idle_count();
  seen.connections_busy_count = connections_open_count() - seen.connections_idle_count;
  return seen;
}

std::size_t remote_function::request_bytes_of(message::invocation const& one) const noexcept {
  return wire::invocation_bytes(impl_->configured.speaks, one);
}

std::size_t remote_function::request_bytes_of(message::address const& self,
                                              message::state_values const& states) const noexcept {
  return wire::call_bytes_max(impl_->configured.speaks, self, states);
}

asio::awaitable<result<message::reply>> remote_function::call(message::address const& self, message::batch const& taken,
                                                              message::state_values const& states,
                                                              clock::deadline total) {
  auto& own = *impl_;
  auto const body = wire::encode_call(own.configured.speaks, self, taken, states);
  if (body.has_error())
    co_return error{errc::message_refused, body.error().to_string()};
  if (body->size() > own.configured.limits.payload_bytes_max)
    co_return own.too_large(body->size(), taken);

  auto from = connection_from::pool;
  attempted before; // what is known when the budget ends in the middle of one
  std::optional<tries_again> again;
  for (unsigned attempt = 1;;) {
    auto const started_at = clock::steady::now();
    auto made = co_await own.attempt(*body, total, from);
    own.count(made, clock::steady::now() - started_at);
    switch (after_attempt(made.came_to, total.left(), made.wished)) {
    case step::decode:
      co_return own.conclude(made, attempt);
    case step::refuse:
      co_return error{errc::message_refused, made.what + own.place_of(attempt, made)};
    case step::not_reached:
      co_return error{made.meaning, made.what + own.place_of(attempt, made)};
    case step::cancel:
      co_return error{errc::call_cancelled, made.what + own.place_of(attempt, made)};
    case step::put_off:
      co_return own.put_off(made, attempt);
    case step::give_up:
      co_return own.out_of_time(made, attempt, before);
    case step::resend:
      from = connection_from::endpoint;
      continue;
    case step::retry:
      break;
    }

    if (!again)
      again.emplace(own.tally);
    auto const pause_length = made.wished + own.backoff(attempt);
    own.tell(self, made, attempt, pause_length);
    task::timer pause(own.executor, std::min(clock::steady::now() + pause_length, total.when()));
    auto wait = pause.async_wait(asio::deferred);
    auto const waited = co_await task::with_deadline(std::move(wait), clock::deadline::never());
    if (waited.has_error())
      co_return error{errc::call_cancelled, "waiting to try again after: " + made.what + own.place_of(attempt, made)};
    if (total.reached())
      co_return own.out_of_time(made, attempt, before);
    made.got = {};
    before = std::move(made);
    from = connection_from::pool;
    ++attempt;
  }
}

asio::awaitable<void> remote_function::close() {
  co_await impl_->connections.close();
}

counters const& remote_function::counts() const noexcept {
  return impl_->counts;
}

std::size_t remote_function::connections_open_count() const noexcept {
  return impl_->connections.open_count();
}

std::size_t remote_function::connections_idle_count() const noexcept {
  return impl_->connections.idle_count();
}

} // namespace statefund::endpoint
