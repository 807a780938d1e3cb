#pragma once

#include "store/dead_letter_table.hpp"
#include "store/delayed_table.hpp"
#include "store/delayed_token_table.hpp"
#include "store/egress_table.hpp"
#include "store/head_table.hpp"
#include "store/idempotency_table.hpp"
#include "store/mailbox_table.hpp"
#include "store/pause_table.hpp"
#include "store/position_table.hpp"
#include "store/state_table.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace statefund::store {

// Each is a column family of its name.
enum class table : std::uint8_t {
  head,
  mailbox,
  state,
  delayed,
  delayed_token,
  egress,
  egress_cursor,
  idempotency,
  dead_letter,
  pause,
  position,
};

inline constexpr std::array<std::string_view, 11> table_names{
    "default",
    mailbox_table::name,
    state_table::name,
    delayed_table::name,
    delayed_token_table::name,
    egress_table::name,
    egress_table::cursors_name,
    idempotency_table::name,
    dead_letter_table::name,
    pause_table::name,
    position_table::name,
};

} // namespace statefund::store
