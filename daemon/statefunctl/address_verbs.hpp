#pragma once

#include "statefunctl/environment.hpp"

namespace CLI {
class App;
}

namespace statefunctl {

// The verbs that look at addresses, and that act on one or on a whole function type.
action add_addresses(CLI::App& verb);
action add_describe(CLI::App& verb);
action add_pause(CLI::App& verb);
action add_resume(CLI::App& verb);
action add_skip(CLI::App& verb);

} // namespace statefunctl
