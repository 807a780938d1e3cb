#pragma once

#include "clock/clock.hpp"
#include "message/address.hpp"
#include "message/batch.hpp"
#include "message/change.hpp"
#include "store/store.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace statefund::dispatch {

// What an operator is shown of addresses: plain values, as of one moment.

enum class standing {
  idle,        // nothing waits
  ready,       // waits for a permit
  in_flight,   // its call is out
  backing_off, // its last call failed, and it waits for its next one
  held,        // an egress that it writes to is full
  paused,      // it, its type or the daemon is paused
  unbound,     // no module declares its type
};

std::string_view to_string(standing value) noexcept;
std::optional<standing> parse_standing(std::string_view text) noexcept;

inline constexpr std::size_t listed_addresses_max = 10'000;

struct address_filter {
  std::optional<standing> stands; // idle: none, for an idle address has no mailbox
  std::optional<message::function_type> type;
  std::size_t addresses_max = 100; // listed_addresses_max at most
};

// One address with a mailbox. An idle one is as this is made.
struct address_summary {
  message::address self;
  standing stands = standing::idle;
  std::size_t messages_count = 0;                        // waiting, or out on a call
  std::uint64_t bytes = 0;                               // of them, as memory counts them
  std::optional<clock::steady::time_point> oldest_since; // of the one that has waited longest; absent: idle
  unsigned failures_count = 0;                           // calls in a row that failed
  std::string last_error;                                // of the last of them
  std::optional<clock::steady::time_point> next_attempt; // while it backs off
};

struct address_list {
  std::vector<address_summary> addresses; // that has waited longest first
  std::uint64_t total_count = 0;          // that the filter takes, listed or not
  bool durable = true;                    // else it tells of what a crash may still take back
};

struct message_summary {
  message::entry_key id;
  std::string type_name;
  std::uint64_t bytes = 0;
  std::optional<message::address> caller; // absent: from outside
};

enum class paused_with { itself, its_type };

struct pause_summary {
  message::pause why;
  paused_with with = paused_with::itself;
};

struct address_detail {
  address_summary summary;
  std::string why;      // it stands so, in a sentence
  std::size_t home = 0; // the shard that holds the permits of its type
  std::optional<pause_summary> paused;
  std::optional<message_summary> head; // the first of those that wait or are out
  std::size_t delayed_count = 0;       // messages that it has set
  std::optional<std::int64_t> delayed_next_due_ms;
  std::vector<store::state_summary> states;
  bool durable = true; // as of a list
};

struct dead_letter_summary {
  message_summary message;
  message::address self;
  std::string reason;
  std::int64_t at_ms = 0; // when it was set aside
};

dead_letter_summary summary_of(store::dead_letter_row const& row);

struct dead_letter_page {
  std::vector<dead_letter_summary> letters;
  std::optional<message::entry_key> next; // behind which there are more
  std::uint64_t total_count = 0;          // of all
  bool durable = true;                    // as of a list
};

inline constexpr std::size_t listed_dead_letters_max = 10'000;

} // namespace statefund::dispatch
