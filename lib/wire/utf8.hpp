#pragma once

#include <string_view>

namespace statefund::wire {

// True for what a proto3 `string` may hold: UTF-8 without surrogates, overlong forms or code points above U+10FFFF;
// zero bytes are fine. A door asks before it takes an address or a type name from a client, for a function could never
// be called with anything else.
bool is_utf8(std::string_view text) noexcept;

} // namespace statefund::wire
