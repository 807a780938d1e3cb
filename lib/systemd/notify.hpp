#pragma once

#include <chrono>
#include <string_view>

namespace statefund::systemd {

// What the service manager is told of the daemon's life (sd_notify, Type=notify). Each call sends one datagram to the
// socket named by NOTIFY_SOCKET and does nothing where that is unset: run by hand, the daemon has nobody to tell.
// A report that cannot be sent never stops the daemon; the first one of a process is logged as
// `systemd_unreachable`, later ones are not. Any thread.

void notify_ready();    // start-up has finished
void notify_stopping(); // asked to stop, or ending by itself

// The modules are being read again; notify_ready says when that is over. RELOADING=1 and MONOTONIC_USEC stand in one
// report, as systemd 253 wants for Type=notify-reload; 252 reads the first alone.
void notify_reloading();

// One line for `systemctl status`. Control bytes become spaces, so that a status cannot carry another report.
void notify_status(std::string_view sentence);

// Start-up or stop takes longer: the manager's timeout ends no sooner than `more` from now.
void notify_extended_timeout(std::chrono::microseconds more);

} // namespace statefund::systemd
