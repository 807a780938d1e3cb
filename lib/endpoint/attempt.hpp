#pragma once

#include "endpoint/answer.hpp"
#include "function/errc.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

// What is decided about attempts: pure functions over values.
namespace statefund::endpoint {

// How far an attempt had come when it failed.
enum class stage {
  resolving,   // its host's name is looked up
  connecting,  // a connection is opened
  handshaking, // it is secured
  sending,     // the request is written
  waiting,     // the request is out and no byte of an answer has come
  reading,     // the answer has begun
};

enum class cause {
  io,                 // the system's error, or a connection that ended
  tls,                // TLS has failed
  malformed,          // what came is no HTTP answer
  out_of_descriptors, // this process, or the system, has no file descriptor left
  connect_timeout,    // the timeouts, by the name of the setting that was met first
  read_timeout,
  write_timeout,
  call_timeout,
  cancelled, // the call was
};

// An attempt that came to no answer.
struct failure {
  cause why = cause::io;
  stage at = stage::connecting;
  std::string
      detail; // for io, tls, malformed and out_of_descriptors: what happened; else empty, or what is known besides
};

enum class connection_age {
  fresh,  // opened for this request
  reused, // has carried an answer before
};

// What one attempt came to.
enum class outcome {
  good,        // an answer whose body is to be decoded
  message,     // it says that the message is wrong: another attempt would say so again
  endpoint,    // it says, or its absence says, that the endpoint fails
  not_reached, // there was no connection to ask over, or none that TLS let a request through
  stale,       // a reused connection broke before any byte of an answer: the server had closed it meanwhile
  call_timeout,
  cancelled,
};

enum class step {
  decode,      // the call ends with the answer
  refuse,      // the call ends: about the message
  retry,       // another attempt, after a back-off
  resend,      // the same attempt again at once, on a new connection
  put_off,     // the call ends: the endpoint wishes for no request as soon as that
  give_up,     // the call ends: its budget is spent
  cancel,      // the call ends: it was cancelled
  not_reached, // the call ends: nobody else would get further, so when to try again is dispatch's to say
};

outcome judge(answer const& got);
outcome judge(failure const& met, connection_age of) noexcept;
// How long the endpoint wishes to be left alone: the Retry-After of a 429 or 503, in seconds or as a date; zero without
// one. `unix_ms` is the time of day.
std::chrono::nanoseconds wished_wait(answer const& got, std::int64_t unix_ms);
// What a call's error is that ends with this failure: whether the endpoint was reached at all, and in time.
function::errc meaning_of(failure const& met) noexcept;
// Of an answer that is not good, about the endpoint: whether it is the function's own.
function::errc meaning_of(answer const& got) noexcept;
// `left` is what is left of the call's budget.
step after_attempt(outcome came_to, std::chrono::nanoseconds left, std::chrono::nanoseconds wished) noexcept;

// "application/octet-stream" in any case, with or without parameters.
bool is_octet_stream(std::string_view content_type) noexcept;

// "io", "read_timeout": a metric's label.
std::string_view to_label(cause why) noexcept;

// Sentence fragments for the operator.

struct timeouts {
  std::chrono::nanoseconds connect;
  std::chrono::nanoseconds read;
  std::chrono::nanoseconds write;
  std::chrono::nanoseconds call;
};
// "read timeout (10 s) while waiting for the answer",
// "connect timeout (2 s) while connecting (127.0.0.1:80: Connection refused; [::1]:80: no answer)"
std::string describe(failure const& met, timeouts const& configured);
// Of an answer that is not good: `answered 500 "Oops": "Traceback ..."`
std::string describe(answer const& got);
// "10 s", "250 ms", "2 min"
std::string to_text(std::chrono::nanoseconds duration);

} // namespace statefund::endpoint
