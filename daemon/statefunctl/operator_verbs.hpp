#pragma once

#include "statefunctl/environment.hpp"

namespace CLI {
class App;
}

namespace statefunctl {

// The verbs that look at addresses, function types and dead letters, and those that act on them.
action add_functions(CLI::App& verb);
action add_addresses(CLI::App& verb);
action add_describe(CLI::App& verb);
action add_pause(CLI::App& verb);
action add_resume(CLI::App& verb);
action add_skip(CLI::App& verb);
action add_dead_letters(CLI::App& verb);

} // namespace statefunctl
