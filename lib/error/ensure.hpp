#pragma once

#include <source_location>

namespace statefund {

// A programmer's error is asserted, in release too: prints the place and the promise that was broken, and aborts.
[[noreturn]] void broken_promise(char const* promise, std::source_location const& where) noexcept;

inline void ensure(bool holds, char const* promise,
                   std::source_location const& where = std::source_location::current()) noexcept {
  if (!holds) [[unlikely]]
    broken_promise(promise, where);
}

} // namespace statefund
