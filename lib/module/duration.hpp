#pragma once

#include "error/result.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace statefund::module {

// Reads <number><optional spaces><unit>. Units, in either case, the words also with an s behind them:
//   d, day | h, hour | m, min, minute | s, sec, second | ms, milli, millisecond | us, µs, micro, microsecond |
//   ns, nano, nanosecond
// Without a unit the number counts milliseconds. Zero is a duration; whether it is allowed is the caller's to say.
// Negative and fractional numbers, unknown units and what does not fit (about 292 years) are errc::duration_invalid,
// with the text quoted in the detail.
result<std::chrono::nanoseconds> parse_duration(std::string_view text);

// The shortest exact spelling that parse_duration reads back: "2min", "1500ms", "0s".
std::string to_text(std::chrono::nanoseconds value);

} // namespace statefund::module
