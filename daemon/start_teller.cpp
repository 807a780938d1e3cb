#include "daemon/start_teller.hpp"

#include "log/log.hpp"
#include "systemd/notify.hpp"

#include <chrono>

namespace statefund::daemon {

using namespace std::chrono_literals;

namespace {

constexpr log::logger logger{"daemon"};
constexpr auto told_every = 1s;
constexpr auto logged_every = 5s;
constexpr auto time_for_a_step = 2min;

std::string doing_of(store::opening_progress const& so_far) {
  auto const of_log = [&so_far](char const* doing) {
    return std::string("opening the store: ") + doing + " its log, " + std::to_string(so_far.log_bytes >> 10U) +
           " of " + std::to_string(so_far.log_bytes_total >> 10U) + " KiB";
  };
  switch (so_far.step) {
  case store::opening_step::checking_log:
    return of_log("checking");
  case store::opening_step::reading_log:
    return of_log("reading");
  case store::opening_step::replaying_log:
    return of_log("replaying");
  case store::opening_step::reading_tables:
    break;
  }
  return "opening the store: reading its tables, " + std::to_string(so_far.rows_count) + " rows";
}

} // namespace

start_teller::start_teller() : began_(clock::steady::now()), told_(began_), logged_(began_) {
  systemd::notify_extended_timeout(time_for_a_step);
  systemd::notify_status("opening the store");
}

void start_teller::opens(store::opening_progress const& so_far) {
  if (is_due())
    tell(doing_of(so_far));
}

void start_teller::loads(std::int64_t messages_count) {
  if (is_due())
    tell("loading what waits: " + std::to_string(messages_count) + " messages so far");
}

bool start_teller::is_due() const noexcept {
  return clock::steady::now() - told_ >= told_every;
}

void start_teller::tell(std::string const& doing) {
  told_ = clock::steady::now();
  systemd::notify_extended_timeout(time_for_a_step);
  systemd::notify_status(doing);
  if (told_ - logged_ < logged_every)
    return;
  logged_ = told_;
  logger.info(
      {number::store_loading, "the start goes on"},
      {{"doing", doing}, {"seconds", std::chrono::duration_cast<std::chrono::seconds>(told_ - began_).count()}});
}

} // namespace statefund::daemon
