#pragma once

#include "clock/clock.hpp"

#include <boost/asio/basic_waitable_timer.hpp>

namespace statefund::task {

// Every timer of the daemon: asio's, over the process's one clock.
using timer = boost::asio::basic_waitable_timer<clock::steady, clock::wait_traits>;

} // namespace statefund::task
