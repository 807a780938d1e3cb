#pragma once

#include "error/result.hpp"

#include <chrono>
#include <string_view>

namespace statefund::module {

// Reads yyyy-MM-dd HH:mm:ss.SSS and a zone, +0100 or Z, as in "2020-02-01 04:15:00.000 +0000"; one to three digits of
// the fraction. errc::date_invalid: anything else and what no calendar has, with the text quoted in the detail.
result<std::chrono::sys_time<std::chrono::milliseconds>> parse_date(std::string_view text);

} // namespace statefund::module
