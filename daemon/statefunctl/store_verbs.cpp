#include "statefunctl/store_verbs.hpp"

#include "statefunctl/fields.hpp"
#include "statefunctl/format.hpp"
#include "store/store_check.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <memory>
#include <ostream>

namespace statefunctl {

namespace store = statefund::store;
using nlohmann::json;

namespace {

// --- store check

json to_json(store::checked_store const& told) {
  json tables = json::array();
  for (auto const& one : told.tables)
    tables.push_back({{"name", one.name},
                      {"rows_count", one.rows_count},
                      {"bytes", one.bytes},
                      {"expired_count", one.expired_count}});
  json findings = json::array();
  for (auto const& one : told.findings)
    findings.push_back({{"table", one.table}, {"key", one.key}, {"what", one.what}});
  return {{"format_version", told.format_version},
          {"partition_count", told.partition_count},
          {"last_number", told.last_number},
          {"promised", told.promised ? json(*told.promised) : json()},
          {"tables", tables},
          {"findings", findings},
          {"findings_count", told.findings_count}};
}

void print(std::ostream& out, std::string const& directory, store::checked_store const& told) {
  out << directory << ": format " << told.format_version << ", " << told.partition_count
      << " partitions, changes up to " << told.last_number << ", durable up to "
      << (told.promised ? std::to_string(*told.promised) : "(unknown)") << "\n\n";
  table counts({"TABLE", "ROWS", "SIZE", "EXPIRED"});
  for (auto const& one : told.tables)
    counts.add({one.name, std::to_string(one.rows_count), bytes_text(one.bytes), std::to_string(one.expired_count)});
  out << counts.text() << '\n';
  for (auto const& one : told.findings)
    out << one.table << (one.key.empty() ? "" : " " + one.key) << ": " << one.what << '\n';
  if (told.findings_count > told.findings.size())
    out << "...\n";
  if (told.is_clean())
    out << "All of it can be read, and nothing is wrong.\n";
  else
    out << counted(told.findings_count, "finding") << ".\n";
}

exit_code check(environment const& with, std::string const& directory) {
  auto const told = store::check_store(directory);
  if (with.as == output::json) {
    json said = told ? to_json(*told) : json{{"error", told.error().to_string()}};
    said["directory"] = directory;
    said["ok"] = told && told->is_clean();
    with.out << said.dump(-1, ' ', false, json::error_handler_t::replace) << '\n';
  } else if (told) {
    print(with.out, directory, *told);
  }
  if (!told)
    return fail(with, told.error().to_string());
  return told->is_clean() ? exit_code::done : exit_code::failed;
}

// --- backup

exit_code back_up(environment const& with, std::string const& directory) {
  if (!directory.starts_with('/'))
    return misused(with, "'" + directory + "' is no absolute path; the backup is made by the daemon, on its machine");
  auto const told = ask_admin(with, "POST", "/v1/backup?" + parameter("directory", directory));
  if (!told)
    return exit_code::failed;
  if (with.as == output::human)
    with.out << directory << ": changes up to " << count_of(*told, "number") << ", "
             << bytes_text(told->value("bytes", std::uint64_t{0})) << ", in " << told->value("took_ms", 0.0) / 1000
             << " s\n";
  return exit_code::done;
}

} // namespace

action add_store(CLI::App& verb) {
  auto const directory = std::make_shared<std::string>();
  auto* const check_verb = verb.add_subcommand(
      "check", "Reads all of a data directory that no daemon has open, and says what is wrong; changes nothing");
  check_verb->add_option("directory", *directory, "store.path of the settings, or a backup")
      ->option_text("DIR")
      ->required();
  verb.require_subcommand(1);
  return [directory](environment const& with) { return check(with, *directory); };
}

action add_backup(CLI::App& verb) {
  auto const directory = std::make_shared<std::string>();
  verb.add_option("directory", *directory, "Absolute path of a new directory on the daemon's machine")
      ->option_text("DIR")
      ->required();
  return [directory](environment const& with) { return back_up(with, *directory); };
}

} // namespace statefunctl
