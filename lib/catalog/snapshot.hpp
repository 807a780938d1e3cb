#pragma once

#include "message/address.hpp"
#include "module/diagnostic.hpp"
#include "module/not_running.hpp"
#include "module/spec.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace statefund::catalog {

// A module file as it was read, not yet looked into.
struct file_text {
  std::string path;
  std::string text;
  std::string fault; // why it could not be read; empty if it was
};

// A text of a module file and what it says. Immutable; shared by all snapshots that it is in force in.
struct version {
  std::optional<std::string> text; // absent: it could not be read
  module::specs declared;          // empty unless it is good
  module::diagnostics errors;      // empty: it is good, taken alone

  bool is_good() const noexcept { return errors.empty(); }
};

// Pure.
std::shared_ptr<version const> parse(file_text read);

// What is known of a file when a snapshot is made.
struct file_versions {
  std::string path;
  std::shared_ptr<version const> newest;    // as it is now; not null
  std::shared_ptr<version const> last_good; // the newest that was in force before; null: none was
};

enum class file_state {
  loaded,  // all that it declares is in force
  kept,    // all that its last good version declares is; `errors` says why it is not as it is now
  refused, // nothing of it is; `errors` says why
};

std::string_view to_string(file_state value) noexcept;

struct file {
  std::string path;
  file_state state = file_state::refused;
  std::shared_ptr<version const> in_force; // null if refused. Its places are those of the text that it was parsed from.
  module::diagnostics errors;              // of the file as it is now; empty if loaded
};

// All that the modules of one moment declare. Immutable, so any thread reads it without a lock; whoever works with it
// holds the pointer, and what it points to does not move or end before.
class snapshot {
 public:
  // Files in name order. A version is taken whole or not at all: if it is good, and declares no type, pattern, ingress
  // or egress that a file before it has declared. Of each file the newest version is taken, else the last good one,
  // else none. Pure.
  static std::shared_ptr<snapshot const> make(std::vector<file_versions> const& files, std::uint64_t generation);
  // The same of files without a past: what a start makes of them.
  static std::shared_ptr<snapshot const> make(std::vector<file_text> files, std::uint64_t generation);

  snapshot(snapshot const&) = delete;
  snapshot& operator=(snapshot const&) = delete;

  // Grows with each snapshot that a process makes.
  std::uint64_t generation() const noexcept { return generation_; }
  // The exact type, else its namespace; null: nobody has bound it.
  module::function_spec const* find(message::function_type const& type) const;
  // Null: not declared, which does not keep it from being a queue.
  module::egress_spec const* find(message::egress_id const& id) const;

  // In the order of files and places.
  std::vector<module::function_spec const*> const& functions() const noexcept { return functions_; }
  std::vector<module::egress_spec const*> const& egresses() const noexcept { return egresses_; }
  // Of what is in force, what this version does not run; in the order of files and places.
  std::vector<module::not_running> const& not_running() const noexcept { return not_running_; }
  std::vector<file> const& files() const noexcept { return files_; }
  std::size_t count(file_state state) const noexcept;
  bool has_kept_files() const noexcept { return count(file_state::kept) > 0; }
  bool has_refused_files() const noexcept { return count(file_state::refused) > 0; }
  // Every error of every kept or refused file, in the order of files and places.
  module::diagnostics errors() const;

 private:
  explicit snapshot(std::uint64_t generation) : generation_(generation) {}
  void add(file_versions const& known);
  void put_in_force(module::specs const& declared);
  module::diagnostics held_against(module::specs const& declared) const;
  // The place of the first declaration may not be found in a file that is kept: its text is another one by now.
  module::diagnostic with_state_of(module::place const& first, module::diagnostic wrong) const;

  std::uint64_t generation_;
  std::vector<file> files_; // these own what the rest points to
  std::vector<module::function_spec const*> functions_;
  std::vector<module::egress_spec const*> egresses_;
  std::vector<module::not_running> not_running_;
  std::unordered_map<message::function_type, module::function_spec const*> exact_;
  std::unordered_map<std::string, module::function_spec const*> namespaces_;
  std::unordered_map<message::egress_id, module::egress_spec const*> egress_ids_;
  std::unordered_map<std::string, module::ingress_spec const*> ingress_ids_; // by "ns/name"
};

} // namespace statefund::catalog
