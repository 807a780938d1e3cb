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
#include <vector>

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
// The same of a command line that cannot be used.
exit_code misused(environment const& with, std::string const& why);
// "SF0105 (429): the mailbox ... is full"
exit_code refused(environment const& with, answer const& said);

// Asks the admin door and reads its JSON object; absent: what went wrong is told. With output::json a good answer is
// printed as it came.
std::optional<nlohmann::json> ask_admin(environment const& with, std::string_view method, std::string const& target);

// Has the admin door do something, and says what became of it: it was done, or was so before.
exit_code post_admin(environment const& with, std::string const& target, std::string const& done,
                     std::string const& was_so = "");

// Of a query, behind a '?' or a '&'.
std::string parameter(char const* name, std::string const& value);
// "?one&other", or nothing.
std::string query_of(std::vector<std::string> const& parameters);

inline constexpr char const* address_form = "<namespace>/<name>/<id>, each part percent-encoded";

} // namespace statefunctl
