#pragma once

#include "store.pb.h"

#include "store/tables.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

// Each table as a type, for tests that hold all of them against the same rules, and what protoc's runtime makes of
// their values from proto/store.proto: the second opinion. `fill` makes a row of protoc's from ours, `same` compares
// the values of two rows.
namespace statefund::store::test {

inline void fill(message::address const& from, v1::Address& into) {
  into.set_namespace_(from.type.name_space);
  into.set_type(from.type.name);
  into.set_id(from.id);
}
inline bool same(message::address const& ours, v1::Address const& theirs) {
  return ours == message::address{{theirs.namespace_(), theirs.type()}, theirs.id()};
}
inline bool same(std::optional<message::address> const& ours, bool is_there, v1::Address const& theirs) {
  return ours.has_value() == is_there && (!ours || same(*ours, theirs));
}
inline void fill(message::typed_value const& from, v1::TypedValue& into) {
  into.set_typename_(from.type_name);
  into.set_has_value(from.has_value);
  into.set_value(from.bytes);
}
// Where the field is absent ours is what a row has from its beginning, so only fields that are there can differ.
inline bool same(message::typed_value const& ours, bool is_there, v1::TypedValue const& theirs) {
  return !is_there || ours == message::typed_value{theirs.typename_(), theirs.has_value(), theirs.value()};
}

inline void fill(kept_message const& from, v1::MailboxRow& into) {
  if (from.envelope.caller)
    fill(*from.envelope.caller, *into.mutable_caller());
  fill(from.envelope.value, *into.mutable_value());
}
inline bool same(kept_message const& ours, v1::MailboxRow const& theirs) {
  return same(ours.envelope.caller, theirs.has_caller(), theirs.caller()) &&
         same(ours.envelope.value, theirs.has_value(), theirs.value());
}

inline void fill(state_table::row const& from, v1::StateRow& into) {
  into.set_expires_at_ms(from.kept.expires_at_ms);
  fill(from.kept.value, *into.mutable_value());
}
inline bool same(state_table::row const& ours, v1::StateRow const& theirs) {
  return ours.kept.expires_at_ms == theirs.expires_at_ms() && same(ours.kept.value, theirs.has_value(), theirs.value());
}

inline void fill(kept_delayed const& from, v1::DelayedRow& into) {
  fill(from.owner, *into.mutable_owner());
  into.set_cancellation_token(from.set.cancellation_token);
  fill(from.set.message.target, *into.mutable_target());
  if (from.set.message.caller)
    fill(*from.set.message.caller, *into.mutable_caller());
  fill(from.set.message.value, *into.mutable_value());
}
inline bool same(kept_delayed const& ours, v1::DelayedRow const& theirs) {
  return same(ours.owner, theirs.owner()) && ours.set.cancellation_token == theirs.cancellation_token() &&
         same(ours.set.message.target, theirs.target()) &&
         same(ours.set.message.caller, theirs.has_caller(), theirs.caller()) &&
         same(ours.set.message.value, theirs.has_value(), theirs.value());
}

inline void fill(egress_table::row const& from, v1::EgressRow& into) {
  fill(from.record.from, *into.mutable_from());
  fill(from.record.value, *into.mutable_value());
}
inline bool same(egress_table::row const& ours, v1::EgressRow const& theirs) {
  return same(ours.record.from, theirs.from()) && same(ours.record.value, theirs.has_value(), theirs.value());
}

inline void fill(egress_table::cursor_row const& from, v1::EgressCursorRow& into) {
  into.set_gone_through(from.gone_through);
}
inline bool same(egress_table::cursor_row const& ours, v1::EgressCursorRow const& theirs) {
  return ours.gone_through == theirs.gone_through();
}

inline std::string eight_bytes(std::uint64_t number) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8)
    bytes.push_back(static_cast<char>(number >> static_cast<unsigned>(shift)));
  return bytes;
}
inline void fill(idempotency_table::row const& from, v1::IdempotencyRow& into) {
  into.set_expires_at_ms(from.kept.key.expires_at_ms);
  into.set_fingerprint(from.kept.key.fingerprint);
  into.set_first_index(from.kept.first.index);
  into.set_first_number(eight_bytes(from.kept.first.number));
}
inline bool same(idempotency_table::row const& ours, v1::IdempotencyRow const& theirs) {
  return ours.kept.key.expires_at_ms == theirs.expires_at_ms() && ours.kept.key.fingerprint == theirs.fingerprint() &&
         ours.kept.first.index == theirs.first_index() && eight_bytes(ours.kept.first.number) == theirs.first_number();
}

inline void fill(dead_letter_row const& from, v1::DeadLetterRow& into) {
  if (from.letter.message.caller)
    fill(*from.letter.message.caller, *into.mutable_caller());
  fill(from.letter.message.value, *into.mutable_value());
  into.set_reason(from.letter.reason);
  into.set_at_ms(from.letter.at_ms);
}
inline bool same(dead_letter_row const& ours, v1::DeadLetterRow const& theirs) {
  return same(ours.letter.message.caller, theirs.has_caller(), theirs.caller()) &&
         same(ours.letter.message.value, theirs.has_value(), theirs.value()) && ours.letter.reason == theirs.reason() &&
         ours.letter.at_ms == theirs.at_ms();
}

