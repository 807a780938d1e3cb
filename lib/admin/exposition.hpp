#pragma once

#include "admin/metrics.hpp"

#include <string>

namespace statefund::admin {

// Prometheus's text format, version 0.0.4.
std::string exposition(metrics const& snapshot);

} // namespace statefund::admin
