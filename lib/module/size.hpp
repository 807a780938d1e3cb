#pragma once

#include "error/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace statefund::module {

// Reads <number><optional spaces><unit> as bytes; units, in either case: B, KiB, MiB, GiB, TiB, and none for bytes.
// KB, MB and the like are refused: some mean 1000 by them, some 1024. Errors: errc::size_invalid, with the text quoted
// in the detail.
result<std::uint64_t> parse_size(std::string_view text);

// The shortest exact spelling that parse_size reads back: "32MiB", "1000B".
std::string size_to_text(std::uint64_t bytes);

} // namespace statefund::module
