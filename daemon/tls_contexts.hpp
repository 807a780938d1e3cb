#pragma once

#include "catalog/snapshot.hpp"
#include "endpoint/options.hpp"
#include "endpoint/tls_context.hpp"
#include "module/diagnostic.hpp"
#include "module/spec.hpp"

#include <map>
#include <memory>
#include <vector>

namespace statefund::daemon {

// What is wrong with the TLS files of a function.
struct tls_finding {
  module::place where; // of the function
  endpoint::tls_problem problem;

  bool operator==(tls_finding const&) const = default;
};

// What the TLS files of a snapshot's functions said when they were read, each set of files once. Immutable; any thread.
class tls_contexts {
 public:
  // Blocks on the disk. Files that say the same as before (null: there is no before) have the same context as there;
  // files that cannot be used any more keep it.
  static std::shared_ptr<tls_contexts const> load(catalog::snapshot const& modules, tls_contexts const* before);

  // How a function of the snapshot is called over TLS.
  endpoint::tls_options options_of(module::function_spec const& spec, module::endpoint_url const& url) const;
  // Calls are secured alike before and after a reload if it is the same object. Null: no function of the snapshot has
  // these files, or they cannot be used.
  std::shared_ptr<endpoint::tls_context const> context_of(module::tls_spec const& spec) const;
  // In the order of files and places.
  std::vector<tls_finding> const& findings() const noexcept { return findings_; }

 private:
  tls_contexts() = default;

  std::map<endpoint::tls_files, endpoint::tls_loaded> loaded_;
  std::vector<tls_finding> findings_;
};

} // namespace statefund::daemon
