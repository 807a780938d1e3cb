#pragma once

#include "message/address.hpp"
#include "module/diagnostic.hpp"
#include "module/spec.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace statefund::catalog {

enum class file_state {
  loaded,  // all that it declares is in force
  refused, // nothing of it is; `errors` says why
};

std::string_view to_string(file_state value) noexcept;

struct file {
  std::string path;
  file_state state = file_state::loaded;
  module::diagnostics errors; // empty if loaded
  std::size_t function_count = 0;
  std::size_t egress_count = 0;
};

// A module file as it was read, not yet looked into.
struct file_text {
  std::string path;
  std::string text;
  std::string fault; // why it could not be read; empty if it was
};

// All that the modules of one moment declare. Immutable, so any thread reads it without a lock; whoever works with it
// holds the pointer, and what it points to does not move or end before.
class snapshot {
 public:
  // Files in name order. Each is taken whole or not at all; of two that declare the same type, pattern or egress the
  // first wins and the other is refused. Pure.
  static std::shared_ptr<snapshot const> make(std::vector<file_text> const& files, std::uint64_t generation);

  snapshot(snapshot const&) = delete;
  snapshot& operator=(snapshot const&) = delete;

  // Grows with each snapshot that a process makes.
  std::uint64_t generation() const noexcept { return generation_; }
  // The exact type, else its namespace; null: nobody has bound it.
  module::function_spec const* find(message::function_type const& type) const;
  // Null: not declared, which does not keep it from being a queue.
  module::egress_spec const* find(message::egress_id const& id) const;

  std::vector<module::function_spec> const& functions() const noexcept { return functions_; }
  std::vector<module::egress_spec> const& egresses() const noexcept { return egresses_; }
  std::vector<file> const& files() const noexcept { return files_; }
  bool has_refused_files() const noexcept;
  // Every error of every refused file, in the order of files and places.
  module::diagnostics errors() const;

 private:
  explicit snapshot(std::uint64_t generation) : generation_(generation) {}
  void add(file_text const& read);
  module::diagnostics held_against(module::specs const& declared) const;

  std::uint64_t generation_;
  std::vector<file> files_;
  std::vector<module::function_spec> functions_;
  std::vector<module::egress_spec> egresses_;
  std::unordered_map<message::function_type, std::size_t> exact_;
  std::unordered_map<std::string, std::size_t> namespaces_;
  std::unordered_map<message::egress_id, std::size_t> egress_ids_;
};

} // namespace statefund::catalog
