#pragma once

#include "dispatch/inspection.hpp"
#include "dispatch/operations.hpp"
#include "store/store.hpp"

#include <string>

namespace statefund::admin {

// Bodies of the answers to an operator, each one object. Ages are in milliseconds, moments in Unix milliseconds; what
// is absent is null. A value is never among it, but for a dead letter's where it was asked for.
std::string to_json(dispatch::address_list const& listed);
std::string to_json(dispatch::address_detail const& seen);
std::string to_json(dispatch::dead_letter_page const& listed);
enum class with_value { no, yes }; // as base64
std::string to_json(store::dead_letter_row const& one, with_value shown);
std::string to_json(dispatch::acted const& done);
std::string to_json(dispatch::replayed const& done);
std::string to_json(std::string const& directory, store::backup_report const& made);

} // namespace statefund::admin
