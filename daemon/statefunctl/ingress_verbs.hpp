#pragma once

#include "statefunctl/environment.hpp"

namespace CLI {
class App;
}

namespace statefunctl {

// The verbs that ask the ingress door: a message in, and what functions sent to an egress out.
action add_send(CLI::App& verb);
action add_egress(CLI::App& verb);

} // namespace statefunctl
