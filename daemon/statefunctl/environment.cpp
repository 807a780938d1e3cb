#include "statefunctl/environment.hpp"

#include "message/address.hpp"

#include <nlohmann/json.hpp>

#include <ostream>

namespace statefunctl {

using nlohmann::json;

exit_code fail(environment const& with, std::string const& why) {
  with.err << "statefunctl: " << why << '\n';
  return exit_code::failed;
}

exit_code misused(environment const& with, std::string const& why) {
  fail(with, why);
  return exit_code::usage;
}

exit_code refused(environment const& with, answer const& said) {
  auto const problem = json::parse(said.body, nullptr, false);
  if (with.as == output::json && !problem.is_discarded())
    with.out << problem.dump() << '\n';
  if (!problem.is_object() || !problem.contains("code") || !problem.contains("detail"))
    return fail(with, "the daemon answered " + std::to_string(said.status) + " " + said.body.substr(0, 200));
  std::string why =
      problem.value("code", "") + " (" + std::to_string(said.status) + "): " + problem.value("detail", "");
  if (auto const after = said.header("retry-after"); !after.empty())
    why += "; try again in " + after + " s";
  return fail(with, why);
}

std::optional<json> ask_admin(environment const& with, std::string_view method, std::string const& target) {
  auto const said = with.admin().ask(method, target);
  if (said.has_error()) {
    fail(with, said.error().detail);
    return std::nullopt;
  }
  if (!said->is_good()) {
    refused(with, *said);
    return std::nullopt;
  }
  auto told = json::parse(said->body, nullptr, false);
  if (!told.is_object()) {
    fail(with, with.admin_socket + " answered something that is no answer to " + target);
    return std::nullopt;
  }
  if (with.as == output::json)
    with.out << said->body;
  return told;
}

exit_code post_admin(environment const& with, std::string const& target, std::string const& done,
                     std::string const& was_so) {
  auto const told = ask_admin(with, "POST", target);
  if (!told)
    return exit_code::failed;
  if (with.as == output::human)
    with.out << (told->value("changed", true) ? done : was_so) << '\n';
  return exit_code::done;
}

std::string parameter(char const* name, std::string const& value) {
  std::string text = std::string(name) + '=';
  for (char const letter : statefund::message::percent_encode(value))
    letter == '&' ? text += "%26" : text += letter; // which may stand in a path
  return text;
}

std::string query_of(std::vector<std::string> const& parameters) {
  std::string text;
  for (auto const& one : parameters)
    (text += text.empty() ? '?' : '&') += one;
  return text;
}

} // namespace statefunctl
