#include "statefunctl/dead_letter_verbs.hpp"

#include "http/base64.hpp"
#include "message/address.hpp"
#include "statefunctl/fields.hpp"
#include "statefunctl/format.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

namespace statefunctl {

namespace message = statefund::message;
using nlohmann::json;

namespace {

struct dead_letter_options {
  std::string type;
  std::string address;
  std::string id;
  std::size_t max = 100;
  bool value = false;
};

constexpr char const* dead_letters_path = "/v1/dead-letters";

std::vector<std::string> filter_of(dead_letter_options const& what) {
  std::vector<std::string> parameters;
  if (!what.type.empty())
    parameters.push_back(parameter("type", what.type));
  if (!what.address.empty())
    parameters.push_back(parameter("address", what.address));
  return parameters;
}

exit_code list_dead_letters(environment const& with, dead_letter_options const& what) {
  auto parameters = filter_of(what);
  parameters.push_back("max=" + std::to_string(what.max));
  auto const told = ask_admin(with, "GET", dead_letters_path + query_of(parameters));
  if (!told)
    return exit_code::failed;
  if (with.as == output::json)
    return exit_code::done;
  table rows({"ID", "ADDRESS", "AGE", "TYPE", "SIZE", "REASON"});
  for (json const& one : told->value("dead_letters", json::array()))
    rows.add({text_of(one, "id"), text_of(one, "address"), since_text(one, "at_unix_ms"), text_of(one, "type"),
              size_of(one), short_text_of(one, "reason")});
  with.out << (rows.empty() ? "No dead letters.\n" : rows.text());
  if (told->contains("next") && (*told)["next"].is_string())
    with.out << "\nThere are more, " << count_of(*told, "total_count") << " in all; --max shows more.\n";
  return exit_code::done;
}

exit_code show_dead_letter(environment const& with, dead_letter_options const& what) {
  auto const told = ask_admin(with, "GET",
                              std::string(dead_letters_path) + '/' + message::percent_encode(what.id) +
                                  "?value=" + (what.value || with.as == output::human ? "true" : "false"));
  if (!told)
    return exit_code::failed;
  if (with.as == output::json)
    return exit_code::done;
  auto const& one = *told;
  with.out << text_of(one, "id") << " to " << text_of(one, "address") << ", " << caller_text(one) << '\n'
           << "  set aside  " << since_text(one, "at_unix_ms") << " ago\n"
           << "  reason     " << text_of(one, "reason") << '\n'
           << "  type       " << text_of(one, "type") << '\n'
           << "  size       " << size_of(one) << '\n';
  auto const bytes = statefund::http::base64_decode(text_of(one, "value"));
  if (bytes && one.contains("value") && one["value"].is_string())
    with.out << "  value      " << value_text(text_of(one, "type"), *bytes, what.value ? bytes->size() * 2 + 2 : 200)
             << '\n';
  return exit_code::done;
}

exit_code replay_many(environment const& with, dead_letter_options const& what) {
  auto const told = ask_admin(with, "POST", std::string(dead_letters_path) + "/replay" + query_of(filter_of(what)));
  if (!told)
    return exit_code::failed;
  bool const is_whole = told->value("left_count", std::uint64_t{0}) == 0;
  if (with.as == output::human) {
    with.out << counted(*told, "replayed_count", "dead letter") << " replayed";
    if (!is_whole)
      with.out << ", " << count_of(*told, "left_count") << " left: " << text_of(*told, "stopped_by");
    with.out << '\n';
  }
  return is_whole ? exit_code::done : exit_code::failed;
}

exit_code replay(environment const& with, dead_letter_options const& what) {
  auto const named_count = (what.id.empty() ? 0 : 1) + (what.type.empty() ? 0 : 1) + (what.address.empty() ? 0 : 1);
  if (named_count != 1)
    return misused(with, "replay takes one of: a dead letter's id, --address, --type");
  if (what.id.empty())
    return replay_many(with, what);
  return post_admin(with, std::string(dead_letters_path) + '/' + message::percent_encode(what.id) + "/replay",
                    "the dead letter " + what.id + " is the last message of its address");
}

exit_code drop(environment const& with, dead_letter_options const& what) {
  return post_admin(with, std::string(dead_letters_path) + '/' + message::percent_encode(what.id) + "/drop",
                    "the dead letter " + what.id + " is dropped");
}

} // namespace

action add_dead_letters(CLI::App& verb) {
  auto const what = std::make_shared<dead_letter_options>();
  auto const chosen = std::make_shared<exit_code (*)(environment const&, dead_letter_options const&)>(nullptr);
  auto const add = [&](char const* name, char const* help, auto act_on) {
    CLI::App* const added = verb.add_subcommand(name, help);
    added->callback([chosen, act_on] { *chosen = act_on; });
    return added;
  };
  auto const add_filter = [&](CLI::App& to) {
    to.add_option("--type,-t", what->type, "Only of this function type, <namespace>/<name>");
    to.add_option("--address,-a", what->address, std::string("Only of this address, ") + address_form);
  };
  auto* const list = add("list", "The oldest message first", list_dead_letters);
  add_filter(*list);
  list->add_option("--max,-n", what->max, "So many at most; 100");
  auto* const show = add("show", "One, with its reason and the beginning of its value", show_dead_letter);
  show->add_option("id", what->id, "As list shows it")->required();
  show->add_flag("--value", what->value, "The whole value; as base64 with --json");
  auto* const again = add("replay", "Puts one, or many, behind what waits for their addresses", replay);
  again->add_option("id", what->id, "As list shows it");
  add_filter(*again);
  again->footer("Those of one address keep their order among each other; later messages may have passed them.");
  auto* const gone = add("drop", "One is gone for good", drop);
  gone->add_option("id", what->id, "As list shows it")->required();
  verb.require_subcommand(1);
  return [what, chosen](environment const& with) { return (*chosen)(with, *what); };
}

} // namespace statefunctl
