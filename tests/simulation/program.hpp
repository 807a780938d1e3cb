#pragma once

#include "message/address.hpp"
#include "message/state_values.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace statefund::simulation {

// A program is what a run does from outside, and what each message makes its receiver do: a tree of commands for each
// message that comes in. Made from a seed; nothing in it depends on how the run goes.

inline constexpr std::size_t states_count = 4; // of each address
inline constexpr std::size_t tokens_count = 3;
inline constexpr std::size_t egresses_count = 2;
// Messages of each kind that the steps do not send: to an address that nobody else knows, and that is healthy. Each is
// the call of a type that succeeds.
inline constexpr std::size_t probes_count = 12;

struct kind_of_function {
  std::string_view name;
  bool declares_states; // 2.x; else it asks for them, one by one
};
inline constexpr std::array<kind_of_function, 5> kinds{
    {{"a", false}, {"b", false}, {"c", false}, {"v", true}, {"w", true}}};

enum class verb : std::uint8_t {
  add,        // `amount` to the state `which`
  remove,     // the state `which`
  send,       // the message `which`
  send_later, // the message `which` after `amount` ms, under the token or none
  cancel,     // what was set under the token
  record,     // a record for the egress `which`
};

struct command {
  verb what = verb::add;
  std::uint32_t which = 0;
  std::int32_t amount = 0;
  std::uint8_t token = 0; // 0: none
};

// How a call ends, for the sake of one of its messages, or of the endpoint.
enum class trouble : std::uint8_t {
  cut,            // before it was answered; or answered 502, 503, 504
  out_of_reach,   // no connection
  late,           // no answer in time
  too_large,      // an answer that is
  thrown,         // 500
  misplaced,      // an answer that is none of a function
  refused,        // 400
  unreadable,     // bytes that are no answer
  state_unknown,  // it mutates a state that was not carried
  token_missing,  // it cancels without one
  delay_negative, // it sends into the past
};
inline constexpr std::size_t troubles_count = 11;

inline constexpr std::uint8_t for_ever = 255;

struct errand {
  std::uint32_t target = 0; // an address, by its number
  std::vector<command> does;
  std::uint8_t failures_count = 0; // of calls that carry it, before one succeeds
  trouble failure = trouble::cut;
};

enum class action : std::uint8_t {
  send,        // one message
  upload,      // several messages in one request
  read,        // an egress
  reload,      // other modules
  outage,      // all calls of a type end badly for a while, one way or another
  kill,        // kill -9
  lose_power,  // a prefix of what was not synced stays
  fail_write,  // a write fails, and the process ends
  fail_sync,   // a sync
  stop,        // as asked, and started again
  crash_early, // kill -9 while it starts
  jump,        // the wall clock is set, up to an hour off, and back
  fill_disk,   // the disk is almost full for a while
  operate,     // an operator pauses, resumes or skips, heals, or sees to dead letters
};

struct step {
  action what = action::send;
  std::vector<std::uint32_t> messages;
  bool keyed = false;
  std::uint32_t delay_ms = 0;
  std::uint32_t chance = 0; // what is left to say
};

struct program {
  std::uint64_t seed = 0;
  std::size_t shards_count = 1;
  std::size_t ids_count = 1; // of each type
  std::size_t calls_in_flight_max = 1;
  std::uint64_t buffered_bytes_max = 0;
  std::uint64_t spill_bytes_max = 0;
  std::size_t head_messages_max = 1;
  std::size_t delayed_max = 0;
  std::chrono::milliseconds delayed_window{};
  std::uint64_t delayed_window_bytes_max = 0;
  std::uint64_t egress_bytes_max = 0;
  std::size_t dead_letters_max = 0;
  std::array<message::expiration, states_count> expirations; // of the states, whatever the function
  std::uint32_t modules_chance = 0;                          // what the first modules are made from
  bool isolates = false;           // at its end one address, one endpoint and one egress stay broken for a while
  std::uint32_t broken_chance = 0; // which
  std::vector<errand> messages;
  std::vector<step> steps;

  message::address address(std::uint32_t number) const;
  std::uint32_t number_of(message::address const& self) const;
  // Of the kind: the last ones, by their number.
  std::uint32_t probe(std::size_t kind, std::size_t i) const noexcept {
    return static_cast<std::uint32_t>(messages.size() - (kinds.size() - kind) * probes_count + i);
  }
  bool is_probed(std::uint32_t address) const noexcept { return address % ids_count == ids_count - 1; }
  std::size_t kind_of(std::uint32_t address) const noexcept { return address / ids_count; }
  std::size_t addresses_count() const noexcept { return kinds.size() * ids_count; }
};

program make_program(std::uint64_t seed);

// One line a step and a message that is reached.
std::string to_text(program const& one);

} // namespace statefund::simulation
