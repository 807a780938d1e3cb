#pragma once

#include "statefunctl/environment.hpp"

namespace CLI {
class App;
}

namespace statefunctl {

// What concerns a data directory.
action add_store(CLI::App& verb);

} // namespace statefunctl
