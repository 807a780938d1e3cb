#pragma once

#include "module/diagnostic.hpp"
#include "module/spec.hpp"

#include <boost/system/result.hpp>

#include <cstddef>
#include <string>

namespace statefund::module {

inline constexpr std::size_t text_bytes_max = std::size_t{4} * 1024 * 1024; // of a file

// A file whole, or all its errors (never an empty list).
using parse_result = boost::system::result<specs, diagnostics>;

// Reads one module file: a document with a root `version` ("1.0", "2.0", "3.0"), or documents of `kind` and `spec`.
// Empty documents are skipped; a file without any declares nothing. What is declared and does not run yet loads
// (not_running.hpp); what never will is an error that names it. `file` appears in places and errors alone; nothing is
// opened. Pure; any thread. At most 4 MiB, 10,000 values with aliases unfolded, 64 levels; 100 errors.
parse_result parse(std::string const& file, std::string const& text);

// How an error of a second declaration reads; the catalog says it across files.
diagnostic bound_before(function_spec const& second, place const& first);
diagnostic declared_before(egress_spec const& second, place const& first);
diagnostic declared_before(ingress_spec const& second, place const& first);

} // namespace statefund::module
