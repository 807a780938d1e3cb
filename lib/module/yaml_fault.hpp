#pragma once

#include "module/diagnostic.hpp"

#include <string>
#include <string_view>

namespace statefund::module {

// Private to the room: what the YAML parser says of a text that it refuses, and where it noticed. Line 0: nowhere.
struct yaml_fault {
  std::string said;
  unsigned line = 0;
  unsigned column = 0;
};

// Said in the parser's place: a document ends in the middle of the text, and here begins another without "---".
inline constexpr std::string_view second_document = "a second document begins without a mark";

// The slip that is likely behind it, in a sentence, at the place where the person made it; what is not recognised, in
// the parser's own words. Pure.
diagnostic explain(yaml_fault const& fault, std::string const& file, std::string_view text);

} // namespace statefund::module
