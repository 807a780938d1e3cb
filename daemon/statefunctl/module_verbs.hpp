#pragma once

#include "statefunctl/environment.hpp"

namespace CLI {
class App;
}

namespace statefunctl {

// What concerns module files: `validate` asks no daemon, `reload` the one that serves them.
action add_validate(CLI::App& verb);
action add_reload(CLI::App& verb);

} // namespace statefunctl
