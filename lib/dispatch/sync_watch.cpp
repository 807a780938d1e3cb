#include "dispatch/sync_watch.hpp"

#include "log/log.hpp"

#include <string>

namespace statefund::dispatch {

namespace {

constexpr log::logger logger{"dispatch"};

std::int64_t ms_since(clock::steady::time_point then) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(clock::steady::now() - then).count();
}

} // namespace

std::optional<refusal> refusal_for_space(store::store const& truth) {
  if (auto const lack = truth.lacks_space())
    return refusal{number::low_on_space, lack->to_string(), std::chrono::seconds(10)};
  return std::nullopt;
}

store::not_durable sync_watch::look() {
  auto const behind = store_.unsynced();
  is_full_ = is_full_ ? !mark_.has_room_again(behind) : mark_.is_full(behind);
  bool const was_late = is_late_;
  is_late_ = behind.bytes > 0 && mark_.is_late(behind, clock::steady::now());
  if (is_late_ && !was_late)
    logger.warning({number::sync_late, "the store does not come back from a sync; messages are refused until it does"},
                   {{"unsynced_bytes", behind.bytes}, {"since_ms", ms_since(behind.since)}});
  else if (was_late && !is_late_)
    logger.info({number::sync_in_time, "the store syncs again"}, {{"unsynced_bytes", behind.bytes}});
  return behind;
}

bool sync_watch::turns_wait() {
  look();
  return is_full_;
}

std::optional<refusal> sync_watch::closes_doors() {
  if (auto lacking = refusal_for_space(store_))
    return lacking;
  auto const behind = look();
  if (is_late_)
    return refusal{number::sync_late,
                   "the store has not come back from a sync for " + std::to_string(ms_since(behind.since)) + " ms",
                   std::chrono::seconds(5)};
  if (mark_.is_full(behind))
    return refusal{number::unsynced_mark_reached,
                   std::to_string(behind.bytes) + " bytes in " + std::to_string(behind.changes_count) +
                       " changes are not durable yet, limits.unsynced_bytes_max is " + std::to_string(mark_.bytes_max) +
                       ", and changes may be " + std::to_string(mark_.changes_max),
                   std::chrono::seconds(1)};
  return std::nullopt;
}

} // namespace statefund::dispatch
