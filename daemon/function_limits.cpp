#include "daemon/function_limits.hpp"

namespace statefund::daemon {

function::limits limits_of(module::function_spec const& spec) {
  function::limits made;
  made.batch_messages_max = spec.batch_messages_max;
  made.waiting_max = spec.waiting_max;
  made.payload_bytes_max = spec.payload_bytes_max;
  made.concurrent_calls_max = spec.policy.concurrent_calls_max.value_or(spec.pool_size);
  made.call_timeout = spec.timeouts.call;
  made.backoff = {spec.policy.retry_initial, spec.policy.retry_max};
  made.attempts_max = spec.policy.attempts_max;
  made.then = spec.policy.then;
  made.calls = spec.policy.calls;
  return made;
}

} // namespace statefund::daemon
