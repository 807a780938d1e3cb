#pragma once

#include "admin/status.hpp"

#include <string>

namespace statefund::admin {

// The body of GET /v1/status: an object whose members have the names of the structs' fields, with a type and an egress
// as text ("ns/name"). What is absent or empty is null or [].
std::string to_json(status const& snapshot);

} // namespace statefund::admin
