#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace statefunctl {

// Fields of the admin door's answers, as a person reads them. A field that is not there is empty, 0 or "-".

std::string text_of(nlohmann::json const& object, char const* name);
std::string count_of(nlohmann::json const& object, char const* name);
std::string counted(nlohmann::json const& object, char const* name, std::string const& what);
// Of its `bytes`.
std::string size_of(nlohmann::json const& object);

// Of moments in Unix milliseconds: "in 12s", "now"; "1h 0m".
std::string until_text(nlohmann::json const& object, char const* name);
std::string since_text(nlohmann::json const& object, char const* name);

// Cut off where it would make a column too wide.
std::string short_text_of(nlohmann::json const& object, char const* name);

// "from outside", or the address that the message is from.
std::string caller_text(nlohmann::json const& object);

// How many addresses of a function type are paused, or "all".
std::string paused_text(nlohmann::json const& function);

// "orders.yaml:3:4: what is wrong; what to do about it"
std::string diagnostic_text(nlohmann::json const& one);

} // namespace statefunctl
