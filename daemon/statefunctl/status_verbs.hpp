#pragma once

#include "statefunctl/environment.hpp"

namespace CLI {
class App;
}

namespace statefunctl {

// The verbs that look at the daemon as a whole.
action add_status(CLI::App& verb);
action add_functions(CLI::App& verb);

} // namespace statefunctl
