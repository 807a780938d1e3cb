#pragma once

#include "endpoint/options.hpp"
#include "endpoint/resolver.hpp"
#include "function/function.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <memory>
#include <string_view>

namespace statefund::endpoint {

// What has happened since it was made. Counts of one function type on one shard; read on its thread.
struct counters {
  std::uint64_t attempts = 0;
  std::uint64_t attempts_failed = 0; // all that ended neither with a good answer nor stale
  std::uint64_t resent = 0;          // on a new connection, after a reused one broke without a word
  std::uint64_t connections_opened = 0;
};

// A function behind HTTP/1.1, on TCP or on a unix socket: one type on one shard. A call is encoded once and attempted
// until an answer decides it or the call's budget is spent. What is about the endpoint (I/O, timeouts, 5xx and the
// like) is retried after a back-off; what is about the message is not (attempt.hpp).
//
// Errors of call(), with the stage, the attempt and the endpoint in the detail:
//   endpoint_failed       the budget is spent; the detail tells what ended the last attempt
//   endpoint_unreachable  at once: it got no connection
//   name_unresolved       likewise, for want of an address
//   out_of_descriptors    likewise, for want of a file descriptor
//   message_refused       400, 413, 422 and other 4xx; or the call cannot be put into bytes
//   answer_unreadable     an answer of the right type that does not parse, or has more than payload_bytes_max bytes
//   wrong_generation      the answer is the other protocol generation's
//   function_in_error     the answer parses and asks for what cannot be
//   call_cancelled        the calling coroutine was cancelled, which must see that as errors, not as exceptions
//   (task::gate)
// No more calls may be out than pool_size. Lives until its close has been awaited and no call is out.
class remote_function final : public function::function {
 public:
  // `executor`: the shard's. `names` may be shared by all shards.
  remote_function(boost::asio::any_io_executor executor, std::shared_ptr<resolver> names, options chosen);
  ~remote_function() override;

  statefund::function::limits const& call_limits() const noexcept override;
  std::shared_ptr<message::state_specs const> declared_states() const noexcept override;
  std::size_t request_bytes_of(message::invocation const& one) const noexcept override;
  std::size_t request_bytes_of(message::address const& self,
                               message::state_values const& states) const noexcept override;
  boost::asio::awaitable<result<message::reply>> call(message::address const& self, message::batch const& taken,
                                                      message::state_values const& states,
                                                      clock::deadline total) override;
  statefund::function::attempt_counts attempts() const override;
  boost::asio::awaitable<void> close() override;

  counters const& counts() const noexcept;
  std::size_t connections_open_count() const noexcept;
  std::size_t connections_idle_count() const noexcept;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace statefund::endpoint
