#pragma once

#include "statefunctl/environment.hpp"

namespace CLI {
class App;
}

namespace statefunctl {

// What concerns a data directory: `store check` asks no daemon, `backup` the one that has it open.
action add_store(CLI::App& verb);
action add_backup(CLI::App& verb);

} // namespace statefunctl
