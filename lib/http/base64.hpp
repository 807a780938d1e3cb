#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace statefund::http {

// RFC 4648, 4, with padding. Decoding is strict: no line breaks, no missing padding, no bits left over.
std::optional<std::string> base64_decode(std::string_view text);
void append_base64(std::string& out, std::string_view bytes);

} // namespace statefund::http
