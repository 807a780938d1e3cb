#pragma once

#include "module/diagnostic.hpp"

#include <iosfwd>

namespace statefunctl {

enum class exit_code {
  done = 0,
  failed = 1,      // the daemon refused, or it or an endpoint could not be reached
  usage = 78,      // the command line cannot be used
  invalid = usage, // module files have errors
};

// The whole tool: one table of verbs, each a command line and what it does. `use` is for what goes to `err`.
exit_code run(int argc, char const* const* argv, std::istream& in, std::ostream& out, std::ostream& err,
              statefund::module::colours use = statefund::module::colours::none);

} // namespace statefunctl
