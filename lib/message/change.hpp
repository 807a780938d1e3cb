#pragma once

#include "message/address.hpp"
#include "message/batch.hpp"
#include "message/typed_value.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace statefund::message {

// Everything that one step does. It is committed whole or not at all, and holds rows of its owner's partition and
// messages to others, nothing else. The owner is `self`, or the egress of `departed`.

struct state_change {
  std::string name;
  std::optional<stored_value> value; // absent: the state is deleted

  bool operator==(state_change const&) const = default;
};

// A message is due at most so long after it is sent.
inline constexpr std::chrono::milliseconds delay_max = std::chrono::years(10);

// A delayed message belongs to the address that set it (the change's self); due is an ordinary send from there.
struct delayed_message {
  std::int64_t due_ms = 0; // Unix milliseconds
  std::string cancellation_token;
  envelope message;

  bool operator==(delayed_message const&) const = default;
};

// Names a delayed message; in the order of these the one that is due first comes first.
struct delayed_key {
  std::int64_t due_ms = 0;
  entry_key key;

  auto operator<=>(delayed_key const&) const = default;
};

// A delayed message that was fired or cancelled, by all that the store finds its rows by.
struct delayed_removal {
  delayed_key row;
  std::string cancellation_token;

  auto operator<=>(delayed_removal const&) const = default;
};

// Guards a message from outside: kept with the target, in the change that holds the message.
struct accepted_key {
  std::string idempotency_key;
  std::string fingerprint; // of type, bytes and delay: the same key with another one is a conflict
  std::int64_t expires_at_ms = 0;

  bool operator==(accepted_key const&) const = default;
};

struct egress_record {
  egress_id egress;
  typed_value value;

  bool operator==(egress_record const&) const = default;
};

// The egresses that these go to, each once; pointers into `records`. Pure.
std::vector<egress_id const*> egresses_of(std::vector<egress_record> const& records);

// A reader has acknowledged the records of one egress up to and with `through_sequence`.
struct departure {
  egress_id egress;
  std::uint64_t through_sequence = 0;

  bool operator==(departure const&) const = default;
};

enum class pause_cause {
  by_operator,
  by_failure, // of the message at the head; it ends with that message, too
};

// Why an address takes no turns.
struct pause {
  pause_cause cause = pause_cause::by_operator;
  std::string reason;
  std::int64_t since_ms = 0; // Unix milliseconds

  bool operator==(pause const&) const = default;
};

// The address stops taking turns, or goes on. Of the address {type, ""}, whose id is empty as no other's: all of the
// type do.
struct pause_row {
  std::optional<pause> paused; // absent: it goes on

  bool operator==(pause_row const&) const = default;
};

// A message set aside for good, out of self's mailbox. It goes by the message's key.
struct dead_letter {
  invocation message;
  std::string reason;
  std::int64_t at_ms = 0; // when it was set aside, Unix milliseconds

  bool operator==(dead_letter const&) const = default;
};

// How far a source (a log that messages are taken from) has been read by the change's messages.
struct source_position {
  std::string source;
  std::int64_t position = 0;

  bool operator==(source_position const&) const = default;
};

struct change {
  address self;
  std::vector<entry_key> consumed;           // of self's mailbox, each by its key
  std::vector<state_change> states;          // of self
  std::vector<envelope> messages;            // entry i gets the key {number, i} in its target's mailbox
  std::vector<delayed_message> delayed_set;  // entry i gets the key {number, i} among self's delayed messages
  std::vector<delayed_removal> delayed_gone; // of self
  std::vector<egress_record> egress_records; // numbered by the committer, in order
  std::optional<accepted_key> key;           // of self
  std::optional<pause_row> pause;            // of self
  std::vector<dead_letter> dead_letters;     // of self
  std::vector<entry_key> dead_letters_gone;  // of self: replayed or dropped
  std::optional<source_position> position;
  std::optional<departure> departed;
};

} // namespace statefund::message
