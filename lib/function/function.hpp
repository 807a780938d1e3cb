#pragma once

#include "clock/backoff.hpp"
#include "clock/deadline.hpp"
#include "error/result.hpp"
#include "function/attempt_counts.hpp"
#include "message/address.hpp"
#include "message/batch.hpp"
#include "message/failure_policy.hpp"
#include "message/reply.hpp"
#include "message/state_values.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace statefund::function {

// What a module says about calling one function type. Counts are for the whole daemon; a shard has its share.
struct limits {
  std::size_t batch_messages_max = 1000;         // of one call
  std::optional<std::size_t> waiting_max = 1000; // high mark of a mailbox; absent: no mark
  std::uint64_t payload_bytes_max = 32U << 20U;  // of a request or an answer
  std::size_t concurrent_calls_max = 1024;
  std::chrono::nanoseconds call_timeout = std::chrono::minutes(1); // one call with all its attempts
  clock::backoff_limits backoff{std::chrono::milliseconds(100), std::chrono::minutes(1)}; // between calls that fail
  unsigned attempts_max = 0; // calls that fail though the function answers, until the message is given up; 0: for ever
  message::on_failure then = message::on_failure::pause;
  message::call_when calls = message::call_when::ordered;
};

// Something that can be called with a batch, wherever it runs and whatever it speaks. One object for each function type
// and shard, on the shard's thread. Shared by the table and by the calls that are out, so that a reload cannot end it
// under a call.
class function {
 public:
  virtual ~function() = default;

  virtual limits const& call_limits() const noexcept = 0;

  // The states that the module declares (2.x); null where the function itself tells, by message::missing_states (3.x).
  virtual std::shared_ptr<message::state_specs const> declared_states() const noexcept = 0;

  // How many bytes of a request one message takes at most, so that a batch can be cut to payload_bytes_max.
  virtual std::size_t request_bytes_of(message::invocation const& one) const noexcept = 0;
  // The same for what stands around the messages.
  virtual std::size_t request_bytes_of(message::address const& self,
                                       message::state_values const& states) const noexcept = 0;

  // One call: all attempts, until an answer was read or `total` has passed; every attempt sends the same bytes.
  // `self`, `taken` and `states` are borrowed until this returns. Values that are absent in `states` are sent as
  // absent. Errors: function::errc, with a detail for the operator. What is_unreached()
  // comes at once, with budget left: dispatch decides who tries again, and when. Cancellation of the coroutine ends it
  // as call_cancelled.
  virtual boost::asio::awaitable<result<message::reply>> call(message::address const& self, message::batch const& taken,
                                                              message::state_values const& states,
                                                              clock::deadline total) = 0;

  virtual attempt_counts attempts() const { return {}; }

  // Ends what runs without a call (idle connections). Calls that are out go on. Once, before the last handle goes.
  virtual boost::asio::awaitable<void> close() = 0;
};

using handle = std::shared_ptr<function>;

} // namespace statefund::function
