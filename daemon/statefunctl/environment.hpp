#pragma once

#include "error/result.hpp"
#include "module/diagnostic.hpp"
#include "statefunctl/client.hpp"
#include "statefunctl/verbs.hpp"

#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

namespace statefunctl {

enum class output { human, json };

// What every verb works with.
struct environment {
  std::string admin_socket;
  std::string ingress_socket;
  output as = output::human;
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  statefund::module::colours use; // in `err`

  client admin() const { return client(admin_socket); }
  client ingress() const { return client(ingress_socket); }
};

// A verb's options, filled by the command line, and what it does with them.
using action = std::function<exit_code(environment const&)>;

exit_code fail(environment const& with, std::string const& why);
// "SF0105 (429): the mailbox ... is full"
exit_code refused(environment const& with, answer const& said);

// Asks the admin door and reads its JSON object; absent: what went wrong is told. With output::json a good answer is
// printed as it came.
std::optional<nlohmann::json> ask_admin(environment const& with, std::string_view method, std::string const& target);

// Of a query, behind a '?' or a '&'.
std::string parameter(char const* name, std::string const& value);

std::string count_of(nlohmann::json const& object, char const* name);
// "1 function", "2 functions"
std::string counted(nlohmann::json const& object, char const* name, std::string const& what);

// How many addresses of a function type are paused, or "all".
std::string paused_text(nlohmann::json const& function);

} // namespace statefunctl
