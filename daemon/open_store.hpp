#pragma once

#include "daemon/settings.hpp"
#include "error/number.hpp"
#include "error/result.hpp"
#include "store/opening.hpp"
#include "store/store.hpp"

#include <functional>
#include <memory>
#include <string>

namespace statefund::daemon {

// The store that the settings choose. Blocks on the disk. `lost` as rocks_store has it, `tell` as its database. The
// errors of rocks_store::open.
result<std::unique_ptr<store::store>> open_store(settings const& chosen, std::function<void(error const&)> lost,
                                                 store::tell_opening tell);

// What an operator looks up when a store cannot be opened, or is lost.
number number_of(error const& of_store) noexcept;

// What a crash of the machine may take of what was answered; empty: nothing.
std::string what_may_be_lost(settings const& chosen);

} // namespace statefund::daemon
