#pragma once

#include <iosfwd>

namespace statefunctl {

enum class exit_code {
  done = 0,
  failed = 1, // the daemon refused, or could not be asked
  usage = 78, // the command line cannot be used
};

// The whole tool: one table of verbs, each a command line and what it does.
exit_code run(int argc, char const* const* argv, std::istream& in, std::ostream& out, std::ostream& err);

} // namespace statefunctl
