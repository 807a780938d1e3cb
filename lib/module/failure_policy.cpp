// The failure policy, statefund's own keys beside those of a function or of an endpoint:
//
//   retry: {initial: 100ms, max: 60s, maxAttempts: 0}
//   onFailure: pause | dead-letter | skip
//   maxConcurrentCalls: n
//   callWhen: ordered | durable

#include "module/duration.hpp"
#include "module/fields.hpp"

#include <algorithm>
#include <array>

namespace statefund::module {
namespace {

constexpr std::array on_failures{on_failure::pause, on_failure::dead_letter, on_failure::skip};
constexpr std::array call_whens{call_when::ordered, call_when::durable};

constexpr std::chrono::nanoseconds wait_max = std::chrono::hours(24);

std::optional<std::chrono::nanoseconds> read_wait(map_reader& retry, std::string_view key) {
  auto const value = read_positive_duration(retry, key);
  if (!value || *value <= wait_max)
    return value;
  node const& at = *retry.self().find(key);
  retry.errors().add(at, quoted(key) + " is " + quoted(at.text) + "; expected at most " + to_text(wait_max));
  return std::nullopt;
}

void read_retry(map_reader& retry, failure_policy& into) {
  auto const initial = read_wait(retry, "initial");
  auto const max = read_wait(retry, "max");
  if (initial && max && *initial > *max)
    retry.errors().add(*retry.self().find("initial"), "\"initial\" of " + to_text(*initial) +
                                                          " is larger than \"max\" of " + to_text(*max) +
                                                          "; expected at most that");
  // Where one alone is given, the other one's default gives way.
  into.retry_max = max.value_or(std::max(into.retry_max, initial.value_or(into.retry_max)));
  into.retry_initial = initial.value_or(std::min(into.retry_initial, into.retry_max));
  if (auto const attempts = read_number(retry, "maxAttempts", 0, 2147483647))
    into.attempts_max = static_cast<std::uint32_t>(*attempts);
}

} // namespace

void read_failure_policy(map_reader& spec, function_spec& into) {
  failure_policy& policy = into.policy;
  if (auto retry = spec.map("retry", "the retry")) {
    read_retry(*retry, policy);
    retry->finish();
  }
  if (auto const word = spec.text("onFailure"))
    policy.then = read_choice(*word, "onFailure", on_failures, spec.errors()).value_or(policy.then);
  if (auto const calls = read_number(spec, "maxConcurrentCalls", 1, pool_size_max)) {
    if (*calls > into.pool_size)
      spec.errors().add(*spec.self().find("maxConcurrentCalls"),
                        "\"maxConcurrentCalls\" is " + std::to_string(*calls) + ", and the pool has " +
                            std::to_string(into.pool_size) + " connections; expected at most that");
    policy.concurrent_calls_max = static_cast<std::uint32_t>(*calls);
  }
  if (auto const word = spec.text("callWhen"))
    policy.calls = read_choice(*word, "callWhen", call_whens, spec.errors()).value_or(policy.calls);
}

} // namespace statefund::module
