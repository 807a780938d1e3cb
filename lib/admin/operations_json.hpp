#pragma once

#include "dispatch/inspection.hpp"

#include <string>

namespace statefund::admin {

// Bodies of the answers to an operator, each one object. Ages are in milliseconds, moments in Unix milliseconds; what
// is absent is null. A value is never among it, but for a dead letter's where it was asked for.
std::string to_json(dispatch::address_list const& listed);
std::string to_json(dispatch::address_detail const& seen);

} // namespace statefund::admin
