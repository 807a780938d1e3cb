#pragma once

#include "admin/status.hpp"

#include <string>

namespace statefund::admin {

// The body of GET /v1/status: an object whose members have the names of the structs' fields, with a type and an egress
// as text ("ns/name"). What is absent or empty is null or [].
std::string to_json(status const& snapshot);
// Of GET /v1/functions: its functions alone.
std::string to_json(std::vector<function_status> const& functions);
// The body of a good answer to POST /-/reload.
std::string to_json(reload_report const& report);
// Members of a problem that say which files kept their old version or were refused, and why: "generation":7,...
std::string problem_members(reload_report const& report);

} // namespace statefund::admin
