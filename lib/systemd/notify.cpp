#include "systemd/notify.hpp"

#include "log/log.hpp"

#include <systemd/sd-daemon.h>

#include <atomic>
#include <cstdlib>
#include <ctime>
#include <string>
#include <system_error>

namespace statefund::systemd {

namespace {

constexpr log::logger logger{"systemd"};
constinit std::atomic<bool> complained = false;

void report(std::string const& state) {
  int const sent = sd_notify(0, state.c_str());
  if (sent >= 0 || complained.exchange(true))
    return;
  char const* const socket = std::getenv("NOTIFY_SOCKET");
  logger.warning(
      {number::systemd_unreachable, "the service manager cannot be told how the daemon is"},
      {{"socket", socket ? socket : ""}, {"why", std::generic_category().message(-sent)}, {"report", state}});
}

} // namespace

void notify_ready() {
  report("READY=1");
}

void notify_stopping() {
  report("STOPPING=1");
}

void notify_reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now); // the manager's own clock, whatever the process takes for the time
  auto const microseconds = std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  report("RELOADING=1\nMONOTONIC_USEC=" +
         std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(microseconds).count()));
}

void notify_status(std::string_view sentence) {
  std::string state = "STATUS=";
  for (char const letter : sentence)
    state += static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f ? ' ' : letter;
  report(state);
}

void notify_extended_timeout(std::chrono::microseconds more) {
  report("EXTEND_TIMEOUT_USEC=" + std::to_string(more.count()));
}

} // namespace statefund::systemd