inline void fill(kept_pause const& from, v1::PauseRow& into) {
  into.set_cause(from.why.cause == message::pause_cause::by_failure ? v1::PauseRow::BY_FAILURE
                                                                    : v1::PauseRow::BY_OPERATOR);
  into.set_reason(from.why.reason);
  into.set_since_ms(from.why.since_ms);
}
inline bool same(kept_pause const& ours, v1::PauseRow const& theirs) {
  return (ours.why.cause == message::pause_cause::by_failure) == (theirs.cause() == v1::PauseRow::BY_FAILURE) &&
         ours.why.reason == theirs.reason() && ours.why.since_ms == theirs.since_ms();
}

inline void fill(message::source_position const& from, v1::SourcePositionRow& into) {
  into.set_position(from.position);
}
inline bool same(message::source_position const& ours, v1::SourcePositionRow const& theirs) {
  return ours.position == theirs.position();
}

inline void fill(head_table::format const& from, v1::FormatRow& into) {
  into.set_version(from.version);
  into.set_partition_count(from.partition_count);
}
inline bool same(head_table::format const& ours, v1::FormatRow const& theirs) {
  return ours.version == theirs.version() && ours.partition_count == theirs.partition_count();
}

inline void fill(head_table::head const& from, v1::HeadRow& into) {
  into.set_last_number(from.last_number);
  into.set_synced_through(from.synced_through);
}
inline bool same(head_table::head const& ours, v1::HeadRow const& theirs) {
  return ours.last_number == theirs.last_number() && ours.synced_through == theirs.synced_through();
}

// As `key` has it first.
inline constexpr std::uint32_t some_partition = 0x1234;

struct mailbox_rows {
  using row = kept_message;
  using theirs = v1::MailboxRow;
  static std::string key(row const& of) { return mailbox_table::key_of(some_partition, of.envelope.target, of.key); }
  static std::string value(row const& of) { return mailbox_table::value_of(of.envelope); }
  static std::optional<row> parse(std::string_view key, std::string_view value) {
    return mailbox_table::parse(key, value);
  }
};

struct state_rows {
  using row = state_table::row;
  using theirs = v1::StateRow;
  static std::string key(row const& of) { return state_table::key_of(some_partition, of.self, of.name); }
  static std::string value(row const& of) { return state_table::value_of(of.kept); }
  static std::optional<row> parse(std::string_view key, std::string_view value) {
    return state_table::parse(key, value);
  }
};

struct delayed_rows {
  using row = kept_delayed;
  using theirs = v1::DelayedRow;
  static std::string key(row const& of) { return delayed_table::key_of(some_partition, {of.set.due_ms, of.key}); }
  static std::string value(row const& of) { return delayed_table::value_of(of.owner, of.set); }
  static std::optional<row> parse(std::string_view key, std::string_view value) {
    return delayed_table::parse(key, value);
  }
};

struct egress_rows {
  using row = egress_table::row;
  using theirs = v1::EgressRow;
  static std::string key(row const& of) { return egress_table::key_of(some_partition, of.egress, of.record.sequence); }
  static std::string value(row const& of) { return egress_table::value_of(of.record.from, of.record.value); }
  static std::optional<row> parse(std::string_view key, std::string_view value) {
    return egress_table::parse(key, value);
  }
};

struct egress_cursor_rows {
  using row = egress_table::cursor_row;
  using theirs = v1::EgressCursorRow;
  static std::string key(row const& of) { return egress_table::prefix_of(some_partition, of.egress); }
  static std::string value(row const& of) { return egress_table::cursor_value_of(of.gone_through); }
  static std::optional<row> parse(std::string_view key, std::string_view value) {
    return egress_table::parse_cursor(key, value);
  }
};

struct idempotency_rows {
  using row = idempotency_table::row;
  using theirs = v1::IdempotencyRow;
  static std::string key(row const& of) {
    return idempotency_table::key_of(some_partition, of.self, of.kept.key.idempotency_key);
  }
  // As a change writes it: its number is filled in afterwards, at the value's end.
  static std::string value(row const& of) { return idempotency_table::value_of(of.kept.key, of.kept.first); }
  static std::optional<row> parse(std::string_view key, std::string_view value) {
    return idempotency_table::parse(key, value);
  }
};

struct dead_letter_rows {
  using row = dead_letter_row;
  using theirs = v1::DeadLetterRow;
  static std::string key(row const& of) { return dead_letter_table::key_of(some_partition, of.id()); }
  static std::string value(row const& of) { return dead_letter_table::value_of(of.letter); }
  static std::optional<row> parse(std::string_view key, std::string_view value) {
    return dead_letter_table::parse(key, value);
  }
};

struct pause_rows {
  using row = kept_pause;
  using theirs = v1::PauseRow;
  static std::string key(row const& of) { return pause_table::key_of(some_partition, of.self); }
  static std::string value(row const& of) { return pause_table::value_of(of.why); }
  static std::optional<row> parse(std::string_view key, std::string_view value) {
    return pause_table::parse(key, value);
  }
};

struct position_rows {
  using row = message::source_position;
  using theirs = v1::SourcePositionRow;
  static std::string key(row const& of) { return position_table::key_of(some_partition, of.source); }
  static std::string value(row const& of) { return position_table::value_of(of); }
  static std::optional<row> parse(std::string_view key, std::string_view value) {
    return position_table::parse(key, value);
  }
};

using all_kinds_of_rows = std::tuple<mailbox_rows, state_rows, delayed_rows, egress_rows, egress_cursor_rows,
                                     idempotency_rows, dead_letter_rows, pause_rows, position_rows>;

} // namespace statefund::store::test
