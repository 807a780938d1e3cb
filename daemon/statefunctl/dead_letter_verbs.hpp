#pragma once

#include "statefunctl/environment.hpp"

namespace CLI {
class App;
}

namespace statefunctl {

// Messages that were refused for good and set aside: list, show, replay, drop.
action add_dead_letters(CLI::App& verb);

} // namespace statefunctl
